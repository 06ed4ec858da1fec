"""The only place that changes a job's status.

    DRAFT -> PENDING;  DRAFT -> CANCELLED (abandoned, and deleted at once)
    PENDING -> PROCESSING -> COMPLETED | FAILED | CANCELLED
    PENDING -> CANCELLED;  PROCESSING -> PENDING (a new attempt);  FAILED -> PENDING (staff)

Every transition is one compare-and-swap: an UPDATE that names the status, and for workers the
attempt, that it starts from. Zero rows changed means that somebody else was faster, and the caller
does nothing more. So two workers, a person and `reconcile` may all act at once.

What is retried automatically, and what is not: after a lost worker (killed, out of memory, power
cut) a job is, up to MAX_ATTEMPTS, because the cause is usually outside the job. After a
`PipelineError` it is not: the pipeline is deterministic for its seed, so the same fault would come
back after the same minutes. Its own retry after a GPU out of memory happens inside the training
stage. Staff can `retry`. All this is in `attempts`.

What the site made by itself (`gives_way`: the sample job of a first start) never keeps anybody
waiting: `put_in_line` stops it for anything that people start, and it goes on after that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from recon.jobs import queue
from recon.jobs.people import notices
from recon.jobs.webhooks import deliveries
from recon.jobs.workers import needs, turns
from recon.models import Job, Share, StageRun
from recon.pipeline.progress import Step

logger = logging.getLogger(__name__)

Outcome = StageRun.Outcome
Status = Job.Status


@transaction.atomic
def submit(draft: Job, *, share: Mapping[str, object] | None = None, **wishes: object) -> bool:
    """A draft becomes a waiting job, made now: it queues behind those that waited while it was
    collected. `share` are columns of its `Share`. False when somebody else was first."""
    won = swap(
        draft.pk,
        draft.attempt,
        (Status.DRAFT,),
        status=Status.PENDING,
        created_at=timezone.now(),
        draft_made_at=draft.created_at,
        **wishes,
    )
    if won:
        Share.objects.filter(job=draft).update(**(share or {}))
        draft.refresh_from_db()
        put_in_line(draft)
    return won


@transaction.atomic
def put_in_line(job: Job) -> None:
    """Queues a job that waits when the transaction commits, where its owner's turn is.

    Where no worker is free for it, a job that gives way is taken off its worker as one whose
    machine stops is: its next attempt waits behind this job and keeps the steps and checkpoints.
    """
    job.turn, job.gpu_memory_mb = turns.turn_of(job), needs.gpu_memory_mb(job)
    Job.objects.filter(pk=job.pk).update(turn=job.turn, gpu_memory_mb=job.gpu_memory_mb)
    queue.enqueue_on_commit(job)
    others = Job.objects.filter(status__in=Job.ACTIVE).exclude(pk=job.pk)
    if job.gives_way or others.count() < queue.most_at_once():
        return
    for other in others.filter(gives_way=True):
        present = other.queue_id
        if next_attempt(other, losses=other.losses):
            logger.info("Job %s gives way to job %s", other.pk, job.pk)
            transaction.on_commit(partial(queue.withdraw, present))


def abandon(draft: Job, *, not_edited_since: datetime) -> bool:
    """Nobody can add to the draft or start it any more. False where somebody has since then."""
    left = Job.objects.filter(pk=draft.pk, status=Status.DRAFT, edited_at__lt=not_edited_since)
    return left.update(status=Status.CANCELLED, completed_at=timezone.now()) == 1


def start(job_pk: UUID | str, attempt: int) -> Job | None:
    """Claims a waiting attempt for the calling worker; None when it is not to be run (any more)."""
    now = timezone.now()
    won = swap(
        job_pk,
        attempt,
        (Status.PENDING,),
        status=Status.PROCESSING,
        started_at=now,
        heartbeat_at=now,
        warnings=[],
        **at_the_beginning(),
    )
    return Job.objects.filter(pk=job_pk).first() if won else None


def heartbeat(job_pk: UUID | str, attempt: int, **progress: object) -> bool:
    """Writes a running attempt's progress. False: it was cancelled, or another took over."""
    now = timezone.now()
    return swap(job_pk, attempt, (Status.PROCESSING,), heartbeat_at=now, **progress)


