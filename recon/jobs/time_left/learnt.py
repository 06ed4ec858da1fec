"""What the rows of past runs teach about how long a job takes, remembered for a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Prefetch, QuerySet

from recon.jobs.time_left.remembered import Remembered
from recon.jobs.workers import needs
from recon.jobs.workers.expected_start import Waiting
from recon.models import Job, Photo, StageRun
from recon.pipeline.forecast.time_left import Expectation, Run, expect
from recon.pipeline.forecast.work_ahead import Plan, plan_of
from recon.pipeline.progress import Step

#: Jobs that are learnt from, the latest.
_HISTORY = 60

#: Steps that a job leaves at most, all attempts together, or nearly.
_STEPS = 12

#: Seconds for which a process keeps to what it has learnt. Steps end all the time, and what one
#: more teaches changes little.
_LEARNT_FOR_S = 10.0

#: A step of which more was taken over teaches nothing.
_MOSTLY = 0.5

#: A step that was done: when, and its row.
Lesson = tuple[datetime | None, int]


@dataclass(frozen=True)
class Learnt:
    """What past runs teach, and what follows from it, as far as somebody has asked."""

    past: list[Run]
    expected: dict[str, Expectation] = field(default_factory=dict)  # by plan
    waiting: dict[UUID, Waiting | None] = field(default_factory=dict)
    asking: Lock = field(default_factory=Lock)

    def expect(self, plan: Plan) -> Expectation:
        name = repr(plan)
        if name not in self.expected:
            self.expected[name] = expect(plan, self.past)
        return self.expected[name]


@lru_cache(maxsize=1)
def _learnt_at(lesson: Lesson | None) -> Learnt:
    """From the latest jobs with steps that were done, not reused. Failed jobs teach too.

    `lesson` says whether the rows are still those of the last time.
    """
    if lesson is None:
        return Learnt([])
    done = StageRun.objects.filter(
        outcome=StageRun.Outcome.DONE, ended_at__isnull=False, job__status__in=Job.ENDED
    )
    latest = done.order_by("-ended_at", "-pk").values("job_id")[: _HISTORY * _STEPS]
    worked_at = {job: max(_ends(job)) for job in with_photos(Job.objects.filter(pk__in=latest))}
    runs = []
    for job in sorted(worked_at, key=worked_at.__getitem__, reverse=True)[:_HISTORY]:
        plan = plan_of_job(job)
        rows = (r for r in job.stage_runs.all() if r.outcome == StageRun.Outcome.DONE)
        if plan is not None:
            runs.append(Run(plan, seconds_of(rows)))
    return Learnt(runs)


learnt_now = Remembered(lambda: _learnt_at(_last_lesson()), _LEARNT_FOR_S)


def _ends(job: Job) -> list[datetime]:
    """Of the steps that were done, at least one."""
    done = [run for run in job.stage_runs.all() if run.outcome == StageRun.Outcome.DONE]
    return [run.ended_at for run in done if run.ended_at is not None]


def _last_lesson() -> Lesson | None:
    """The latest step that was done: while it stays the same, so does what past runs teach.

    Also None while the database is down: the front page works without it.
    """
    done = StageRun.objects.filter(outcome=StageRun.Outcome.DONE, ended_at__isnull=False)
    try:
        return done.order_by("-ended_at", "-pk").values_list("ended_at", "pk").first()
    except (OperationalError, InterfaceError):
        return None


def with_photos(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with their steps, and with what a plan needs to know of their photos."""
    photos = Photo.objects.order_by().only("job", "width", "height")
    return jobs.prefetch_related(Prefetch("photos", photos), "stage_runs")


def plan_of_job(job: Job) -> Plan | None:
    """What the job asks for; None where its photos are gone."""
    sizes = [(photo.width, photo.height) for photo in job.photos.all()]
    if not sizes:
        return None
    return plan_of(sizes, needs.config_of(job), gpu=settings.GPU_COUNT > 0)


def seconds_of(runs: Iterable[StageRun]) -> dict[Step, float]:
    """By step; of several attempts the last counts. For a step that was interrupted and resumed,
    how long all of it would have taken, if enough of it was done in one go to tell.
    """
    return {
        Step(run.step): run.seconds / (1.0 - run.taken_over)
        for run in runs
        if run.seconds is not None and run.taken_over < _MOSTLY
    }
