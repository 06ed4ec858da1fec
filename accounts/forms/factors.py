"""Codes of a second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _

from accounts import sessions
from accounts.requests import SignedInRequest
from accounts.second_factor import codes, keys
from accounts.second_factor.remembered import DAYS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

WRONG = _(
    "That code is wrong, or has been used. Enter the one that your app shows now, and check that "
    "the time on its device is right."
)
WRONG_RECOVERY = _("That is none of your recovery codes, or it has been used.")
LOST = _(
    "This site can’t check the codes of your app any more. Use a recovery code, or ask whoever "
    "runs this site."
)


def code_field() -> forms.CharField:
    return _typed(_("Code from your app"), autocomplete="one-time-code", inputmode="numeric")


def recovery_field() -> forms.CharField:
    return _typed(_("Recovery code"), autocomplete="off", autocapitalize="none")


def _typed(label: StrOrPromise, **attrs: str) -> forms.CharField:
    """For what is copied from elsewhere; the page begins there."""
    attributes = {**attrs, "autofocus": True, "spellcheck": "false"}
    return forms.CharField(max_length=40, label=label, widget=forms.TextInput(attrs=attributes))


class CodeForm(forms.Form):
    """A code that proves who it is; after `is_valid`, `how` it did (`codes.check`)."""

    code = code_field()

    def __init__(self, *args: Any, user: Any, recovery: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.recovery, self.how = user, recovery, ""
        if recovery:
            self.fields["code"] = recovery_field()

    def clean_code(self) -> str:
        """Raises TooMany."""
        typed: str = self.cleaned_data["code"]
        try:
            self.how = codes.check(self.user, typed)
        except keys.KeyLost as error:
            raise forms.ValidationError(LOST) from error
        if not self.how:
            raise forms.ValidationError(WRONG if codes.is_app_code(typed) else WRONG_RECOVERY)
        return typed


class SecondStepForm(CodeForm):
    """The code at sign-in, and whether this browser needs none from now on."""

    remember = forms.BooleanField(
        required=False, label=_("Don’t ask again in this browser for {n} days")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remember"].label = str(self.fields["remember"].label).format(n=DAYS)


class NewFactorForm(forms.Form):
    """The first code of a new app, with the password unless they have just signed in. `made` are
    then the recovery codes."""

    password = forms.CharField(
        strip=False,
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = code_field()

    def __init__(self, *args: Any, request: SignedInRequest, secret: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.secret = request, secret
        self.made: list[str] = []
        del self.fields["code"].widget.attrs["autofocus"]  # the QR code comes first
        if sessions.is_recent(request):
            del self.fields["password"]

    def clean_password(self) -> str:
        """Raises TooMany."""
        return check_password(self.request, self.cleaned_data["password"])

    def clean(self) -> dict[str, Any]:
        """Raises TooMany."""
        data = super().clean() or {}
        if "code" in data and not self.errors:
            made = codes.switch_on(self.request.user, self.secret, data["code"])
            if made is None:
                self.add_error("code", WRONG)
            else:
                self.made = made
        return data


def check_password(request: SignedInRequest, password: str) -> str:
    """Wrong ones count as at sign-in, so that a stolen session can't try them all. Raises TooMany
    and ValidationError."""
    if authenticate(request, username=request.user.email, password=password) != request.user:
        raise forms.ValidationError(_("That is not your password."))
    return password
