"""A job's time left and the start of a waiting one, from this machine's rows of past runs.

The arithmetic is `recon.pipeline.forecast.time_left`; here it gets what the database knows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Max, Prefetch, Q, QuerySet
from django.utils import timezone

from recon.jobs.queue import waiting_before
from recon.jobs.site_config import resolved_config
from recon.jobs.workers import expected_start, needs, turns
from recon.jobs.workers.expected_start import Waiting
from recon.models import Job, Photo, StageRun
from recon.pipeline.forecast.time_left import Forecast, Range, Run, expect, forecast
from recon.pipeline.forecast.work_ahead import Plan, plan_of
from recon.pipeline.progress import STARTS_AT, Step, overall_percent
from recon.pipeline.wishes import PRESET_NAMES, Wishes

#: Jobs that are learnt from, the latest.
_HISTORY = 60

#: Jobs in front of a waiting one that are looked at one by one; each of the others counts as
#: the mean of these.
_QUEUE = 50

#: A step of which more was taken over teaches nothing.
_MOSTLY = 0.5

#: How much longer a busy machine is said to take at most: beyond that nobody can tell.
_BUSIEST = 3.0

#: A horse imports what it needs before the first step.
_SETTING_OUT_S = 5.0

#: A step that was done: when, and its row.
Lesson = tuple[datetime | None, int]


@dataclass(frozen=True)
class Outlook:
    """What is known about a job's way from now to its scene."""

    told: Forecast | None = None  # what it takes from now on, or from its start; none after its end
    position: int | None = None  # its place among those that wait: 1 is next
    starts_in: Range | None = None  # seconds until it begins; none where it does not wait
    ready_in: Range | None = None  # seconds until the scene is there


def outlook_of(job: Job) -> Outlook:
    """The same few queries however many are waiting: pages with a waiting job ask every few
    seconds.
    """
    if job.has_ended or job.is_draft or job.step == Step.DONE:
        return Outlook()
    lesson = _last_lesson()
    told = _forecast(job, _past(lesson))
    if not job.is_pending:
        return Outlook(told, ready_in=told.left if told else None)
    ahead = list(waiting_before(job).values_list("pk", flat=True))
    start = _start(job, ahead, lesson)
    ready = None
    if start is not None and told is not None:
        ready = Range(start.low + told.left.low, start.high + told.left.high)
    return Outlook(told, len(ahead) + 1, start, ready)


def preset_times(sizes: Sequence[tuple[int, int]]) -> dict[str, Range]:
    """Seconds that a scene of photos of these sizes (width, height in px) takes here from its
    start, by preset."""
    return _usual_times(sizes, _last_lesson())


def times_from_now(
    sizes: Sequence[tuple[int, int]], owner_pk: int | None = None
) -> tuple[dict[str, Range], Range]:
    """The same of a scene that this person, or a newcomer, starts now, and seconds until it begins.

    On a busy machine the times go from one that soon is less busy to one that stays as it is.
    """
    lesson, busy = _last_lesson(), busy_with_others()
    durations = {
        preset: Range(usual.low * math.sqrt(busy), usual.high * busy)
        for preset, usual in _usual_times(sizes, lesson).items()
    }
    start = _start(None, turns.before_new(owner_pk), lesson)
    return durations, start or Range(0, 0)


def busy_with_others() -> float:
    """How many times longer work takes while other programs share the processors, 1 to 3.

    Jobs that run are not counted: the next one waits until they are done. Nor is a machine with
    a GPU, which does most of the work.
    """
    if settings.GPU_COUNT > 0:
        return 1.0
    cores = os.cpu_count() or 1
    try:
        running = Job.objects.filter(status=Job.Status.PROCESSING).count()
    except (OperationalError, InterfaceError):
        return 1.0
    others = os.getloadavg()[0] / cores - running
    return min(max(1.0 + others, 1.0), _BUSIEST)


def _usual_times(sizes: Sequence[tuple[int, int]], lesson: Lesson | None) -> dict[str, Range]:
    past, gpu = _past(lesson), settings.GPU_COUNT > 0
    configs = {preset: resolved_config(Wishes(preset)) for preset in PRESET_NAMES}
    return {
        preset: _with_setting_out(forecast(expect(plan_of(sizes, config, gpu=gpu), past))).left
        for preset, config in configs.items()
    }


def _forecast(job: Job, past: list[Run]) -> Forecast | None:
    plan = _plan(job)
    if plan is None:
        return None
    expected = expect(plan, past)
    if not job.is_processing:
        return _with_setting_out(forecast(expected))
    runs = list(job.stage_runs.all())
    now = timezone.now()
    step = Step(job.step)
    present = [r for r in runs if r.attempt == job.attempt]
    running = next((r for r in present if r.step == step and r.ended_at is None), None)
    told = forecast(
        expected,
        step=step,
        fraction=_fraction(job),
        in_step=(now - running.started_at).total_seconds() if running else 0.0,
        taken_over=running.taken_over if running else 0.0,
        done=_seconds(r for r in present if r.outcome == StageRun.Outcome.DONE),
        reusable=frozenset(Step(r.step) for r in runs if _is_reusable(r, job)),
    )
    return _with_setting_out(told) if step == Step.QUEUED else told


