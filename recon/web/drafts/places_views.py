"""Photos of several places: a scene of each."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from instarecon_site.form_addresses import form_on
from recon.jobs.drafts import photo_order, places
from recon.pipeline.errors import ReconError
from recon.web.access import own_job_or_404, signed_in, unless_deleted
from recon.web.faults import headers_of, status_of
from recon.web.job.page import refuse


@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def scene_of(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """A draft with `photos`, keys with spaces between; the address says which of the places that
    the photos show it is."""
    job = own_job_or_404(request, pk)
    photos = photo_order.numbers_in(request.POST.get("photos", "").split())
    try:
        made = places.scene_of(job, photos or [], number=number)
    except places.NotThere:
        return refuse(request, job, [gettext("These photos are not in this scene any more.")], 409)
    except ReconError as error:
        return refuse(request, job, [str(error)], status_of(error), headers_of(error))
    if job.is_draft:
        moved = gettext(
            "These photos are a scene of their own now. The others are still in “{name}”."
        )
        messages.success(request, moved.format(name=job.name))
    return redirect(made)
