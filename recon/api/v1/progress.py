"""How far a job is, as server-sent events.

A thread of the web server works on each answer while it is made, and there are few. So only a few
streams stay open, each for a short time; any other says how things are and ends. Both are the same
to whoever reads them: `EventSource`, and any client that keeps to `retry` and `Last-Event-ID`,
comes back by itself and misses nothing, since an event has the whole state.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Generator
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router, Schema

from accounts.requests import SignedInRequest
from recon.api.v1 import reading
from recon.api.v1.callers import Token
from recon.api.v1.job_facts import message_of, percent_of, range_of, step_of, waiting_of
from recon.api.v1.schemas.jobs import Message, Range, Waiting
from recon.api.v1.schemas.sent import Status
from recon.jobs import queue
from recon.jobs.time_left import outlook
from recon.jobs.workers import obstacles
from recon.models import Job

router = Router(tags=["jobs"])

MEDIA_TYPE = "text/event-stream"
RETRY_MS = 2000
#: Seconds that a stream stays open, and between two looks at the job.
OPEN_S, LOOK_EVERY_S = 20.0, 1.0
#: Streams of one web process that stay open; it has eight threads.
MOST_OPEN = 2

_open = threading.BoundedSemaphore(MOST_OPEN)


class Progress(Schema):
    """How far a job is: the data of an event."""

    status: Status
    step: str
    progress: int
    message: Message | None
    waiting: Waiting | None
    ready_in: Range | None


_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["progress", "end"]},
        "id": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Progress"},
        },
    },
    "required": ["event", "id", "data"],
}


@router.get(
    "/jobs/{uuid:job_id}/progress",
    auth=Token(),
    response={200: Progress, 204: None},
    openapi_extra={
        "responses": {
            200: {
                "description": "Events `progress` and `end`; the data of each is a `Progress`.",
                "content": {MEDIA_TYPE: {"schema": _EVENT}},
            },
            204: {"description": "The end was told before: come no more."},
        }
    },
)
def follow_progress(request: SignedInRequest, job_id: UUID) -> HttpResponseBase:
    """How far a job is, whenever that changes. Come back with `Last-Event-ID` when it ends."""
    job = reading.own_job(request, job_id)
    heard = request.headers.get("Last-Event-ID", "")
    if job.has_ended and heard == _id_of(job):
        return HttpResponse(status=204)
    if request.META["REQUEST_METHOD"] == "HEAD":
        return HttpResponse(content_type=MEDIA_TYPE)
    response = StreamingHttpResponse(_events(job, heard), content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"  # nginx would collect them
    return response


def _events(job: Job, heard: str) -> Generator[str, None, None]:
    yield f"retry: {RETRY_MS}\n\n"
    ends = time.monotonic() + OPEN_S
    stays = _open.acquire(blocking=False)
    try:
        while True:
            if (state := _id_of(job)) != heard:
                yield _event(job, state)
                heard = state
            if job.has_ended or not stays or time.monotonic() + LOOK_EVERY_S > ends:
                return
            time.sleep(LOOK_EVERY_S)
            there = Job.objects.with_rows().filter(pk=job.pk).first()
            if there is None:
                return
            job = there
    finally:
        if stays:
            _open.release()


def _event(job: Job, state: str) -> str:
    kind = "end" if job.has_ended else "progress"
    return f"event: {kind}\nid: {state}\ndata: {json.dumps(_state_of(job), ensure_ascii=False)}\n\n"


def _id_of(job: Job) -> str:
    """The same as long as there is nothing new to tell."""
    place = queue.position(job)
    why = obstacles.reason_of(job, place).code if place else None
    told = [job.status, job.attempt, job.step, percent_of(job), job.progress, place, why]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _state_of(job: Job) -> dict[str, object]:
    ahead = outlook.outlook_of(job)
    progress = Progress(
        status=job.status,  # type: ignore[arg-type]
        step=step_of(job),
        progress=percent_of(job),
        message=message_of(job),
        waiting=waiting_of(job, ahead),
        ready_in=range_of(ahead.ready_in),
    )
    return progress.model_dump(mode="json")
