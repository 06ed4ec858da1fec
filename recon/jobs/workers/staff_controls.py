"""What staff change in the line and at the workers, besides jobs themselves."""

from __future__ import annotations

from django.db.models import Max

from recon.models import Job, Worker

Status = Job.Status


def put_first(job: Job) -> bool:
    """The job is next, whosever turn it is, before others that were put first. False where it does
    not wait."""
    waiting = Job.objects.filter(status=Status.PENDING)
    highest = waiting.exclude(pk=job.pk).aggregate(highest=Max("priority"))["highest"] or 0
    return waiting.filter(pk=job.pk).update(priority=highest + 1) == 1


def give_turn_back(job: Job) -> bool:
    """A job that was put first waits for its owner's turn again. False where it was not, or does
    not wait."""
    first = Job.objects.filter(pk=job.pk, status=Status.PENDING, priority__gt=0)
    return first.update(priority=0) == 1


def drain(worker: Worker) -> bool:
    """The worker finishes its job and takes no more, after a restart either. False where it does
    so already."""
    return Worker.objects.filter(pk=worker.pk, is_drained=False).update(is_drained=True) == 1


def undrain(worker: Worker) -> bool:
    """The worker takes jobs again. False where it does so already."""
    return Worker.objects.filter(pk=worker.pk, is_drained=True).update(is_drained=False) == 1


def forget(worker: Worker) -> bool:
    """Removes a worker that is gone: no job waits for its card any more. False while it lives."""
    if worker.is_present:
        return False
    heard_of = Worker.objects.filter(pk=worker.pk, heartbeat_at=worker.heartbeat_at)
    return heard_of.delete()[0] == 1