def _start(job: Job | None, ahead: Sequence[UUID], lesson: Lesson | None) -> Range | None:
    """Seconds until the job begins that waits behind these, in their order; None where no worker
    takes it now. A running job that gives way does so for them.

    Their photos and wishes stay as they are, so how long one takes is remembered until the next
    lesson.
    """
    looked_at, known = ahead[:_QUEUE], _known_at(lesson)
    new = [pk for pk in looked_at if pk not in known]
    running: dict[UUID, Range] = {}
    running_now = Q(status=Job.Status.PROCESSING, gives_way=False)
    for one in _with_photos(Job.objects.filter(running_now | Q(pk__in=new))):
        told = _forecast(one, _past(lesson))
        if one.is_pending:
            asked = (one.wishes.preset, one.gpu_memory_mb)
            known[one.pk] = Waiting(told.left, *asked) if told else None
        elif one.is_processing and told:
            running[one.pk] = told.left
    in_front = [told_of for pk in looked_at if (told_of := known.get(pk)) is not None]
    in_front += expected_start.mean_of(in_front, len(ahead) - len(looked_at))
    return expected_start.seconds_until(job, running, in_front)


@lru_cache(maxsize=1)
def _known_at(lesson: Lesson | None) -> dict[UUID, Waiting | None]:
    """What waiting jobs should take, as far as was asked since that lesson; `_start` fills it."""
    return {}


def _with_photos(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with their steps, and with what a plan needs to know of their photos."""
    photos = Photo.objects.order_by().only("job", "width", "height")
    return jobs.prefetch_related(Prefetch("photos", photos), "stage_runs")


def _last_lesson() -> Lesson | None:
    """The latest step that was done: while it stays the same, so does what past runs teach.

    Also None while the database is down: the front page works without it.
    """
    done = StageRun.objects.filter(outcome=StageRun.Outcome.DONE, ended_at__isnull=False)
    try:
        return done.order_by("-ended_at", "-pk").values_list("ended_at", "pk").first()
    except (OperationalError, InterfaceError):
        return None


def _past(lesson: Lesson | None) -> list[Run]:
    """The latest jobs with steps that were done, not reused. Failed jobs teach too.

    `lesson` says whether the rows are still those of the last time.
    """
    with _reading:  # of many pages that ask at once the first reads, and the others wait for it
        return _past_at(lesson)


_reading = Lock()


@lru_cache(maxsize=1)
def _past_at(lesson: Lesson | None) -> list[Run]:
    if lesson is None:
        return []
    done = Q(stage_runs__outcome=StageRun.Outcome.DONE)
    jobs = Job.objects.filter(status__in=Job.ENDED).annotate(
        worked_at=Max("stage_runs__ended_at", filter=done)
    )
    latest_first = jobs.filter(worked_at__isnull=False).order_by("-worked_at")
    runs = []
    for job in _with_photos(latest_first)[:_HISTORY]:
        plan = _plan(job)
        rows = (r for r in job.stage_runs.all() if r.outcome == StageRun.Outcome.DONE)
        if plan is not None:
            runs.append(Run(plan, _seconds(rows)))
    return runs


def _plan(job: Job) -> Plan | None:
    """What the job asks for; None where its photos are gone."""
    sizes = [(photo.width, photo.height) for photo in job.photos.all()]
    if not sizes:
        return None
    return plan_of(sizes, needs.config_of(job), gpu=settings.GPU_COUNT > 0)


def _seconds(runs: Iterable[StageRun]) -> dict[Step, float]:
    """By step; of several attempts the last counts. For a step that was interrupted and resumed,
    how long all of it would have taken, if enough of it was done in one go to tell.
    """
    return {
        Step(run.step): run.seconds / (1.0 - run.taken_over)
        for run in runs
        if run.seconds is not None and run.taken_over < _MOSTLY
    }


def _is_reusable(run: StageRun, job: Job) -> bool:
    """Whether an earlier attempt has left the step's result, so that this one can reuse it."""
    well = (StageRun.Outcome.DONE, StageRun.Outcome.REUSED)
    return run.attempt < job.attempt and run.outcome in well


def _fraction(job: Job) -> float:
    """How much of its present step the job has done, 0 to 1."""
    step = Step(job.step)
    begin, end = STARTS_AT[step], overall_percent(step, 1.0)
    return min(max((job.percent - begin) / (end - begin), 0.0), 1.0) if end > begin else 0.0


def _with_setting_out(told: Forecast) -> Forecast:
    low, high = told.left
    return Forecast(Range(low + _SETTING_OUT_S / 2, high + _SETTING_OUT_S), told.steps)
