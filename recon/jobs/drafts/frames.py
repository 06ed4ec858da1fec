"""The best frames of a draft's videos become photos.

The work is a task on a queue of its own, whose workers do nothing else: it takes minutes, and photo
checks must not wait for that. Of several people's videos each person's first come first
(`recon.jobs.fair_queue`). The row says what there is to do: `reconcile` requests a task again that
Redis loses or whose worker dies, and one whose video was removed, or whose draft was started or
deleted, ends quietly. Frames that a second try finds again are recognised by their content, like
all photos.
"""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from redis.exceptions import RedisError

from recon.jobs import fair_queue, queue
from recon.jobs.drafts import drafts
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror, photo_files
from recon.jobs.photo_upload import check_upload
from recon.models import Job, Video
from recon.pipeline.decoding import opening
from recon.pipeline.errors import Cancelled, PipelineError, TimeLimit, UserError
from recon.pipeline.photos.photo_count import check_count
from recon.reporting import Progress

logger = logging.getLogger(__name__)

QUEUE = "videos"
TASK = "recon.jobs.drafts.frames.take_frames"

#: The largest video that is taken has some thousand frames, each decoded once.
TIMEOUT_MINUTES = 10
FAILURE_TTL_S = 24 * 60 * 60
LOCK_WAIT_S = 60.0

#: What the draft or its owner has no more room for.
FULL = ("too_many_photos", "too_large_together", "quota_stored", "team_quota_stored")
MAX_TRIES = 3

#: How often the progress is written to the row.
TOLD_EVERY_S = 1.0

State = Video.State


def take_frames(video_pk: int) -> None:
    """The task."""
    video = _waiting_video(video_pk)
    if video is None:
        return
    try:
        mirror.pull(video.job, mirror.path_of(video.job, video.path))
        # Not the draft's own: photos may come, and be checked, while frames are taken.
        with folder_lock.hold(video.path.parent, wait_s=LOCK_WAIT_S):
            _take(video)
    except (FileNotFoundError, Job.DoesNotExist):
        logger.info("Video %s or its draft is gone", video_pk)
    except folder_lock.FolderBusy:
        logger.warning("The draft of video %s is busy; reconcile asks again", video_pk)
    except Cancelled:
        logger.info("Video %s was removed, or its draft started or deleted", video_pk)
    except UserError as error:
        _fail(video, error)
    except PipelineError as error:
        _put_off(video, error)
    except TimeLimit:
        _fail(video, _told("video_too_slow", video, minutes=TIMEOUT_MINUTES))


def request(video_pk: int, owner_pk: int) -> bool:
    """Requests a video's frames. False if Redis is down: the video waits for `reconcile`."""
    return fair_queue.enqueue(
        QUEUE,
        TASK,
        (video_pk,),
        prefix=_prefix(video_pk),
        owner_pk=owner_pk,
        description=f"frames of video {video_pk}",
        timeout_s=TIMEOUT_MINUTES * 60,
        failure_ttl_s=FAILURE_TTL_S,
    )


def request_missing() -> int:
    """Requests the frames of videos that have no task. Returns how many. For `reconcile`."""
    waiting = Video.objects.filter(state=State.WAITING, job__status=Job.Status.DRAFT)
    videos = list(waiting.select_related("job"))
    if not videos:
        return 0
    try:
        carried = queue.task_ids(QUEUE)
    except RedisError as error:
        logger.warning("%d videos can't be worked on now: %s", len(videos), error)
        return 0
    asked = 0
    for video in videos:
        if any(one.startswith(_prefix(video.pk)) for one in carried):
            continue
        if video.tries >= MAX_TRIES:
            _fail(video, _told("video_damaged", video, percent=round(video.percent)))
        else:
            asked += request(video.pk, video.job.owner_id)
    return asked


def _take(video: Video) -> None:
    with photo_files.room_for(video.job):
        begun = {"tries": video.tries + 1, "error_code": "", "error_facts": {}}
        Video.objects.filter(pk=video.pk).update(**begun)
    room = settings.MAX_PHOTOS - video.job.photos.count()
    if room <= 0:
        check_count(settings.MAX_PHOTOS + 1, settings.MIN_PHOTOS, settings.MAX_PHOTOS)
    stem = video.original_name.rpartition(".")[0] or video.original_name
    taken = 0
    for frame in opening.own_opener().take_frames(
        video.path, name=video.original_name, wanted=room, report=_report_of(video.pk)
    ):
        name = f"{stem} {frame.seconds:05.1f} s.jpg"
        upload = SimpleUploadedFile(name, frame.jpeg, "image/jpeg")
        check_upload(upload, by=opening.own_opener())  # nobody waits at a request
        try:
            # The video goes when they are there: they may have its room.
            drafts.add_photo(video.job, upload, given_up=video.size)
        except UserError as error:
            if taken and error.code in FULL:
                break  # others came meanwhile; what is there is good
            raise
        taken += 1
    _finish(video, taken)


def _report_of(video_pk: int) -> Progress:
    """Tells the row of the progress; raises Cancelled where there is nothing to do any more."""
    told = 0.0

    def report(fraction: float, code: str = "", /, **facts: object) -> None:
        nonlocal told
        if time.monotonic() - told < TOLD_EVERY_S:
            return
        told = time.monotonic()
        rows = Video.objects.filter(pk=video_pk, state=State.WAITING, job__status=Job.Status.DRAFT)
        if not rows.update(percent=100 * fraction):
            raise Cancelled

    return report


def _finish(video: Video, frames: int) -> None:
    rows = Video.objects.filter(pk=video.pk, state=State.WAITING)
    if not rows.update(state=State.DONE, percent=100.0, frames=frames):
        return
    _remove_file(video)
    others = Video.objects.filter(job=video.job_id, state=State.WAITING)
    if not video.starts_job or others.exists():
        return
    try:
        drafts.start(video.job, shared=video.job.share.is_on)
    except UserError as error:  # too few frames, or a limit of the owner's: the page says which
        Video.objects.filter(pk=video.pk).update(error_code=error.code, error_facts=error.facts)


def _fail(video: Video, error: UserError) -> None:
    rows = Video.objects.filter(pk=video.pk, state=State.WAITING)
    rows.update(state=State.FAILED, error_code=error.code, error_facts=error.facts)
    _remove_file(video)


def _remove_file(video: Video) -> None:
    video.path.unlink(missing_ok=True)
    mirror.forget(video.job, mirror.path_of(video.job, video.path))


def _put_off(video: Video, error: PipelineError) -> None:
    """The disk is full, which is not the video's fault: it waits, and `reconcile` tries again."""
    rows = Video.objects.filter(pk=video.pk, state=State.WAITING)
    rows.update(tries=video.tries, error_code=error.code, error_facts=error.facts)


def _told(code: str, video: Video, **facts: object) -> UserError:
    return UserError(code, name=video.original_name, **facts)


def _waiting_video(video_pk: int) -> Video | None:
    videos = Video.objects.select_related("job").filter(pk=video_pk, state=State.WAITING)
    return videos.filter(job__status=Job.Status.DRAFT).first()


def _prefix(video_pk: int) -> str:
    return f"video-{video_pk}-"
