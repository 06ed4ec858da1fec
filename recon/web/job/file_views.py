"""A job's files for its owner: results, and small pictures of the photos."""

from __future__ import annotations

import uuid

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.models import Artifact
from recon.pipeline.errors import PipelineError
from recon.web import thumbs
from recon.web.access import NotThere, own_job_or_404, signed_in
from recon.web.faults import headers_of, status_of
from recon.web.result import cameras
from recon.web.serving import GONE, serve_artifact, serve_jpeg


@require_safe
@signed_in
def own_file(request: SignedInRequest, pk: uuid.UUID, kind: str) -> HttpResponseBase:
    if kind not in Artifact.Kind.values:
        raise NotThere(GONE)
    return serve_artifact(request, own_job_or_404(request, pk), kind)


@require_safe
@signed_in
def thumb(request: SignedInRequest, pk: uuid.UUID, name: str) -> HttpResponseBase:
    """A small JPEG without metadata, also of photos that browsers can't show."""
    photo = own_job_or_404(request, pk).photos.filter(name=name).first()
    try:
        small = thumbs.thumb_of(photo) if photo else None
    except PipelineError as error:
        return HttpResponse(status=status_of(error), headers=headers_of(error))
    return serve_jpeg(request, small, f"{name}.jpg")


@require_safe
@signed_in
@never_cache
def views(request: SignedInRequest, pk: uuid.UUID) -> JsonResponse:
    """Where the photos were taken, with the addresses of their pictures, for the viewer."""
    return JsonResponse(cameras.own_views(own_job_or_404(request, pk)))


@require_safe
@signed_in
def view_photo(request: SignedInRequest, pk: uuid.UUID, number: int) -> HttpResponseBase:
    """The photo of one view as the scene was trained on, to lie over the scene."""
    job = own_job_or_404(request, pk)
    photo = cameras.trained_photo(job, number)
    large = thumbs.large_of(photo, job.folder / "thumbs") if photo else None
    return serve_jpeg(request, large, f"photo-{number}.jpg")
