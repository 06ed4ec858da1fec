"""The order of a draft's photos: all at once from scripts, one step at a time from forms."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.jobs.drafts import photo_order
from recon.models import Job
from recon.web.access import prefers_json
from recon.web.drafts import views as draft_views
from recon.web.job.page import acts_on_job, refuse, say_done

_STEPS = {"earlier": -1, "later": 1}


@draft_views.polls_draft
def tiles(request: SignedInRequest, draft: Job) -> HttpResponse:
    """The photos as they are now, for a page that has shown others."""
    return render(request, "recon/_tiles.html", {"photos": draft.photos.all()})


@acts_on_job
def order(request: SignedInRequest, draft: Job) -> HttpResponse:
    """`photo`, repeated: the photos' numbers in the order wanted."""
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
