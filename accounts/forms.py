"""Sign-up, sign-in, password reset and API tokens, as forms."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.contrib.auth.password_validation import (
    password_validators_help_text_html,
    validate_password,
)
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import languages, time_zones
from accounts.models import ApiToken, User

MAX_TOKENS = 20  # per person

ADDRESS_TAKEN = _("There is an account with this address already. Sign in, or reset its password.")
HANDLE_TAKEN = _("Somebody else has this address already. Choose another.")


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
        labels: ClassVar[dict[str, Any]] = {"email": _("E-mail address")}
        widgets: ClassVar[dict[str, Any]] = {
            "email": forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
        }

    def clean_email(self) -> str:
        email: str = User.objects.normalize_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(ADDRESS_TAKEN)
        return email

    def clean_time_zone(self) -> str:
        return time_zones.known(self.cleaned_data["time_zone"])

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
        self.instance.language = languages.known(get_language() or "")
        return super().save(commit)


class SignInForm(AuthenticationForm):
    """Django's. Its field is called `username` and holds the e-mail address."""

    error_messages = {
        "invalid_login": _("The e-mail address or the password is not right."),
        "inactive": _("This account has been switched off. Ask the site's staff."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )
        self.fields["username"].label = _("E-mail address")


class ResetForm(PasswordResetForm):
    """Django's, but its links lead to BASE_URL, whatever Host the request claimed, and its mail is
    in the language of whoever gets it."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        kwargs["domain_override"] = urlsplit(settings.BASE_URL).netloc
        kwargs["use_https"] = settings.IS_HTTPS
        super().save(*args, **kwargs)

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        with languages.spoken(context["user"].language or get_language() or ""):
            super().send_mail(subject_template_name, email_template_name, context, *args, **kwargs)


class PreferencesForm(forms.ModelForm):
    """Language, time zone, and whether a mail says that a scene is done."""

    language = forms.ChoiceField(
        choices=languages.choices, required=False, label=_("Language of pages and mails")
    )
    time_zone = forms.ChoiceField(
        choices=time_zones.choices, required=False, label=_("Time zone of all times shown")
    )

    class Meta:
        model = User
        fields = ("language", "time_zone", "mail_when_done")
        labels: ClassVar[dict[str, Any]] = {
            "mail_when_done": _("Send me a mail when a scene is done")
        }
        help_texts: ClassVar[dict[str, Any]] = {"mail_when_done": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.MAIL_IS_SET_UP:
            del self.fields["mail_when_done"]


class PublicPageForm(forms.ModelForm):
    """Somebody's public page: whether there is one, at which address, under which name."""

    class Meta:
        model = User
        fields = ("gallery_open", "handle", "public_name")
        labels: ClassVar[dict[str, Any]] = {
            "gallery_open": _("I want a public page"),
            "handle": _("Its address"),
            "public_name": _("Name to show on it"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "gallery_open": _("Anybody can open it. It shows the scenes that you mark for it."),
            "handle": _("3 to 30 small letters, digits and hyphens."),
            "public_name": _("Your e-mail address is never shown."),
        }
        widgets: ClassVar[dict[str, Any]] = {
            "handle": forms.TextInput(
                attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
            )
        }
        error_messages: ClassVar[dict[str, Any]] = {"handle": {"unique": HANDLE_TAKEN}}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("gallery_open") and not data.get("handle") and "handle" not in self.errors:
            self.add_error("handle", _("A public page needs an address."))
        return data


class GoodbyeForm(forms.Form):
    """The password once more, before an account is deleted."""

    password = forms.CharField(
        strip=False,
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(forms.ModelForm):
    """The name of a new API token for `user`."""

    class Meta:
        model = ApiToken
        fields = ("name",)
        labels: ClassVar[dict[str, Any]] = {"name": _("What is it for?")}
        help_texts: ClassVar[dict[str, Any]] = {"name": ""}
        widgets: ClassVar[dict[str, Any]] = {
            "name": forms.TextInput(
                attrs={"placeholder": _("upload script"), "autocomplete": "off"}
            )
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        if self.user.api_tokens.count() >= MAX_TOKENS:
            text = _("You have {count} tokens, which is the most. Revoke one to make another.")
            raise forms.ValidationError(text.format(count=MAX_TOKENS))
        return super().clean() or {}
