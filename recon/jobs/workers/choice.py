"""Which job a worker does next. The database decides; Redis only hands it over."""

from __future__ import annotations

from recon.jobs import queue
from recon.jobs.workers import needs
from recon.models import Job, Worker

#: So many of those in line are tried: the others in front may all be taken at the same moment.
CANDIDATES = 20


def next_for(worker: Worker) -> list[str]:
    """The queue ids of the attempts that this worker may do, the first in line first."""
    waiting = Job.objects.filter(needs.what_suits(worker), status=Job.Status.PENDING)
    line = waiting.order_by(*queue.LINE).values_list("pk", "attempt")[:CANDIDATES]
    return [f"{pk}-{attempt}" for pk, attempt in line]


def must_wait(queue_id: str, worker: Worker) -> bool:
    """Whether the attempt waits, and is none for this worker."""
    job_pk = queue.job_pk_of(queue_id)
    if job_pk is None:
        return False
    waiting = Job.objects.filter(pk=job_pk, status=Job.Status.PENDING)
    job = waiting.first()
    if job is None or job.queue_id != queue_id:
        return False
    return not waiting.filter(needs.what_suits(worker)).exists()
