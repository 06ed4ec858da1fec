"""Photos of several places: a scene of each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.jobs.drafts import photo_order, places
from recon.models import Job
from recon.web.access import maker_of
from recon.web.job.page import acts_on_job, refuse


@acts_on_job
def scene_of(request: SignedInRequest, job: Job, number: int) -> HttpResponse:
    """A draft with `photos`, keys with spaces between; the address says which of the places that
    the photos show it is."""
    photos = photo_order.numbers_in(request.POST.get("photos", "").split())
    try:
        made = places.scene_of(job, photos or [], number=number, by=maker_of(request, job))
    except places.NotThere:
        return refuse(request, job, [gettext("These photos are not in this scene any more.")], 409)
    if job.is_draft:
        moved = gettext(
            "These photos are a scene of their own now. The others are still in “{name}”."
        )
        messages.success(request, moved.format(name=job.name))
    return redirect(made)
