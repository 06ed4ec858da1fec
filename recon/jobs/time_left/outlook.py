"""A job's time left and the start of a waiting one, from this machine's rows of past runs.

The arithmetic is `recon.pipeline.forecast.time_left`; here it gets what the database knows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils import timezone

from recon.jobs.queue import LINE
from recon.jobs.site_config import resolved_config
from recon.jobs.time_left.learnt import Learnt, learnt_now, plan_of_job, seconds_of, with_photos
from recon.jobs.time_left.remembered import Remembered
from recon.jobs.workers import expected_start, turns
from recon.jobs.workers.expected_start import Waiting
from recon.models import Job, StageRun, Worker
from recon.pipeline.forecast.time_left import Forecast, Range, forecast
from recon.pipeline.forecast.work_ahead import plan_of
from recon.pipeline.progress import STARTS_AT, Step, overall_percent
from recon.pipeline.wishes import PRESET_NAMES, Wishes

#: Seconds for which a process keeps to the line, and to who works, as they were.
_LINE_FOR_S = 1.0

#: Jobs in front of a waiting one that are looked at one by one; each of the others counts as
#: the mean of these.
_QUEUE = 50

#: How much longer a busy machine is said to take at most: beyond that nobody can tell.
_BUSIEST = 3.0

#: A horse imports what it needs before the first step.
_SETTING_OUT_S = 5.0


@dataclass(frozen=True)
class Outlook:
    """What is known about a job's way from now to its scene."""

    told: Forecast | None = None  # what it takes from now on, or from its start; none after its end
    position: int | None = None  # its place among those that wait: 1 is next
    starts_in: Range | None = None  # seconds until it begins; none where it does not wait
    ready_in: Range | None = None  # seconds until the scene is there


@dataclass(frozen=True)
class Line:
    """Who waits, in their order."""

    jobs: list[UUID]
    places: dict[UUID, int]  # 1 is next


def outlook_of(job: Job) -> Outlook:
    """The same few queries however many are waiting, and hardly any while others ask, too: pages
    with a waiting job ask every few seconds.
    """
    if job.has_ended or job.is_draft or job.step == Step.DONE:
        return Outlook()
    learnt = learnt_now()
    told = _forecast(job, learnt)
    if not job.is_pending:
        return Outlook(told, ready_in=told.left if told else None)
    line = _line()
    if job.pk not in line.places:  # it has just joined
        _line.forget()
        line = _line()
    place = line.places.get(job.pk, len(line.jobs) + 1)
    start = _start(job, line.jobs[: place - 1], learnt)
    ready = None
    if start is not None and told is not None:
        ready = Range(start.low + told.left.low, start.high + told.left.high)
    return Outlook(told, place, start, ready)


def workers_now() -> list[Worker]:
    """All that have registered, as they were a moment ago."""
    return _workers()


def preset_times(sizes: Sequence[tuple[int, int]]) -> dict[str, Range]:
    """Seconds that a scene of photos of these sizes (width, height in px) takes here from its
    start, by preset."""
    return _usual_times(sizes, learnt_now())


def times_from_now(
    sizes: Sequence[tuple[int, int]], owner_pk: int | None = None
) -> tuple[dict[str, Range], Range]:
    """The same of a scene that this person, or a newcomer, starts now, and seconds until it begins.

    On a busy machine the times go from one that soon is less busy to one that stays as it is.
    """
    learnt, busy = learnt_now(), busy_with_others()
    durations = {
        preset: Range(usual.low * math.sqrt(busy), usual.high * busy)
        for preset, usual in _usual_times(sizes, learnt).items()
    }
    start = _start(None, turns.before_new(owner_pk), learnt)
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


def _usual_times(sizes: Sequence[tuple[int, int]], learnt: Learnt) -> dict[str, Range]:
    gpu = settings.GPU_COUNT > 0
    configs = {preset: resolved_config(Wishes(preset)) for preset in PRESET_NAMES}
    return {
        preset: _with_setting_out(forecast(learnt.expect(plan_of(sizes, config, gpu=gpu)))).left
        for preset, config in configs.items()
    }


def _forecast(job: Job, learnt: Learnt) -> Forecast | None:
    plan = plan_of_job(job)
    if plan is None:
        return None
    expected = learnt.expect(plan)
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
        done=seconds_of(r for r in present if r.outcome == StageRun.Outcome.DONE),
        reusable=frozenset(Step(r.step) for r in runs if _is_reusable(r, job)),
    )
    return _with_setting_out(told) if step == Step.QUEUED else told


def _start(job: Job | None, ahead: Sequence[UUID], learnt: Learnt) -> Range | None:
    """Seconds until the job begins that waits behind these, in their order; None where no worker
    takes it now. A running job that gives way does so for them.

    Their photos and wishes stay as they are, so how long one takes is remembered until there is
    more to learn from.
    """
    looked_at, known = ahead[:_QUEUE], learnt.waiting
    knows_all = all(pk in known for pk in looked_at)
    running = _running() if knows_all else _read_running(learnt, looked_at)
    in_front = [told_of for pk in looked_at if (told_of := known.get(pk)) is not None]
    in_front += expected_start.mean_of(in_front, len(ahead) - len(looked_at))
    return expected_start.seconds_until(job, running, in_front, _workers())


def _read_line() -> Line:
    waiting = Job.objects.filter(status=Job.Status.PENDING).order_by(*LINE)
    jobs = list(waiting.values_list("pk", flat=True))
    return Line(jobs, {pk: place for place, pk in enumerate(jobs, start=1)})


def _read_running(learnt: Learnt, waiting: Sequence[UUID] = ()) -> dict[UUID, Range]:
    """What is left of the jobs that run, seconds; in the same queries learns what those of the
    `waiting` ones take that nobody has asked for yet."""
    running: dict[UUID, Range] = {}
    with learnt.asking:  # of many pages that ask at once the first does it for all
        new = [pk for pk in waiting if pk not in learnt.waiting]
        running_now = Q(status=Job.Status.PROCESSING, gives_way=False)
        for job in with_photos(Job.objects.filter(running_now | Q(pk__in=new))):
            told = _forecast(job, learnt)
            if job.is_pending:
                asked = (job.wishes.preset, job.gpu_memory_mb)
                learnt.waiting[job.pk] = Waiting(told.left, *asked) if told else None
            elif job.is_processing and told:
                running[job.pk] = told.left
    return running


_line = Remembered(_read_line, _LINE_FOR_S)
_running = Remembered(lambda: _read_running(learnt_now()), _LINE_FOR_S)
_workers = Remembered(lambda: list(Worker.objects.all()), _LINE_FOR_S)


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
