"""A person's jobs: made, listed, looked at, named, stopped, run again, deleted."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count
from django.http import HttpResponse
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from ninja import File, Form, Query, Router
from ninja.files import UploadedFile

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.v1 import listing, reading
from recon.api.v1.callers import Body, Token
from recon.api.v1.job_facts import absolute, address_of, job_of, summary_of
from recon.api.v1.problems import FieldsRefused, Refused
from recon.api.v1.schemas import jobs as types
from recon.api.v1.schemas import sent as sent_types
from recon.jobs import attempts, decoders, deletion, lifecycle, sharing, submit, tags, titles
from recon.jobs.drafts import videos
from recon.jobs.site_config import usual_wishes
from recon.jobs.storage import retention
from recon.jobs.teams import moving
from recon.models import Job
from recon.pipeline.wishes import Wishes
from recon.web.access import DELETE, maker_of
from recon.web.wish_forms import UploadForm

router = Router(tags=["jobs"])

_NO_WISHES = sent_types.WishesSent()  # where no body is sent


@router.get("/jobs", auth=Token(), response=types.JobPage)
def list_jobs(request: SignedInRequest, wanted: Query[listing.JobsWanted]) -> types.JobPage:
    """One's own jobs, or a team's, drafts too, the newest first."""
    jobs = listing.wanted_by(request.user, wanted)
    total = jobs.count()
    rows = listing.after(jobs, wanted.cursor).annotate(photo_count=Count("photos"))
    page = list(rows.prefetch_related("tags")[: wanted.limit + 1])
    cursor = listing.cursor_after(page[wanted.limit - 1]) if len(page) > wanted.limit else None
    return types.JobPage(
        items=[summary_of(job, job.photo_count) for job in page[: wanted.limit]],
        total=total,
        next_cursor=cursor,
        next=_address_of_next(request, cursor) if cursor else None,
    )


def _address_of_next(request: SignedInRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    pairs = [(name, value) for name, values in query.lists() for value in values]
    return f"{absolute(reverse('v1:list_jobs'))}?{urlencode(pairs)}"


@router.post("/jobs", auth=Token(Scope.UPLOAD, Body.FILES, once=True), response={202: types.NewJob})
def create_job(
    request: SignedInRequest,
    response: HttpResponse,
    files: File[list[UploadedFile]],
    sent: Form[sent_types.NewJobFields],
    poses: File[list[UploadedFile]] = [],  # noqa: B006 - ninja's way to say that none need come
) -> types.NewJob:
    """Starts a job with these photos, a zip of them, or a video; `poses` are the files of their
    camera positions. It is private unless `share` is true."""
    names, team = reading.tags_of(sent.tags), reading.team_of(request, sent.team)
    share = {"description": reading.description_of(sent.description)}
    wishes = Wishes(
        preset=sent.preset or usual_wishes().preset,
        original_resolution=sent.original_resolution,
        cross_validate=sent.cross_validate,
        final_refine=sent.final_refine,
        outlier_filter=sent.outlier_filter,
        without_poses=sent.without_poses,
        make_anyway=sent.make_anyway,
    )
    with decoders.place_for(request.user.pk):
        form = UploadForm({"title": sent.title}, MultiValueDict({"photos": list(files)}))
        if not form.is_valid():
            called = {"photos": "files"}
            raise FieldsRefused(
                (called.get(name, name), str(message))
                for name, messages in form.errors.items()
                for message in messages
            )
        make = submit.create_job
        if form.videos or form.zips or poses:
            make = partial(videos.create_job, videos=form.videos, zips=form.zips, poses=poses)
        job = make(
            request.user,
            form.cleaned_data["photos"],
            team=team,
            title=form.cleaned_data["title"],
            wishes=wishes,
            shared=sent.share,
            sharing=share,
        )
    tags.put(job, names)
    response["Location"] = address_of(job)
    return types.NewJob(job=job_of(job), warnings=form.left_out)


@router.get("/jobs/{uuid:job_id}", auth=Token(), response=types.Job)
def get_job(request: SignedInRequest, job_id: UUID) -> types.Job:
    """All about one job. Send `If-None-Match` when you poll."""
    return job_of(reading.own_job(request, job_id))


@router.patch("/jobs/{uuid:job_id}", auth=Token(Scope.MANAGE, Body.JSON), response=types.Job)
def change_job(request: SignedInRequest, job_id: UUID, sent: sent_types.DetailsSent) -> types.Job:
    """Changes its title, tags, description and team, and whether it is kept: what is sent of
    these."""
    job = reading.own_job(request, job_id)
    if sent.is_kept is not None:
        reading.refuse_drafts(job)
    given = sent.model_fields_set
    title = reading.title_of(sent.title or "")
    names, description = reading.tags_of(sent.tags), reading.description_of(sent.description)
    if "team" in given:
        moving.move(job, reading.team_of(request, sent.team), by=request.user)
    if "title" in given:
        titles.rename(job, title or "")
    if "description" in given:
        sharing.change(job, description=description)
    if "tags" in given:
        tags.put(job, names)
    if sent.is_kept is not None:
        retention.keep(job, is_kept=sent.is_kept)
    return job_of(job)


@router.delete("/jobs/{uuid:job_id}", auth=Token(Scope.DELETE), response={204: None})
def delete_job(request: SignedInRequest, job_id: UUID) -> None:
    """Deletes a job with its photos, scene and link, for good. Stops it first if it runs."""
    deletion.delete(reading.own_job(request, job_id, change=DELETE), by=request.user)


@router.post("/jobs/{uuid:job_id}/cancel", auth=Token(Scope.UPLOAD), response=types.Job)
def cancel_job(request: SignedInRequest, job_id: UUID) -> types.Job:
    """Stops a job that waits or runs; its photos stay. Doing it twice does no harm."""
    job = reading.own_job(request, job_id)
    reading.refuse_drafts(job)
    if not lifecycle.cancel(job):
        job.refresh_from_db()
        if job.status != Job.Status.CANCELLED:
            raise Refused(409, "already_ended", gettext("This run has already ended."))
    return job_of(job)


@router.post(
    "/jobs/{uuid:job_id}/retry", auth=Token(Scope.UPLOAD, once=True), response={202: types.Job}
)
def retry_job(request: SignedInRequest, response: HttpResponse, job_id: UUID) -> types.Job:
    """A new job with the same photos and wishes, for one that failed or was cancelled."""
    job = reading.own_job(request, job_id)
    if job.status not in (Job.Status.FAILED, Job.Status.CANCELLED):
        said = gettext("Only a scene that failed or was cancelled can be tried again.")
        raise Refused(409, "not_failed", said)
    return _started(response, submit.run_again(job, by=maker_of(request, job)))


@router.post("/jobs/{uuid:job_id}/anyway", auth=Token(Scope.UPLOAD), response={202: types.Job})
def make_anyway(request: SignedInRequest, response: HttpResponse, job_id: UUID) -> types.Job:
    """Lets a job that ended as `not_a_scene` go on and deliver what it has. Doing it twice does no
    harm."""
    job = reading.own_job(request, job_id)
    if not attempts.make_anyway(job):
        job.refresh_from_db()
        if not (job.wishes.make_anyway and job.status in Job.ACTIVE):
            said = gettext("“{name}” did not end because its photos make no scene.")
            raise Refused(409, "not_stopped_as_no_scene", said.format(name=job.name))
    return _started(response, job)


@router.post(
    "/jobs/{uuid:job_id}/run-again",
    auth=Token(Scope.UPLOAD, Body.JSON, once=True),
    response={202: types.Job},
)
def run_again(
    request: SignedInRequest,
    response: HttpResponse,
    job_id: UUID,
    sent: sent_types.WishesSent = _NO_WISHES,
) -> types.Job:
    """A new job on the same photos; what is not wished stays as it was."""
    job = reading.own_job(request, job_id)
    reading.refuse_drafts(job)
    title = reading.title_of(sent.title) or None
    wishes = reading.wishes_of(sent, job.wishes)
    made = submit.run_again(job, title=title, wishes=wishes, by=maker_of(request, job))
    return _started(response, made)


def _started(response: HttpResponse, job: Job) -> types.Job:
    response["Location"] = address_of(job)
    return job_of(job)
