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

from accounts import time_zones
from accounts.models import ApiToken, User

MAX_TOKENS = 20  # per person

ADDRESS_TAKEN = "There is an account with this address already. Sign in, or reset its password."
HANDLE_TAKEN = "Somebody else has this address already. Choose another."


class SignUpForm(forms.ModelForm):
    """An e-mail address and a password, typed once: browsers show it, a mail resets it."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html(),
    )
    #: Filled in by a script. Without one the person sees the site's times until they choose.
    time_zone = forms.CharField(
        required=False, max_length=200, widget=forms.HiddenInput(attrs={"data-time-zone": ""})
    )

    class Meta:
        model = User
        fields = ("email", "time_zone")
        labels: ClassVar[dict[str, str]] = {"email": "E-mail address"}
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
        return super().save(commit)


class SignInForm(AuthenticationForm):
    """Django's. Its field is called `username` and holds the e-mail address."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is not right.",
        "inactive": "This account has been switched off. Ask the site's staff.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )
        self.fields["username"].label = "E-mail address"


class ResetForm(PasswordResetForm):
    """Django's, but its links lead to BASE_URL, whatever Host the request claimed."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        kwargs["domain_override"] = urlsplit(settings.BASE_URL).netloc
        kwargs["use_https"] = settings.IS_HTTPS
        super().save(*args, **kwargs)


class PreferencesForm(forms.ModelForm):
    """In which time zone somebody sees times, and whether a mail says that a scene is done."""

    time_zone = forms.ChoiceField(
        choices=time_zones.choices, required=False, label="Time zone of all times shown"
    )

    class Meta:
        model = User
        fields = ("time_zone", "mail_when_done")
        labels: ClassVar[dict[str, str]] = {"mail_when_done": "Send me a mail when a scene is done"}
        help_texts: ClassVar[dict[str, str]] = {"mail_when_done": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.MAIL_IS_SET_UP:
            del self.fields["mail_when_done"]


class PublicPageForm(forms.ModelForm):
    """Somebody's public page: whether there is one, at which address, under which name."""

    class Meta:
        model = User
        fields = ("gallery_open", "handle", "public_name")
        labels: ClassVar[dict[str, str]] = {
            "gallery_open": "I want a public page",
            "handle": "Its address",
            "public_name": "Name to show on it",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "gallery_open": "Anybody can open it. It shows the scenes that you mark for it.",
            "handle": "3 to 30 small letters, digits and hyphens.",
            "public_name": "Your e-mail address is never shown.",
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
            self.add_error("handle", "A public page needs an address.")
        return data


class GoodbyeForm(forms.Form):
    """The password once more, before an account is deleted."""

    password = forms.CharField(
        strip=False,
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(forms.ModelForm):
    """The name of a new API token for `user`."""

    class Meta:
        model = ApiToken
        fields = ("name",)
        labels: ClassVar[dict[str, str]] = {"name": "What is it for?"}
        help_texts: ClassVar[dict[str, str]] = {"name": ""}
        widgets: ClassVar[dict[str, Any]] = {
            "name": forms.TextInput(attrs={"placeholder": "upload script", "autocomplete": "off"})
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        if self.user.api_tokens.count() >= MAX_TOKENS:
            raise forms.ValidationError(
                f"You have {MAX_TOKENS} tokens, which is the most. Revoke one to make another."
            )
        return super().clean() or {}
