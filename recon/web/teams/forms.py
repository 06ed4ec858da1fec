"""Forms about teams."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from recon.models import Membership, Team

HANDLE_TAKEN = _("Another team has this address. Choose a different one.")

#: What stands in the same place of other addresses.
_RESERVED = ("new", "join")

Role = Membership.Role


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    """A team's name and address."""

    class Meta:
        model = Team
        fields = ("name", "handle")
        help_texts: ClassVar[dict[str, object]] = {
            "handle": _("3 to 30 lower-case letters, digits and hyphens."),
        }
        widgets: ClassVar[dict[str, object]] = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "handle": forms.TextInput(
                attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
            ),
        }
        error_messages: ClassVar[dict[str, object]] = {"handle": {"unique": HANDLE_TAKEN}}

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        if handle in _RESERVED:
            raise forms.ValidationError(HANDLE_TAKEN)
        return handle


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        required=False,
        max_length=254,
        label=_("E-mail address"),
        help_text=_("Leave it empty to get a link that you hand on yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.EDITOR,
        label=_("Role"),
        help_text=_(
            "Viewers see and download the scenes. Editors make, change and delete scenes as well. "
            "Owners also say who is in the team."
        ),
    )

    def __init__(self, data: object = None, *, team: Team) -> None:
        super().__init__(data, auto_id="invite-%s")  # type: ignore[arg-type]
        self.team = team

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if email and self.team.memberships.filter(user__email__iexact=email).exists():
            raise forms.ValidationError(_("They are in the team already."))
        return email


class RoleForm(forms.Form):
    """A member's role."""

    role = forms.ChoiceField(choices=Role.choices, label=_("Role"))


class DeleteForm(forms.Form):
    """The team's address once more, before it is deleted."""

    handle = forms.CharField(
        label=_("The team’s address, to make sure"),
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, data: object = None, *, team: Team) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.team = team

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        if handle != self.team.handle:
            said = _("Type “{handle}” if you want to delete this team.")
            raise forms.ValidationError(said.format(handle=self.team.handle))
        return handle