@transaction.atomic
def complete(job_pk: UUID | str, attempt: int, **results: object) -> bool:
    """Ends a running attempt well. `publish` calls this in the transaction of its rows."""
    won = swap(
        job_pk,
        attempt,
        (Status.PROCESSING,),
        status=Status.COMPLETED,
        step=Step.DONE.value,
        percent=100.0,
        progress={},
        completed_at=timezone.now(),
        **results,
    )
    if won:
        close_runs(job_pk, attempt, Outcome.DONE)
        notices.job_ended(job_pk)
        deliveries.job_ended(job_pk)
    return won


@transaction.atomic
def fail(
    job_pk: UUID | str, attempt: int, code: str, facts: Mapping[str, object] | None = None
) -> bool:
    """Ends a running attempt with an error; the step stays, to say where it happened."""
    won = swap(
        job_pk,
        attempt,
        (Status.PROCESSING,),
        status=Status.FAILED,
        progress={},
        error_code=code,
        error_facts=_plain(facts or {}),
        completed_at=timezone.now(),
    )
    if won:
        close_runs(job_pk, attempt, Outcome.FAILED)
        notices.job_ended(job_pk)
        deliveries.job_ended(job_pk)
    return won


def cancel(job: Job) -> bool:
    """Cancels a waiting or running job at once, for a person. False when it had ended already.

    The database says so first; then the work is withdrawn or its horse stopped.
    """
    with transaction.atomic():
        has_waited = Job.objects.filter(pk=job.pk, status=Status.PENDING).exists()
        changed = Job.objects.filter(pk=job.pk, status__in=Job.ACTIVE).update(
            status=Status.CANCELLED, progress={}, completed_at=timezone.now()
        )
        if not changed:
            return False
        # Nobody raises the attempt of a cancelled job, so this is the one to withdraw.
        job.refresh_from_db()
        close_runs(job.pk, job.attempt, Outcome.CANCELLED)
        if has_waited:
            turns.close_up(job)
        transaction.on_commit(lambda: queue.withdraw(job.queue_id))
    return True


def next_attempt(job: Job, *, losses: int) -> bool:
    """The job waits again, as a new attempt. False when somebody else was faster."""
    won = swap(
        job.pk,
        job.attempt,
        Job.ACTIVE,
        status=Status.PENDING,
        attempt=job.attempt + 1,
        losses=losses,
        turn=job.turn if job.gives_way else turns.front(),
        **at_the_beginning(),
    )
    if won:
        close_runs(job.pk, job.attempt, Outcome.LOST)
        job.refresh_from_db()
        # It had waited its turn once already.
        queue.enqueue_on_commit(job, at_front=not job.gives_way)
    return won


def at_the_beginning() -> dict[str, object]:
    """Columns of a job that has not begun."""
    return {
        "step": Step.QUEUED.value,
        "percent": 0.0,
        "progress": {},
        "error_code": "",
        "error_facts": {},
        "stored_bytes": None,  # measured anew at the end
    }


def swap(
    job_pk: UUID | str, attempt: int, statuses: tuple[Job.Status, ...], /, **changes: object
) -> bool:
    """The compare-and-swap: changes the row only in this attempt and one of these statuses."""
    rows = Job.objects.filter(pk=job_pk, attempt=attempt, status__in=statuses)
    return rows.update(**changes) == 1


def close_runs(job_pk: UUID | str, attempt: int, outcome: StageRun.Outcome) -> None:
    StageRun.objects.filter(job_id=job_pk, attempt=attempt, outcome=Outcome.RUNNING).update(
        outcome=outcome, ended_at=timezone.now()
    )


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """`facts` as JSON can hold them; paths and the like become text."""
    plain: dict[str, object] = json.loads(json.dumps(dict(facts), default=str))
    return plain
