"""The order of a draft's photos: all at once from scripts, one step at a time from forms."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs.drafts import photo_order
from recon.models import Job
from recon.web.access import own_job_or_404, prefers_json, signed_in
from recon.web.drafts import views as draft_views
from recon.web.job.page import acts_on_job, refuse, say_done

_STEPS = {"earlier": -1, "later": 1}


@require_safe
@signed_in
@never_cache
def tiles(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """The photos as they are now, for a page that has shown others."""
    draft = own_job_or_404(request, pk)
    if not draft.is_draft:
        return draft_views.answer_started()
    return render(request, "recon/_tiles.html", {"photos": draft.photos.all()})


@acts_on_job
def order(request: SignedInRequest, draft: Job) -> HttpResponse:
    """`photo`, repeated: the photos' numbers in the wanted order."""
    sent = request.POST.getlist("photo")
    numbers = photo_order.numbers_in(sent)
    if numbers is None:
        return refuse(request, draft, [gettext("Send the order as a list of photo numbers.")], 400)
    photo_order.reorder(draft, numbers)
    return say_done(request, draft)


@acts_on_job
def move(request: SignedInRequest, draft: Job, photo_pk: int) -> HttpResponse:
    """One place `to` "earlier" or "later"."""
    step = _STEPS.get(request.POST.get("to", ""))
    if step is None:
        return refuse(request, draft, [gettext("A photo can only be moved earlier or later.")], 400)
    photo_order.move(draft, photo_pk, step)
    if prefers_json(request):
        return HttpResponse(status=204)
    # Where there are no scripts, the arrows stay unfolded for the next step.
    return redirect(f"{draft.get_absolute_url()}?order=open#photo-{photo_pk}")
