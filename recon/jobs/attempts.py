"""Another attempt at a job: after a lost worker, a worker that shuts down, for staff, or for an
owner who wants the scene all the same.

`reconcile` and the worker notice; what becomes of the job is decided here. Each is a
compare-and-swap of `lifecycle`, like every change of a job's status.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recon.jobs import lifecycle
from recon.jobs.folder import photo_files
from recon.jobs.people import notices, quotas
from recon.jobs.webhooks import deliveries
from recon.models import Job, StageRun

Outcome = StageRun.Outcome
Status = Job.Status


def worker_lost(job_pk: UUID | str, attempt: int) -> bool:
    """An attempt's worker is gone: tries again, or gives up after MAX_ATTEMPTS losses.

    Where the disk is full that is why: COLMAP ends its whole process then. No attempt is wasted;
    the job fails, and says so.
    """
    with transaction.atomic():
        job = Job.objects.filter(pk=job_pk, attempt=attempt, status__in=Job.ACTIVE).first()
        if job is None:
            return False
        if job.is_processing and photo_files.is_short_of_room(job):
            error = photo_files.disk_full(job)
            return lifecycle.fail(job_pk, attempt, error.code, error.facts)
        losses = job.losses + 1
        if losses < settings.MAX_ATTEMPTS:
            return lifecycle.next_attempt(job, losses=losses)
        won = lifecycle.swap(
            job_pk,
            attempt,
            Job.ACTIVE,
            status=Status.FAILED,
            losses=losses,
            progress={},
            error_code="worker_lost",
            error_facts={"attempts": losses},
            completed_at=timezone.now(),
        )
        if won:
            lifecycle.close_runs(job_pk, attempt, Outcome.LOST)
            notices.job_ended(job_pk)
            deliveries.job_ended(job_pk)
        return won


def hand_back(job_pk: UUID | str, attempt: int) -> bool:
    """A worker that shuts down gives its attempt back; that is nobody's fault and does not
    count."""
    with transaction.atomic():
        job = Job.objects.filter(pk=job_pk, attempt=attempt, status__in=Job.ACTIVE).first()
        return job is not None and lifecycle.next_attempt(job, losses=job.losses)


@transaction.atomic
def retry(job: Job) -> bool:
    """Staff lets a failed job try again, as a new attempt. False when it has not failed."""
    return _try_again(job)


@transaction.atomic
def make_anyway(job: Job) -> bool:
    """A job that ended because its photos make no scene goes on from there, and delivers what it
    has. False when it ended otherwise, or not at all. Raises `quotas.may_go_on`'s.
    """
    if not job.could_be_made_anyway:
        return False
    quotas.may_go_on(job)
    return _try_again(
        job,
        wishes=replace(job.wishes, make_anyway=True),
        config=job.config | {"make_anyway": True},
    )


def _try_again(job: Job, **changes: object) -> bool:
    """A failed job waits as a new attempt. False when it has not failed."""
    won = lifecycle.swap(
        job.pk,
        job.attempt,
        (Status.FAILED,),
        status=Status.PENDING,
        attempt=job.attempt + 1,
        losses=0,
        started_at=None,
        completed_at=None,
        **changes,
        **lifecycle.at_the_beginning(),
    )
    if won:
        job.refresh_from_db()
        lifecycle.put_in_line(job)
    return won
