"""A person's jobs, for their programs: listed, a file fetched, cancelled, deleted."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.auth import endpoint
from recon.api.bodies import receive, receive_none
from recon.api.errors import ApiError, explained
from recon.api.reading import own_job
from recon.api.sharing import sharing_facts
from recon.api.views import FILE_KINDS, quality_facts, status_of
from recon.jobs import attempts, deletion, lifecycle, tags
from recon.models import Job
from recon.web.access import DELETE
from recon.web.serving import serve_artifact

PAGE, LARGEST_PAGE = 20, 100  # jobs


class Place(NamedTuple):
    """Where a page ends. It holds however many jobs come or are deleted before the next is asked
    for, the last one of the page among them."""

    created_at: datetime
    pk: uuid.UUID

    def write(self) -> str:
        text = f"{self.created_at.isoformat()} {self.pk}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises ApiError (400)."""
        try:
            moment, pk = base64.urlsafe_b64decode(text.encode()).decode().split(" ")
            # A day at the end of the calendar may have no time in UTC.
            return cls(datetime.fromisoformat(moment).astimezone(UTC), uuid.UUID(pk))
        except (ValueError, OverflowError) as error:
            said = gettext("“cursor” is not from this list: use the address in `next` as it is.")
            raise ApiError(400, said) from error


@endpoint("GET", "HEAD")
def list_jobs(request: SignedInRequest) -> HttpResponse:
    """The caller's own jobs, newest first, a page at a time; `next` is where the next page is."""
    limit, jobs = _limit(request), _wanted(request)
    total = jobs.count()
    if cursor := request.GET.get("cursor"):
        at = Place.read(cursor)
        earlier = Q(created_at__lt=at.created_at) | Q(created_at=at.created_at, pk__lt=at.pk)
        jobs = jobs.filter(earlier)
    page = list(jobs.annotate(photo_count=Count("photos")).prefetch_related("tags")[: limit + 1])
    following = None
    if len(page) > limit:
        last = page[limit - 1]
        query = request.GET.dict() | {"cursor": Place(last.created_at, last.pk).write()}
        following = f"{_here(reverse('api:jobs'))}?{urlencode(query)}"
    listed = [_listed(job) for job in page[:limit]]
    return JsonResponse({"jobs": listed, "total": total, "next": following})


@endpoint("GET", "HEAD")
def own_file(request: SignedInRequest, job_id: str, kind: str) -> HttpResponseBase:
    """One of a finished job's files, whole or in part."""
    job = own_job(request, job_id)
    if kind not in FILE_KINDS:
        said = gettext("There is no kind of file “{kind}”. There are: {kinds}.")
        raise ApiError(404, said.format(kind=kind, kinds=", ".join(FILE_KINDS)))
    return serve_artifact(request, job, kind)


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def cancel(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Stops a job that is waiting or running. Cancelling twice does no harm; its photos stay."""
    job = own_job(request, job_id)
    receive(request)
    if job.is_draft:
        raise ApiError(
            409, gettext("This draft has not been started, so there is nothing to cancel.")
        )
    if not lifecycle.cancel(job):
        job.refresh_from_db()
        if job.status != Job.Status.CANCELLED:
            raise ApiError(409, gettext("This run has already ended."))
    return JsonResponse(status_of(job))


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def make_anyway(request: SignedInRequest, job_id: str) -> HttpResponse:
    """A job that ended as `not_a_scene` goes on and delivers what it has. Twice does no harm."""
    job = own_job(request, job_id)
    receive(request)
    if not attempts.make_anyway(job):
        job.refresh_from_db()
        if not (job.wishes.make_anyway and job.status in Job.ACTIVE):
            said = gettext("“{name}” did not end because its photos make no scene.")
            raise ApiError(409, said.format(name=job.name))
    return JsonResponse(status_of(job))


@endpoint("DELETE", scope=Scope.DELETE)
@explained
def delete(request: SignedInRequest, job_id: str) -> HttpResponse:
    """The job, its photos, its scene and its link are gone for good. Cancels what still runs."""
    receive_none(request)
    deletion.delete(own_job(request, job_id, change=DELETE), by=request.user)
    return HttpResponse(status=204)


def _limit(request: SignedInRequest) -> int:
    """Raises ApiError (400)."""
    sent = request.GET.get("limit", str(PAGE))
    is_number = sent.isascii() and sent.isdigit() and len(sent) < 6
    if not is_number or not 1 <= int(sent) <= LARGEST_PAGE:
        said = gettext("“limit” is a number from 1 to {most}, not “{sent}”.")
        raise ApiError(400, said.format(most=LARGEST_PAGE, sent=sent))
    return int(sent)


def _wanted(request: SignedInRequest) -> QuerySet[Job]:
    """Raises ApiError (400) for an unknown status."""
    jobs = Job.objects.with_rows().own_of(request.user).order_by("-created_at", "-pk")
    if tag := request.GET.get("tag"):
        jobs = jobs.filter(tags__key=tags.key_of(tag.replace("\0", "")))
    status = request.GET.get("status")
    if status is None:
        return jobs
    if status not in Job.Status.values:
        said = gettext("“status” is one of {statuses}, not “{sent}”.")
        statuses = ", ".join(Job.Status.values)
        raise ApiError(400, said.format(statuses=statuses, sent=status))
    return jobs.filter(status=status)


def _listed(job: Job) -> dict[str, object]:
    """What a list says of a job; its status says the rest. `job` has `photo_count`."""
    return {
        "job_id": str(job.pk),
        "title": job.title,
        "status": job.status,
        "progress": 0 if job.is_failed else int(job.percent),
        "preset": job.wishes.preset,
        "image_count": job.photo_count,  # type: ignore[attr-defined]
        **quality_facts(job),
        "psnr": job.figures.psnr,
        "ssim": job.figures.ssim,
        "lpips": job.figures.lpips,
        "gaussian_count": job.figures.gaussian_count,
        "error_code": job.error_code or None,
        "created_at": job.created_at.isoformat(),
        "completed_at": job.completed_at.isoformat() if job.completed_at else None,
    } | sharing_facts(job)


def _here(path: str) -> str:
    return settings.BASE_URL.rstrip("/") + path
