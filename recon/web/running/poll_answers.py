"""What a page shows of a job's progress, and the answer when it polls.

A page says which version it has. The answer is short if that is still the latest: the clock of
the time elapsed runs on in the page itself and makes no new version.
"""

from __future__ import annotations

import hashlib
import json
from typing import TypedDict

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HTMX_STOP_POLLING

from recon.jobs import steps_and_log as job_progress
from recon.jobs.steps_and_log import StepRow
from recon.jobs.time_left import outlook
from recon.jobs.workers.obstacles import obstacle_of
from recon.models import Job
from recon.templatetags.wording import about, time_range
from recon.web.running.live import Live
from recon.web.scene import PublicJob, elapsed_seconds

#: Seconds between two polls of a page: of a job that runs or soon will, of one that begins much
#: later, and of one of which nobody knows when it begins.
SOON_S, LATE_S, UNKNOWN_S = 2.0, 15.0, 5.0
#: Of the time until it begins, a page may be behind by this part.
_BEHIND = 1 / 30

#: The parameter of a poll that names the version which the page has.
VERSION = "v"


class MovingParts(TypedDict):
    """What `_progress.html` shows to everybody: steps, times, place in the queue."""

    steps: list[StepRow]
    queue_position: int | None
    starts_in: tuple[float, float] | None  # seconds
    eta: tuple[float, float] | None  # seconds until the scene is there
    elapsed_seconds: float | None
    obstacle: str  # why it waits although it may be its turn
    every_s: float  # between two polls, at least


class Shown(MovingParts):
    """All that `_progress.html` and `_stage.html` show."""

    job: Job | PublicJob
    live: Live
    log_tail: list[str]
    can_edit: bool


class ProgressContext(Shown):
    """The same with a short name for all of it, the time elapsed aside."""

    version: str


def moving_parts(job: Job) -> MovingParts:
    prefetch_related_objects([job], "photos", "stage_runs")  # asked for in several places
    known = outlook.outlook_of(job)
    return {
        "steps": job_progress.step_rows(job, known.told),
        "queue_position": known.position,
        "starts_in": known.starts_in,
        "eta": known.ready_in,
        "elapsed_seconds": elapsed_seconds(job),
        "obstacle": obstacle_of(job, outlook.workers_now()) if job.is_pending else "",
        "every_s": _every_s(job, known),
    }


def _every_s(job: Job, known: outlook.Outlook) -> float:
    """Who is far behind in line need not see each step ahead at once: hundreds of such pages would
    keep the site busy with what changes nothing for them."""
    if not job.is_pending:
        return SOON_S
    if known.starts_in is None:
        return UNKNOWN_S
    return min(max(SOON_S, _BEHIND * known.starts_in.low), LATE_S)


def with_version(context: Shown) -> ProgressContext:
    job = context["job"]
    steps = [(step["state"], step["seconds"], _said(step["expected"])) for step in context["steps"]]
    shown = [
        *(job.name, job.status, job.step, round(job.percent, 1), getattr(job, "progress", {})),
        *(steps, context["queue_position"], context["log_tail"], context["live"].mark),
        *(time_range(context["starts_in"]), time_range(context["eta"])),
        context["obstacle"],
    ]
    name = hashlib.sha256(json.dumps(shown, default=str).encode()).hexdigest()[:16]
    return {**context, "version": name}


def answer_poll(request: HttpRequest, job: Job, context: ProgressContext) -> HttpResponse:
    """The part of the page that changes, or 204 if the page already has it.

    When `job` has ended, the page stops and reloads.
    """
    if not job.has_ended and request.GET.get(VERSION) == context["version"]:
        return HttpResponse(status=204)
    response = render(request, "recon/_progress.html", {**context, "is_poll": True})
    if job.has_ended:
        response.status_code = HTMX_STOP_POLLING
        response["HX-Refresh"] = "true"
    return response


def _said(seconds: float | None) -> str:
    return "" if seconds is None else about(seconds)
