"""What came of a job: its figures, its files, and how it went."""

from __future__ import annotations

import base64
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.requests import SignedInRequest
from recon.api.v1 import reading
from recon.api.v1.callers import Token
from recon.api.v1.job_facts import absolute, figures_of, quality_of, texts_of
from recon.api.v1.problems import Refused
from recon.api.v1.schemas import jobs as job_types
from recon.api.v1.schemas import results as types
from recon.api.views import FILE_KINDS
from recon.jobs import steps_and_log
from recon.jobs.folder import mirror
from recon.models import Artifact, Job
from recon.pipeline.outcome import Cameras
from recon.pipeline.records import RecordError
from recon.pipeline.results import Conditions, Results
from recon.web.serving import KINDS, serve_artifact

router = Router(tags=["results"])

LARGEST_PART = 2**20  # bytes of a log


class LogWanted(Schema):
    """Which part of a log."""

    offset: int = Field(default=0, ge=0, lt=2**53, description="`next_offset` of the part before.")
    limit: int = Field(default=65_536, ge=1, le=LARGEST_PART, description="Bytes.")


@router.get("/jobs/{uuid:job_id}/result", auth=Token(), response=types.Result)
def get_result(request: SignedInRequest, job_id: UUID) -> types.Result:
    """What came of a finished job."""
    job = reading.own_job(request, job_id)
    if not job.is_completed:
        raise Refused(404, "no_result", gettext("This job has no result (yet)."))
    results = _results(job)
    told = results.conditions if results else Conditions()
    reason = told.reason
    return types.Result(
        job_id=job.pk,
        scene=results.scene if results else None,
        figures=figures_of(job.figures),
        quality=quality_of(job),
        held_out=told.held_out,
        train=told.train,
        max_image_size=told.max_image_size,
        photo_size=told.photo_size,
        reason=types.Reason(code=reason.code, text=reason.sentence) if reason else None,
        cameras=_cameras(job),
        seconds=steps_and_log.seconds_by_step(job),
        warnings=texts_of(job.explained_warnings),
        artifacts=artifacts_of(job),
    )


@router.get("/jobs/{uuid:job_id}/artifacts", auth=Token(), response=types.Artifacts)
def list_artifacts(request: SignedInRequest, job_id: UUID) -> types.Artifacts:
    """A finished job's files, with their checksums."""
    return types.Artifacts(items=artifacts_of(reading.own_job(request, job_id)))


@router.get(
    "/jobs/{uuid:job_id}/artifacts/{str:kind}",
    auth=Token(),
    response={200: None},
    openapi_extra={
        "responses": {
            200: {"description": "The file.", "content": {"*/*": {"schema": {}}}},
            302: {"description": "Where the object store has it, for a while (`Location`)."},
            206: {"description": "A part of it.", "content": {"*/*": {"schema": {}}}},
        }
    },
)
def get_artifact(request: SignedInRequest, job_id: UUID, kind: str) -> HttpResponseBase:
    """The file, or a part of it (`Range`)."""
    job = reading.own_job(request, job_id)
    files = {one.kind: one for one in _files(job)}
    if kind not in files:
        said = gettext("This job has no such file (yet). There are these kinds: {kinds}.")
        raise Refused(404, "no_such_artifact", said.format(kinds=", ".join(FILE_KINDS)))
    request.method = request.META["REQUEST_METHOD"]  # HEAD opens no file to be sent
    response = serve_artifact(request, job, kind)
    if files[kind].sha256:
        digest = base64.b64encode(bytes.fromhex(files[kind].sha256)).decode()
        response["Repr-Digest"] = f"sha-256=:{digest}:"
    return response


@router.get("/jobs/{uuid:job_id}/events", auth=Token(), response=job_types.Events)
def list_events(request: SignedInRequest, job_id: UUID) -> job_types.Events:
    """What happened to a job, the earliest first: each step of each attempt, and how it ended."""
    events = steps_and_log.events_of(reading.own_job(request, job_id))
    return job_types.Events(
        items=[job_types.Event(id=n, **vars(event)) for n, event in enumerate(events, start=1)]
    )


@router.get("/jobs/{uuid:job_id}/log", auth=Token(), response=job_types.LogPart)
def get_log(request: SignedInRequest, job_id: UUID, wanted: Query[LogWanted]) -> job_types.LogPart:
    """A part of the job's log, in whole lines. Go on at `next_offset` until `ended`."""
    job = reading.own_job(request, job_id)
    part = steps_and_log.log_part(job, wanted.offset, wanted.limit)
    return job_types.LogPart(
        offset=part.offset,
        next_offset=part.next_offset,
        size=part.size,
        ended=job.has_ended and part.next_offset >= part.size,
        text=part.text,
    )


def artifacts_of(job: Job) -> list[types.Artifact]:
    """None before it is done."""
    return [
        types.Artifact(
            kind=one.kind,
            name=job.file_stem + KINDS[one.kind][0],
            size=one.size,
            sha256=one.sha256 or None,
            content_type=KINDS[one.kind][1],
            url=absolute(reverse("v1:get_artifact", args=(job.pk, one.kind))),
        )
        for one in _files(job)
    ]


def _files(job: Job) -> list[Artifact]:
    found = job.artifacts.filter(kind__in=FILE_KINDS).order_by("kind")
    return list(found) if job.is_completed else []


def _results(job: Job) -> Results | None:
    """None where the file is gone, or of an earlier form."""
    mirror.pull(job, mirror.path_of(job, job.workspace.results_json))
    try:
        return Results.read(job.workspace)
    except (FileNotFoundError, RecordError):
        return None


def _cameras(job: Job) -> int:
    mirror.pull(job, mirror.path_of(job, job.workspace.cameras_json))
    try:
        return len(Cameras.read(job.workspace).cameras)
    except (FileNotFoundError, RecordError):
        return job.figures.registered or 0
