"""How a job is shared, for programs: the same wishes as on its page, by the same forms."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Scope
from recon.api.auth import check_csrf, endpoint
from recon.api.errors import ApiError
from recon.api.reading import own_job, truth
from recon.jobs import sharing
from recon.models import Job
from recon.web import uploads
from recon.web.scene import share_url
from recon.web.sharing import AboutForm, LinkPasswordField, UntilField, sentences

#: Wishes that are columns of `Job`, too. One that is sent empty is taken back.
COLUMNS = ("description", "share_password", "share_until")


class SharingForm(forms.Form):
    """The wishes about sharing that are texts."""

    description = AboutForm.base_fields["description"]
    share_password = LinkPasswordField()
    share_until = UntilField(required=False)


def sharing_of(data: QueryDict) -> dict[str, Any]:
    """The columns of `Job` that `data` speaks of, checked. Raises ApiError (400).

    A time without a zone is taken for UTC, as all times of the API are.
    """
    with timezone.override(datetime.UTC):
        form = SharingForm({name: data[name] for name in COLUMNS if name in data})
        if not form.is_valid():
            raise ApiError(400, " ".join(sentences(form)))
    columns = {name: form.cleaned_data[name] for name in COLUMNS if name in data}
    if "share_password" in columns:
        columns["share_password"] = sharing.hashed(columns["share_password"])
    if "in_gallery" in data:
        columns["in_gallery"] = truth(data, "in_gallery", default=False)
    return columns


def sharing_facts(job: Job) -> dict[str, Any]:
    """What the owner's programs see of it. The password itself is kept nowhere."""
    until = job.share_until.astimezone(datetime.UTC) if job.share_until else None
    is_open = job.shared and not job.link_is_over
    return {
        "pub_key": job.pub_key,
        "shared": job.shared,
        "viewer_url": share_url(job) if is_open else None,
        "share_has_password": bool(job.share_password),
        "share_until": until.isoformat() if until else None,
        "share_views": job.share_views,
        "in_gallery": job.in_gallery,
        "description": job.description,
    }


@endpoint("POST", scope=Scope.MANAGE)
def share(request: HttpRequest, job_id: str) -> HttpResponse:
    """Changes what is sent and nothing else; `new_link` ends the old link for good."""
    job = own_job(request, job_id)
    try:
        uploads.receive(request)
    except uploads.UploadRefused as refused:
        raise ApiError(refused.status, str(refused)) from refused
    check_csrf(request)
    if job.is_draft:
        raise ApiError(409, gettext("A scene can be shared once it has been started."))
    changes = sharing_of(request.POST)
    if "share" in request.POST:
        changes["shared"] = truth(request.POST, "share", default=True)
    if "title" in request.POST:
        changes["title"] = _title(request.POST)
    if truth(request.POST, "new_link", default=False):  # looked at last: all else is right
        sharing.renew(job)
    if changes:
        sharing.change(job, **changes)
    return JsonResponse(sharing_facts(job))


def _title(data: QueryDict) -> str:
    form = AboutForm({"title": data["title"]})
    if not form.is_valid():
        raise ApiError(400, " ".join(sentences(form)))
    return str(form.cleaned_data["title"])
