"""Signing up and in, and passwords."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.contrib.auth.password_validation import (
    password_validators_help_text_html,
    validate_password,
)
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import languages, time_zones
from accounts.models import User

ADDRESS_TAKEN = _("There is already an account with this address. Sign in, or reset the password.")
TAKEN = "taken"


class SignUpForm(forms.ModelForm):
    """An e-mail address and a password, typed once: browsers show it, a mail resets it."""

    password = forms.CharField(
        strip=False,
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=lazy(password_validators_help_text_html, str)(),
    )
    #: Filled in by a script. Without one the person sees the site's times until they choose.
    time_zone = forms.CharField(
        required=False, max_length=200, widget=forms.HiddenInput(attrs={"data-time-zone": ""})
    )

    class Meta:
        model = User
        fields = ("email", "time_zone")
        labels: ClassVar[dict[str, object]] = {"email": _("E-mail address")}
        widgets: ClassVar[dict[str, object]] = {
            "email": forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
        }

    def clean_email(self) -> str:
        email: str = User.objects.normalize_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(ADDRESS_TAKEN, code=TAKEN)
        return email

    def clean_time_zone(self) -> str:
        return time_zones.valid_name(self.cleaned_data["time_zone"])

    def _post_clean(self) -> None:
        """Judges the password when the instance knows the address that it must not resemble."""
        super()._post_clean()  # type: ignore[misc]
        password = self.cleaned_data.get("password")
        if password:
            try:
                validate_password(password, self.instance)
            except forms.ValidationError as error:
                self.add_error("password", error)

    def save(self, commit: bool = True) -> User:
        self.instance.set_password(self.cleaned_data["password"])
        # What they read just now: mails have no browser to ask.
        self.instance.language = languages.valid_code(get_language() or "")
        return super().save(commit)


class AskForm(forms.Form):
    """Only the address, where a mail proves it before there is an account.

    Not a model's form: that would say whether the address is known.
    """

    email = forms.EmailField(
        max_length=254,
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )
    time_zone = SignUpForm.base_fields["time_zone"]

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])

    def clean_time_zone(self) -> str:
        return time_zones.valid_name(self.cleaned_data["time_zone"])


class ConfirmForm(SignUpForm):
    """The password of a new account whose address is proven; `instance` has the address."""

    time_zone = None  # type: ignore[assignment]

    class Meta(SignUpForm.Meta):
        fields = ("email",)  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        address, password = self.fields["email"], self.fields["password"]
        address.disabled = True  # what is sent for it is not looked at
        address.widget.attrs = {"autocomplete": "username"}
        password.widget.attrs["autofocus"] = True


class SignInForm(AuthenticationForm):
    """Django's. Its field is called `username` and holds the e-mail address."""

    error_messages = {
        "invalid_login": _("The e-mail address or the password is wrong."),
        "inactive": _("This account has been switched off. Ask whoever runs this site."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )
        self.fields["username"].label = _("E-mail address")


class ResetForm(PasswordResetForm):
    """Django's, but its links lead to BASE_URL, whatever Host the request claimed, its mail is in
    the language of whoever gets it, and a refusal by the mail server does not go unnoticed."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Sends the mail. Raises what the mail server's connection raises."""
        kwargs["domain_override"] = urlsplit(settings.BASE_URL).netloc
        kwargs["use_https"] = settings.IS_HTTPS
        super().save(*args, **kwargs)

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        with languages.use_language(context["user"].language or get_language() or ""):
            subject = render_to_string(subject_template_name, context)
            text = render_to_string(email_template_name, context)
        send_mail(" ".join(subject.split()), text, from_email, [to_email])


class FirstPasswordForm(SetPasswordForm):
    """For whoever signs in elsewhere and has no password here yet."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class NewPasswordForm(PasswordChangeForm):
    """Django's, but the old password is checked as at sign-in: wrong ones are counted, so that a
    stolen session can't try them all.
    """

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Raises TooMany."""
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.email, password=old) != self.user:
            raise forms.ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            )
        return old
