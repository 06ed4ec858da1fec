"""What makes a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from recon.jobs.webhooks import posting
from recon.models import Webhook

MOST = 10

_REFUSALS = {
    posting.WRONG: _("Enter an address with http:// or https://, without a user name."),
    posting.UNKNOWN: _("There is no such host."),
    posting.INSIDE: _("This address is in a private network, where the site sends nothing."),
}


class WebhookForm(forms.Form):
    """An address outside, so that nobody learns what answers inside."""

    url = forms.URLField(
        label=_("Address"),
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(
            attrs={"placeholder": "https://example.org/hook", "autocomplete": "off"}
        ),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, owner: User) -> None:
        super().__init__(data)
        self.owner = owner

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            posting.check(url)
        except posting.NotPosted as error:
            raise forms.ValidationError(_REFUSALS[error.reason]) from error
        return url

    def clean(self) -> dict[str, Any]:
        if Webhook.objects.filter(owner=self.owner).count() >= MOST:
            said = gettext("You have {count} webhooks, the maximum. Remove one to make another.")
            raise forms.ValidationError(said.format(count=MOST))
        return super().clean() or {}

    def save(self) -> Webhook:
        """After `is_valid`."""
        return Webhook.objects.create(owner=self.owner, url=self.cleaned_data["url"])
