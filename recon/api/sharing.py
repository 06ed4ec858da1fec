"""How a job is shared, for programs: the same wishes as on its page, by the same forms. Its title
and its owner's tags are changed here, too."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from django import forms
from django.http import HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.auth import endpoint
from recon.api.bodies import receive
from recon.api.errors import ApiError, explained
from recon.api.reading import own_job, tags_of, truth
from recon.jobs import sharing, tags, titles
from recon.models import Job, Share
from recon.web.scene import share_url
from recon.web.sharing.forms import AboutForm, LinkPasswordField, UntilField, sentences

#: The columns of `Share` by what programs call them: texts, and those that are true or false. A
#: text that is sent empty is cleared.
TEXTS = {
    "description": "description",
    "share_password": "password",
    "share_until": "until",
    "share_downloads": "downloads",
}
SWITCHES = {"in_gallery": "in_gallery", "share_figures": "shows_figures"}


class SharingForm(forms.Form):
    """Those of the wishes about sharing that are texts and were sent."""

    description = AboutForm.base_fields["description"]
    share_password = LinkPasswordField()
    share_until = UntilField(required=False)
    share_downloads = forms.ChoiceField(choices=Share.Downloads.choices)

    def __init__(self, sent: dict[str, str]) -> None:
        super().__init__(sent)
        for name in set(self.fields) - set(sent):
            del self.fields[name]


def sharing_of(data: QueryDict) -> dict[str, object]:
    """The columns of `Share` that `data` mentions, checked. Raises ApiError (400).

    A time without a zone is taken for UTC, as all times of the API are.
    """
    with timezone.override(datetime.UTC):
        form = SharingForm({name: str(data[name]) for name in TEXTS if name in data})
        if not form.is_valid():
            raise ApiError(400, " ".join(sentences(form)))
    columns = {TEXTS[name]: value for name, value in form.cleaned_data.items()}
    if "password" in columns:
        columns["password"] = sharing.hash_password(columns["password"])
    for name, column in SWITCHES.items():
        if name in data:
            columns[column] = truth(data, name, default=False)
    return columns


def sharing_facts(job: Job) -> dict[str, object]:
    """What the owner's programs see of it, and the words that the owner sorts it by. The password
    itself is kept nowhere."""
    share = job.share
    until = share.until.astimezone(datetime.UTC) if share.until else None
    return {
        "pub_key": share.key,
        "shared": share.is_on,
        "viewer_url": share_url(job) if share.is_open else None,
        "share_has_password": bool(share.password),
        "share_until": until.isoformat() if until else None,
        "share_downloads": share.downloads,
        "share_figures": share.shows_figures,
        "share_views": share.views,
        "in_gallery": share.in_gallery,
        "description": share.description,
        "tags": tags.names_of(job),
    }


def refuse_public_page(job: Job, columns: Mapping[str, object]) -> None:
    """Raises ApiError (409) where a team's scene is wished for on somebody's public page."""
    if job.team_id is not None and columns.get("in_gallery"):
        raise ApiError(
            409, gettext("A team’s scene is on nobody’s public page."), code="belongs_to_team"
        )


@endpoint("POST", scope=Scope.MANAGE)
@explained
def share(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Changes what is sent and nothing else; `new_link` ends the old link for good."""
    job = own_job(request, job_id)
    data = receive(request)
    if job.is_draft:
        raise ApiError(409, gettext("A scene can be shared once it has been started."))
    changes = sharing_of(data)
    refuse_public_page(job, changes)
    if "share" in data:
        changes["is_on"] = truth(data, "share", default=True)
    title = _title(data) if "title" in data else None
    names = tags_of(data)
    if truth(data, "new_link", default=False):  # looked at last: all else is right
        sharing.renew(job, by=request.user)
    if changes:
        sharing.change(job, by=request.user, **changes)
    if title is not None:
        titles.rename(job, title)
    if names is not None:
        tags.put(job, names)
    return JsonResponse(sharing_facts(job))


def _title(data: QueryDict) -> str:
    form = AboutForm({"title": data["title"]})
    if not form.is_valid():
        raise ApiError(400, " ".join(sentences(form)))
    return str(form.cleaned_data["title"])
