""" "Use this view as start and cover", by the scene's owner, and back to the automatic one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from accounts.models import User
from recon.jobs import covers, decoders
from recon.models import Job
from recon.pipeline.errors import PipelineError
from recon.web import uploads
from recon.web.access import NO_SUCH_JOB, NotThere, own_job_or_404, prefers_json, signed_in
from recon.web.covers import CoverForm, jpeg_of
from recon.web.faults import headers_of, status_of
from recon.web.scene import own_viewer


@csrf_exempt  # `_choose` checks the token: nothing is read before we know who sends it
@require_POST
@signed_in
def choose(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`view` and `picture`, as `CoverForm` says. Answers with both as the viewer takes them."""
    job = own_job_or_404(request, pk)
    try:
        uploads.receive(request)
    except uploads.UploadRefused as refused:
        return _refused(request, job, refused.sentences, refused.status)
    return _choose(request, job)


@csrf_protect
def _choose(request: HttpRequest, job: Job) -> HttpResponse:
    if not job.is_completed:
        said = gettext("You can choose a start view and a cover once the scene is finished.")
        return _refused(request, job, [said], 409)
    form = CoverForm(request.POST, request.FILES)
    if not form.is_valid():
        sentences = [str(one) for errors in form.errors.values() for one in errors]
        return _refused(request, job, sentences, 413 if form.is_too_large else 400)
    view, picture = form.cleaned_data["view"], form.cleaned_data["picture"]
    try:
        with decoders.place_for(cast(User, request.user).pk):
            jpeg = jpeg_of(picture, view)
        covers.choose(job, view, jpeg)
    except ValidationError as error:
        return _refused(request, job, error.messages, 400)
    except PipelineError as error:
        return _refused(request, job, [str(error)], status_of(error), headers_of(error))
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


@require_POST
@signed_in
def reset(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Start and cover are the ones that were found by themselves. Twice is as good as once."""
    job = own_job_or_404(request, pk)
    try:
        covers.reset(job)
    except PipelineError as error:
        return _refused(request, job, [str(error)], status_of(error), headers_of(error))
    except FileNotFoundError as error:
        raise NotThere(NO_SUCH_JOB) from error
    messages.success(request, gettext("The scene starts with the automatic view again."))
    return redirect(job)


def _refused(
    request: HttpRequest,
    job: Job,
    sentences: Sequence[str],
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """For scripts the sentences; a form gets its page back with them."""
    if prefers_json(request):
        return JsonResponse({"errors": list(sentences)}, status=status, headers=headers)
    for sentence in sentences:
        messages.error(request, sentence)
    return redirect(job)
