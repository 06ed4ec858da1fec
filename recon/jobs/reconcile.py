"""Compares the database with Redis and the folders, and repairs what fell through the cracks.

| found                          | because                             | done                   |
|--------------------------------|-------------------------------------|------------------------|
| PENDING, not in Redis          | Redis was down, or lost its memory  | queued, oldest first   |
| PROCESSING, lock free, finished| its horse died before recording it  | published              |
| PROCESSING, lock free          | its worker and horse both died      | `attempts.worker_lost`|
| DRAFT, its photos not checked  | Redis was down, or the check died   | asked for, three times |
| DRAFT, a video nobody works on | the same                            | asked for, three times |
| DRAFT, unchanged for DRAFT_DAYS| somebody left it                    | removed                |
| a marked folder without a row  | half an upload, or half a delete    | removed                |
| an account half deleted        | the deletion died on its way        | finished               |
| a team half deleted            | the same                            | finished               |
| spooled uploads, an hour old   | a web process was killed            | removed                |
| a mail that was not sent       | Redis or the mail server was away   | sent                   |
| an old entry of a log          | AUDIT_DAYS are over                 | removed                |
| an old invitation into a team  | it was over two weeks ago           | removed                |
| an answer kept for a program   | a day is over                       | removed                |
| news for a webhook, 45 s late  | Redis was down, or nothing answered | sent (again)           |
| an old entry of a webhook's log| 30 days are over                    | removed                |
| a worker silent for WORKER_DAYS| its machine is gone for good        | forgotten              |
| an ended job, not measured     | its horse died                      | measured, for quotas   |
| a scene, RETENTION_DAYS old    | nobody keeps it                     | announced, deleted     |

Run at every worker's start, now and then while it idles, and by `manage.py reconcile --every 15`.
Several may run at once: everything in here is a compare-and-swap or harmless when doubled.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.utils import timezone
from redis.exceptions import RedisError

from accounts import letters
from recon.jobs import account_deletion, attempts, heartbeats, publish, queue
from recon.jobs.drafts import checks, drafts, frames
from recon.jobs.folder import data_folder, leftovers, mirror, unclaimed, unneeded_files
from recon.jobs.folder import lock as folder_lock
from recon.jobs.people import audit, kept_answers, quotas, team_log
from recon.jobs.storage import retention
from recon.jobs.teams import invitations, teams
from recon.jobs.webhooks import deliveries
from recon.jobs.workers import registration
from recon.models import Job
from recon.pipeline.errors import PipelineError
from recon.pipeline.records import RecordError

logger = logging.getLogger(__name__)

#: How long after its last change a draft's lost check is still worth doing.
CHECKED_FOR = timedelta(hours=6)


@dataclass(frozen=True)
class Mended:
    """How many of each were found and mended."""

    settled: int = 0  # running but nobody's
    queued: int = 0  # committed but not in Redis
    swept: int = 0  # folders without a row
    leftovers: int = 0  # temporary files of killed processes
    abandoned: int = 0  # drafts that nobody changed for long
    checks: int = 0  # photo checks that got lost
    videos: int = 0  # videos whose work got lost
    accounts: int = 0  # accounts and teams whose deletion had died on its way
    mails: int = 0  # mails about accounts and teams that the queue had not sent
    expired: int = 0  # scenes older than RETENTION_DAYS

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def __str__(self) -> str:
        return (
            f"{self.settled} taken from lost workers, {self.queued} queued again, "
            f"{self.swept} leftover folders, {self.leftovers} leftover files and "
            f"{self.abandoned} abandoned drafts removed, "
            f"{self.checks} photo checks and the frames of {self.videos} videos asked for, "
            f"{self.accounts} accounts and teams deleted to the end, {self.mails} mails sent"
        )


def reconcile() -> Mended:
    """One round. An unreachable Redis only means that nothing can be queued this time.

    Raises ForeignDataFolder where what is missing here may well lie elsewhere.
    """
    data_folder.confirm()
    settled = sum(settle(job) for job in Job.objects.filter(status=Job.Status.PROCESSING))
    mended = Mended(
        settled=settled,
        queued=_queue_forgotten(),
        swept=unclaimed.sweep(),
        leftovers=leftovers.sweep() + unneeded_files.evict(),
        abandoned=drafts.remove_abandoned(),
        checks=_ask_for_checks(),
        videos=frames.request_missing(),
        accounts=account_deletion.finish_forgotten() + teams.finish_forgotten(),
        mails=letters.send_waiting(overdue_only=True) + invitations.send_waiting(overdue_only=True),
        expired=retention.apply(),
    )
    quotas.measure_ended(Job.objects.all())
    audit.forget_old()
    team_log.forget_old()
    invitations.remove_old()
    kept_answers.remove_old()
    deliveries.send_waiting(overdue_only=True)
    deliveries.remove_old()
    registration.forget_old()
    if mended:
        logger.info("Reconciled: %s", mended)
    return mended


def _ask_for_checks() -> int:
    """For drafts that somebody has worked on lately; nobody waits for the others' checks."""
    return checks.request_missing(edited_after=timezone.now() - CHECKED_FOR)


def settle(job: Job, *, is_surely_lost: bool = False) -> bool:
    """Ends or hands on a running attempt that no process is working on. False if one is.

    A worker holds the folder's lock before it claims a job and until it has recorded the end, so
    a free lock and a running job mean that its worker died. With folders of their own, machines
    don't see each other's locks: there it has died whose heart has not beaten for a minute, or
    whose worker says so (`is_surely_lost`).
    """
    if mirror.is_used():
        if not is_surely_lost and heartbeats.still_beats(job):
            return False
        mirror.make_folder(job)
    try:
        with folder_lock.hold(job.folder):
            # First: what the horse left fills the disk, which is why it died.
            lost = _publish_finished(job) or attempts.worker_lost(job.pk, job.attempt)
            leftovers.clear(job.folder)
            return lost
    except folder_lock.FolderBusy:
        return False
    except FileNotFoundError:
        return attempts.worker_lost(job.pk, job.attempt)


def _publish_finished(job: Job) -> bool:
    mirror.pull_here(job, "output", mirror.path_of(job, job.workspace.finished_json))
    summary = publish.unrecorded_summary(job)
    if summary is None:
        return False
    try:
        return publish.publish(job, summary)
    except (PipelineError, RecordError) as error:
        logger.warning("Job %s says that it finished, but can't be published: %s", job.pk, error)
        return False


def _queue_forgotten() -> int:
    # The last in line first, each to the front, so that the first in line ends up next. A job that
    # gives way goes to the end, behind those that were not forgotten.
    pending = list(Job.objects.filter(status=Job.Status.PENDING).order_by(*queue.LINE).reverse())
    if not pending:
        return 0
    try:
        carried = queue.carried_ids()
    except RedisError as error:
        logger.warning("The queue can't be reached: %s", error)
        return 0
    forgotten = [job for job in pending if job.queue_id not in carried]
    return sum(
        queue.enqueue(str(job.pk), job.attempt, at_front=not job.gives_way) for job in forgotten
    )
