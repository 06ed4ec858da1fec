"""A job's time left and the start of a waiting one, from this machine's rows of past runs.

The arithmetic is `recon.pipeline.time_left`; here it gets what the database knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.db.models import Count, Max, Q
from django.utils import timezone

from recon.models import Job, StageRun
from recon.pipeline.config import PRESETS, PipelineConfig, from_dict
from recon.pipeline.progress import STARTS_AT, Step, overall_percent
from recon.pipeline.time_left import Expectation, Forecast, Range, Run, expect, forecast, starts_in
from recon.pipeline.work_ahead import Plan, plan_of

#: Jobs that are learnt from, the latest.
_HISTORY = 60

#: Jobs in front of a waiting one that are looked at one by one.
_QUEUE = 50

#: A step of which more was taken over teaches nothing.
_MOSTLY = 0.5

#: A horse imports what it needs before the first step.
_SETTING_OUT_S = 5.0


def forecast_of(job: Job) -> Forecast | None:
    """What is left of a running job, or of a waiting one once it has begun. None after the end."""
    if job.has_ended or job.is_draft or job.step == Step.DONE:
        return None
    expected = _expectation_of(job)
    if expected is None:
        return None
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
        kept=frozenset(Step(r.step) for r in runs if _is_kept(r, job)),
    )
    return _with_setting_out(told) if step == Step.QUEUED else told


def start_of(job: Job) -> Range | None:
    """Seconds until a waiting job begins. None where it does not wait."""
    if not job.is_pending:
        return None
    earlier = Q(created_at__lt=job.created_at) | Q(created_at=job.created_at, pk__lt=job.pk)
    ahead = Job.objects.filter(earlier, status=Job.Status.PENDING).order_by("created_at", "pk")
    running = Job.objects.filter(status=Job.Status.PROCESSING)
    return starts_in(_left(running), _left(ahead[:_QUEUE]), settings.MAX_CONCURRENT_JOBS)


def ready_in(job: Job, told: Forecast | None) -> Range | None:
    """Seconds until the scene is there: what `forecast_of` told, after the wait for its start."""
    start = start_of(job)
    if told is None:
        return None
    if start is None:
        return told.left
    return Range(start.low + told.left.low, start.high + told.left.high)


def _left(jobs: Iterable[Job]) -> list[Range]:
    return [told.left for told in map(forecast_of, jobs) if told is not None]


def _expectation_of(job: Job) -> Expectation | None:
    plan = _plan(job)
    return None if plan is None else expect(plan, _past())


def _past() -> list[Run]:
    """The latest jobs with steps that were done, not reused. Also failed jobs teach."""
    done = StageRun.objects.filter(outcome=StageRun.Outcome.DONE)
    state = done.aggregate(latest=Max("ended_at"), last=Max("pk"), count=Count("pk"))
    return _past_at(state["latest"], state["last"], state["count"])


@lru_cache(maxsize=1)
def _past_at(latest: datetime | None, pk: int | None, count: int) -> list[Run]:
    """The same; the arguments say whether the rows are still those of the last time."""
    if not count:
        return []
    done = Q(stage_runs__outcome=StageRun.Outcome.DONE)
    jobs = Job.objects.filter(status__in=Job.ENDED).annotate(
        worked_at=Max("stage_runs__ended_at", filter=done)
    )
    latest_first = jobs.filter(worked_at__isnull=False).order_by("-worked_at")
    runs = []
    for job in latest_first.prefetch_related("photos", "stage_runs")[:_HISTORY]:
        plan = _plan(job)
        rows = (r for r in job.stage_runs.all() if r.outcome == StageRun.Outcome.DONE)
        if plan is not None:
            runs.append(Run(plan, _seconds(rows)))
    return runs


def _plan(job: Job) -> Plan | None:
    """What the job asks for; None where its photos are gone or its settings are too old to read."""
    sizes = [(photo.width, photo.height) for photo in job.photos.all()]
    config = _config(job)
    if not sizes or config is None:
        return None
    return plan_of(sizes, config, gpu=settings.GPU_COUNT > 0)


def _config(job: Job) -> PipelineConfig | None:
    base = PRESETS.get(job.preset)
    try:
        return from_dict(job.config, base=base)
    except ValueError:  # a setting that an earlier version had
        return base


def _seconds(runs: Iterable[StageRun]) -> dict[Step, float]:
    """By step; of several attempts the last counts. Of a step that was interrupted and went on,
    what all of it would have taken, where enough of it was done at once to tell."""
    return {
        Step(run.step): run.seconds / (1.0 - run.taken_over)
        for run in runs
        if run.seconds is not None and run.taken_over < _MOSTLY
    }


def _is_kept(run: StageRun, job: Job) -> bool:
    """Whether an earlier attempt has left the step's result, so that this one takes it over."""
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
