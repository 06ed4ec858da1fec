""" "Use this view as start and cover", by the scene's owner, and back to the automatic one."""

from __future__ import annotations

import uuid
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from instarecon_site.form_addresses import form_on
from recon.jobs import covers
from recon.models import Job
from recon.pipeline.errors import PipelineError
from recon.web import uploads
from recon.web.access import (
    NO_SUCH_JOB,
    NotThere,
    own_job_or_404,
    prefers_json,
    signed_in,
    unless_deleted,
)
from recon.web.faults import headers_of, status_of
from recon.web.job.cover_form import CoverForm, jpeg_of
from recon.web.job.page import refuse
from recon.web.scene import own_viewer


@csrf_exempt  # `in_turn` checks the token: nothing is read before we know who sends it
@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def choose(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`view` and `picture`, as `CoverForm` says. Answers with both as the viewer takes them."""
    job = own_job_or_404(request, pk)
    return uploads.in_turn(request, partial(_choose, job=job), partial(refuse, request, job))


def _choose(request: HttpRequest, job: Job) -> HttpResponse:
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
    return _chosen(request, job)


def _chosen(request: HttpRequest, job: Job) -> HttpResponse:
    if not prefers_json(request):
        messages.success(request, gettext("The scene now starts with this view."))
        return redirect(job)
    viewer = own_viewer(job)
    return JsonResponse(
        {"view": job.start_view, "poster_url": viewer["poster_url"] if viewer else ""}
    )


@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def reset(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Start and cover are the ones that were found by themselves. Twice is as good as once."""
    job = own_job_or_404(request, pk)
    try:
        covers.reset(job)
    except PipelineError as error:
        return refuse(request, job, [str(error)], status_of(error), headers_of(error))
    except FileNotFoundError as error:
        raise NotThere(NO_SUCH_JOB) from error
    messages.success(request, gettext("The scene starts with the automatic view again."))
    return redirect(job)
