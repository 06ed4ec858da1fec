""" "Use this view as start and cover", by the scene's owner, and back to the automatic one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.jobs import covers
from recon.models import Job
from recon.web.access import (
    NO_SUCH_JOB,
    NotThere,
    prefers_json,
)
from recon.web.bodies import files_received, receives_body
from recon.web.job.cover_form import CoverForm, jpeg_of
from recon.web.job.page import acts_on_job, refuse
from recon.web.scene import own_viewer


@receives_body
@acts_on_job
def choose(request: SignedInRequest, job: Job) -> HttpResponse:
    """`view` and `picture`, as `CoverForm` says. Answers with both as the viewer takes them."""
    with files_received(request):
        return _choose(request, job)


def _choose(request: SignedInRequest, job: Job) -> HttpResponse:
    if not job.is_completed:
        said = gettext("You can choose a start view and a cover once the scene is finished.")
        return refuse(request, job, [said], 409)
    form = CoverForm(request.POST, request.FILES)
    if not form.is_valid():
        sentences = [str(one) for errors in form.errors.values() for one in errors]
        return refuse(request, job, sentences, 413 if form.is_too_large else 400)
    view, picture = form.cleaned_data["view"], form.cleaned_data["picture"]
    try:
        covers.choose(job, view, jpeg_of(picture, view))
    except ValidationError as error:
        return refuse(request, job, error.messages, 400)
    except FileNotFoundError as error:  # deleted meanwhile
        raise NotThere(NO_SUCH_JOB) from error
    return _say_chosen(request, job)


def _say_chosen(request: SignedInRequest, job: Job) -> HttpResponse:
    if not prefers_json(request):
        messages.success(request, gettext("The scene now starts with this view."))
        return redirect(job)
    viewer = own_viewer(job)
    return JsonResponse(
        {"view": job.start_view, "poster_url": viewer["poster_url"] if viewer else ""}
    )


@acts_on_job
def reset(request: SignedInRequest, job: Job) -> HttpResponse:
    """Start and cover are the automatic ones again. Doing it twice does no harm."""
    try:
        covers.reset(job)
    except FileNotFoundError as error:
        raise NotThere(NO_SUCH_JOB) from error
    messages.success(request, gettext("The scene starts with the automatic view again."))
    return redirect(job)
