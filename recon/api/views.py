"""The prototype's HTTP API: same paths, same fields, and a few more. See docs/API.md."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.datastructures import MultiValueDict

from accounts.models import User
from recon.api.auth import check_csrf, endpoint
from recon.api.errors import ApiError, NoSuchJob
from recon.jobs import progress, queue, submit
from recon.models import Job
from recon.pipeline.errors import PipelineError
from recon.web import uploads
from recon.web.access import visible_jobs
from recon.web.forms import UploadForm
from recon.web.scene import elapsed_seconds, share_url

TRUE, FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no", "")


@endpoint("GET", "HEAD", public=True)
def healthz(request: HttpRequest) -> HttpResponse:
    """The web process is up and answers. Knows nothing of workers: see /recon/queue."""
    return HttpResponse("ok", content_type="text/plain")


@endpoint("POST")
def create_job(request: HttpRequest) -> HttpResponse:
    """Multipart `files` and wishes in, a job out. It is shared at once unless `share` is false."""
    try:
        uploads.receive(request)
    except uploads.UploadRefused as refused:
        raise ApiError(refused.status, str(refused)) from refused
    check_csrf(request)
    shared = _truth(request.POST, "share", default=True)
    original_resolution = _truth(request.POST, "original_resolution", default=False)
    cross_validate = _truth(request.POST, "cross_validate", default=False)
    final_refine = _truth(request.POST, "final_refine", default=True)
    form = UploadForm(
        {
            "title": request.POST.get("title", ""),
            "preset": request.POST.get("preset", ""),
            "original_resolution": original_resolution,
        },
        MultiValueDict({"photos": request.FILES.getlist("files")}),
    )
    if not form.is_valid():
        raise ApiError(400, " ".join(form.sentences))
    try:
        job = submit.create_job(
            cast(User, request.user),
            form.cleaned_data["photos"],
            title=form.cleaned_data["title"],
            preset=form.cleaned_data["preset"],
            original_resolution=original_resolution,
            cross_validate=cross_validate,
            final_refine=final_refine,
            shared=shared,
        )
    except PipelineError as error:  # no room on the disk
        raise ApiError(503, str(error)) from error
    return JsonResponse(
        {
            "job_id": str(job.pk),
            "pub_key": job.pub_key,
            "original_resolution": job.original_resolution,
            "cross_validate": job.cross_validate,
            "shared": job.shared,
            "warnings": form.left_out,
        }
    )


@endpoint("GET", "HEAD")
def job_status(request: HttpRequest, job_id: str) -> HttpResponse:
    return JsonResponse(status_of(_own_job(request, job_id)))


@endpoint("GET", "HEAD")
def queue_overview(request: HttpRequest) -> HttpResponse:
    """How busy the site is, and where the caller's own unfinished jobs stand in it."""
    unfinished = Job.objects.filter(
        owner=cast(User, request.user), status__in=(Job.Status.PENDING, Job.Status.PROCESSING)
    )
    own = [
        {"job_id": str(job.pk), "status": job.status, "position": _position(job)}
        for job in unfinished.order_by("created_at")
    ]
    return JsonResponse(queue.overview() | {"jobs": own})


def status_of(job: Job) -> dict[str, Any]:
    """The status as the prototype told it, then what is new. Times are ISO 8601, in UTC."""
    error = job.error
    return {
        "job_id": str(job.pk),
        "status": job.status,
        "step": "ERROR" if job.is_failed else job.step,
        "progress": 0 if job.is_failed else int(job.percent),
        "psnr": job.psnr,
        "ssim": job.ssim,
        "lpips": job.lpips,
        "gaussian_count": job.gaussian_count,
        "image_count": job.photos.count(),
        "iterations": job.iterations,
        "processing_time_seconds": elapsed_seconds(job),
        "viewer_url": share_url(job) if job.shared else None,
        "log_tail": progress.log_tail(job),
        "created_at": job.created_at.isoformat(),
        "completed_at": job.completed_at.isoformat() if job.completed_at else None,
        "failed_step": job.step if job.is_failed else None,
        "error_code": job.error_code or None,
        "error": error.sentence if error else None,
        "warnings": [warning.sentence for warning in job.explained_warnings],
        "message": job.message,
        "title": job.title,
        "preset": job.preset,
        "original_resolution": job.original_resolution,
        "cross_validate": job.cross_validate,
        "psnr_corrected": job.psnr_corrected,
        "ssim_corrected": job.ssim_corrected,
        "protocol": job.protocol or None,
        "spread": job.spread,
        "refined": job.refined,
        "pub_key": job.pub_key,
        "shared": job.shared,
        "registered": job.registered,
        "queue_position": _position(job),
    }


def _position(job: Job) -> int | None:
    return queue.position(job) if job.is_pending else None


def _own_job(request: HttpRequest, job_id: str) -> Job:
    """Raises NoSuchJob."""
    try:
        return visible_jobs(cast(User, request.user)).get(pk=uuid.UUID(job_id))
    except (ValueError, Job.DoesNotExist) as error:
        raise NoSuchJob from error


def _truth(data: QueryDict, name: str, *, default: bool) -> bool:
    """Raises ApiError (400) for anything but the usual words for yes and no."""
    if name not in data:
        return default
    sent = str(data[name])
    word = sent.strip().lower()
    if word not in TRUE + FALSE:
        raise ApiError(400, f"{name} is either true or false, not “{sent}”.")
    return word in TRUE
