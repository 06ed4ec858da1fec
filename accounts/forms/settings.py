"""What people set about their account: wishes, public page, API tokens, and the way out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import languages, sessions, time_zones
from accounts.forms.factors import check_password
from accounts.models import ApiToken, Scope, User
from accounts.requests import SignedInRequest

MAX_TOKENS = 20  # per person

HANDLE_TAKEN = _("This address is already taken. Choose another.")
ADDRESS_IN_USE = _("Another account has this address.")


class PreferencesForm(forms.ModelForm):
    """Language, time zone, and whether a mail says that a scene is done."""

    language = forms.ChoiceField(
        choices=languages.choices, required=False, label=_("Language of pages and e-mails")
    )
    time_zone = forms.ChoiceField(choices=time_zones.choices, required=False, label=_("Time zone"))

    class Meta:
        model = User
        fields = ("language", "time_zone", "mail_when_done")
        labels: ClassVar[dict[str, object]] = {
            "mail_when_done": _("E-mail me when a scene is done")
        }
        help_texts: ClassVar[dict[str, object]] = {"mail_when_done": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.MAIL_IS_SET_UP:
            del self.fields["mail_when_done"]


class PublicPageForm(forms.ModelForm):
    """Somebody's public page: whether there is one, at which address, under which name."""

    class Meta:
        model = User
        fields = ("gallery_open", "handle", "public_name")
        labels: ClassVar[dict[str, object]] = {
            "gallery_open": _("I want a public page"),
            "handle": _("Page address"),
            "public_name": _("Name to show on it"),
        }
        help_texts: ClassVar[dict[str, object]] = {
            "gallery_open": _("Anyone can open it. It shows the scenes that you choose."),
            "handle": _("3 to 30 lower-case letters, digits and hyphens."),
            "public_name": _("Your e-mail address is never shown."),
        }
        widgets: ClassVar[dict[str, object]] = {
            "handle": forms.TextInput(
                attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
            )
        }
        error_messages: ClassVar[dict[str, object]] = {"handle": {"unique": HANDLE_TAKEN}}

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if data.get("gallery_open") and not data.get("handle") and "handle" not in self.errors:
            self.add_error("handle", _("A public page needs an address."))
        return data


class PasswordAgain(forms.Form):
    """The password again; nothing to enter where there is none (`accounts.proof`)."""

    password = forms.CharField(
        strip=False,
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: QueryDict | None = None, *, request: SignedInRequest) -> None:
        super().__init__(data)
        self.request = request
        if not sessions.asks_password(request.user):
            del self.fields["password"]

    def clean_password(self) -> str:
        """Raises TooMany."""
        return check_password(self.request, self.cleaned_data["password"])


class GoodbyeForm(PasswordAgain):
    """Before an account is deleted."""


class ConnectForm(PasswordAgain):
    """Before an account at the provider becomes a way in."""


class AddressForm(PasswordAgain):
    """Another e-mail address for the signed-in account."""

    email = forms.EmailField(
        max_length=254,
        label=_("New e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )
    field_order = ("email", "password")

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if email == self.request.user.email:
            raise forms.ValidationError(_("That is already your address."))
        return email


class TokenForm(forms.ModelForm):
    """A new API token for `user`: its name, what it may do, how long."""

    READ, UPLOAD, SHARE, EVERYTHING = "read", "upload", "share", "everything"
    SCOPES: ClassVar[dict[str, tuple[str, ...]]] = {
        READ: (Scope.READ,),
        UPLOAD: (Scope.READ, Scope.UPLOAD),
        SHARE: (Scope.READ, Scope.UPLOAD, Scope.MANAGE),
        EVERYTHING: (Scope.READ, Scope.UPLOAD, Scope.MANAGE, Scope.DELETE),
    }

    may = forms.ChoiceField(
        label=_("What is it allowed to do?"),
        choices=(
            (READ, _("See and download scenes")),
            (UPLOAD, _("See and make scenes")),
            (SHARE, _("See, make and share scenes")),
            (EVERYTHING, _("See, make, share and delete scenes")),
        ),
        initial=UPLOAD,
    )
    days = forms.ChoiceField(
        label=_("How long should it work?"),
        choices=(
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("a year")),
            ("never", _("until you revoke it")),
        ),
        initial="90",
    )

    class Meta:
        model = ApiToken
        fields = ("name",)
        labels: ClassVar[dict[str, object]] = {"name": _("What is it for?")}
        help_texts: ClassVar[dict[str, object]] = {"name": ""}
        widgets: ClassVar[dict[str, object]] = {
            "name": forms.TextInput(
                attrs={"placeholder": _("upload script"), "autocomplete": "off"}
            )
        }

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        if data is not None:
            data = data.copy()
            for name in ("may", "days"):  # what a script does not send is as on the page
                data.setdefault(name, self.base_fields[name].initial)
        super().__init__(data)
        self.user = user

    def clean(self) -> dict[str, object]:
        ApiToken.objects.filter(user=self.user, ends_at__lte=timezone.now()).delete()
        if self.user.api_tokens.count() >= MAX_TOKENS:
            text = _("You have {count} tokens, the maximum. Revoke one to make another.")
            raise forms.ValidationError(text.format(count=MAX_TOKENS))
        return super().clean() or {}

    def issue(self) -> tuple[ApiToken, str]:
        """The token and its secret. After `is_valid`."""
        data = self.cleaned_data
        scopes = self.SCOPES[data["may"]]
        return ApiToken.issue(self.user, data["name"], scopes=scopes, ends_at=self._end())

    def _end(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return None if days == "never" else timezone.now() + timedelta(days=int(days))
