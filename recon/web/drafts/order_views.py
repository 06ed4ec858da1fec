"""The order of a draft's photos: all at once from scripts, one step at a time from forms."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instarecon_site.form_addresses import form_on
from recon.jobs.drafts import photo_order
from recon.pipeline.errors import ReconError
from recon.web.access import own_job_or_404, prefers_json, signed_in, unless_deleted
from recon.web.drafts import views as draft_views
from recon.web.faults import status_of
from recon.web.job.page import refuse

_STEPS = {"earlier": -1, "later": 1}


@require_safe
@signed_in
@never_cache
def tiles(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The photos as they are now, for a page that has shown others."""
    draft = own_job_or_404(request, pk)
    if not draft.is_draft:
        return draft_views.started()
    return render(request, "recon/_tiles.html", {"photos": draft.photos.all()})


@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def order(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`photo`, repeated: the photos' numbers in the wanted order."""
    draft = own_job_or_404(request, pk)
    sent = request.POST.getlist("photo")
    numbers = photo_order.numbers_in(sent)
    if numbers is None:
        return refuse(request, draft, [gettext("Send the order as a list of photo numbers.")], 400)
    try:
        photo_order.reorder(draft, numbers)
    except ReconError as error:
        return refuse(request, draft, [str(error)], status_of(error))
    return HttpResponse(status=204) if prefers_json(request) else redirect(draft)


@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def move(request: HttpRequest, pk: uuid.UUID, photo_pk: int) -> HttpResponse:
    """One place `to` "earlier" or "later"."""
    draft = own_job_or_404(request, pk)
    step = _STEPS.get(request.POST.get("to", ""))
    if step is None:
        return refuse(request, draft, [gettext("A photo can only be moved earlier or later.")], 400)
    try:
        photo_order.move(draft, photo_pk, step)
    except ReconError as error:
        return refuse(request, draft, [str(error)], status_of(error))
    if prefers_json(request):
        return HttpResponse(status=204)
    # Where there are no scripts, the arrows stay unfolded for the next step.
    return redirect(f"{draft.get_absolute_url()}?order=open#photo-{photo_pk}")
