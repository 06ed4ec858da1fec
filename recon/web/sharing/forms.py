"""What an owner may set about sharing, as forms, and what their page says about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from recon.jobs import sharing
from recon.models import Job, Share
from recon.web.tags import TagsField, tags_text

SHORTEST_PASSWORD, LONGEST_PASSWORD = 6, 100
LATEST = timedelta(days=36_525)
ABOUT_ID = "about-%s"  # apart from the other titles of a page
LOCAL = "%Y-%m-%dT%H:%M"  # what <input type="datetime-local"> speaks


class AboutForm(forms.Form):
    """A scene's title, description and tags, which may be changed at any time."""

    title = forms.CharField(max_length=120, required=False, strip=True, label=_("Title"))
    description = forms.CharField(
        max_length=2000,
        required=False,
        strip=True,
        label=_("Description"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Anyone with the link sees the title and the description."),
    )
    tags = TagsField(
        help_text=_("Separated by commas, such as: garden, summer 2026. Only you see them."),
        widget=forms.TextInput(attrs={"autocapitalize": "none"}),
    )


class LinkPasswordField(forms.CharField):
    """A password that the owner tells their friends, so it is shown while it is typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_length=SHORTEST_PASSWORD,
            max_length=LONGEST_PASSWORD,
            required=False,
            strip=False,
            widget=forms.TextInput(
                attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
            ),
            **kwargs,
        )


class UntilField(forms.DateTimeField):
    """A date and time to come, in the person's time zone where it names none."""

    def clean(self, value: Any) -> datetime | None:
        until: datetime | None = super().clean(value)
        if until is not None and until <= timezone.now():
            raise forms.ValidationError(_("This time has already passed. Choose a later one."))
        # Near the last day that calendars know, other time zones have none to show.
        if until is not None and until > timezone.now() + LATEST:
            raise forms.ValidationError(_("Choose a time within the next hundred years."))
        return until


class LinkForm(forms.Form):
    """A link's password, its end, and whether the scene is on its owner's public page."""

    password = LinkPasswordField(label=_("New password"))
    no_password = forms.BooleanField(required=False, label=_("Remove the password"))
    until = UntilField(
        required=False,
        label=_("The link expires on"),
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )
    in_gallery = forms.BooleanField(required=False, label=_("Show it on my public page"))

    def __init__(self, data: QueryDict | None = None, *, job: Job) -> None:
        share = job.share
        initial = {
            "until": None if share.is_over else share.until,
            "in_gallery": share.in_gallery,
        }
        super().__init__(data, initial=initial, auto_id="link-%s")
        self.is_over = share.is_over
        if job.team_id is not None:  # teams have no public page
            del self.fields["in_gallery"]
        if not share.password:
            del self.fields["no_password"]
            self.fields["password"].label = _("Password")

    def changes(self) -> dict[str, object]:
        """The columns of `Share` as wished. After `is_valid`."""
        data = self.cleaned_data
        changes = {name: data[name] for name in ("in_gallery",) if name in data}
        # A link that is over shows an empty field: saving something else must not bring it back.
        if data["until"] or not self.is_over:
            changes["until"] = data["until"]
        if data["password"]:
            changes["password"] = sharing.hash_password(data["password"])
        elif data.get("no_password"):
            changes["password"] = ""
        return changes


class OfferForm(forms.Form):
    """What people with the link may download, and whether they see the quality figures."""

    downloads = forms.ChoiceField(
        choices=Share.Downloads.choices,
        label=_("People with the link may download"),
        help_text=_(
            "Files that you keep back are not handed out. Still, anyone who knows how can save "
            "what their browser shows."
        ),
    )
    figures = forms.BooleanField(
        required=False,
        label=_("Show the quality figures"),
        help_text=_("PSNR, SSIM and LPIPS, the verdict on them, and how they were measured."),
    )

    def __init__(self, data: QueryDict | None = None, *, job: Job) -> None:
        initial = {"downloads": job.share.downloads, "figures": job.share.shows_figures}
        super().__init__(data, initial=initial, auto_id="offer-%s")

    def changes(self) -> dict[str, object]:
        """The columns of `Share` as wished. After `is_valid`."""
        data = self.cleaned_data
        return {"downloads": data["downloads"], "shows_figures": data["figures"]}


class EnterForm(forms.Form):
    """What a visitor types to open a link with a password."""

    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


def sentences(form: forms.Form) -> list[str]:
    """Every error of `form` with its field's label, as one sentence each."""
    return [
        f"{form[name].label}: {error}" if name in form.fields else str(error)
        for name, errors in form.errors.items()
        for error in errors
    ]


def sharing_context(job: Job, owner: User) -> dict[str, object]:
    """What `_share.html` and `_about.html` show of a job to its owner."""
    return {
        "link_form": LinkForm(job=job),
        "offer_form": OfferForm(job=job),
        "about_form": AboutForm(
            initial={
                "title": job.title,
                "description": job.share.description,
                "tags": tags_text(job),
            },
            auto_id=ABOUT_ID,
        ),
        "link_is_over": job.share.is_over,
        "has_link_password": bool(job.share.password),
        "time_zone_name": timezone.get_current_timezone_name(),
        "public_handle": owner.handle if owner.gallery_open else "",
    }
