"""Videos of drafts: kept until a worker has taken the best frames (`recon.jobs.drafts.frames`)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from recon.jobs import decoders, deletion
from recon.jobs.drafts import drafts, frames, photo_zips
from recon.jobs.folder import mirror, photo_files
from recon.jobs.people import quotas
from recon.jobs.photo_upload import source_of
from recon.jobs.sharing import change as change_share
from recon.models import Job, Team, Video
from recon.pipeline.photos.media import HEAD, container_of, is_photo, says_video
from recon.pipeline.photos.video import VideoLimits
from recon.pipeline.wishes import Wishes

State = Video.State


@dataclass(frozen=True)
class CheckedVideo:
    """What is known of a video whose index could be read."""

    sha256: str
    seconds: float


def is_video(file: UploadedFile) -> bool:
    """Whether an upload is a video by its content, or claims to be one and is no photo."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if container_of(head):
        return True
    return says_video(file.name or "", file.content_type or "") and not is_photo(head)


def check_video(file: UploadedFile) -> CheckedVideo:
    """Reads the video's index, once; the answer is kept on the file for the next caller.

    Raises UserError: video_unreadable, video_too_short, video_too_long, video_too_small,
    video_too_large, video_too_complex; PipelineError("too_busy"). The limit in bytes is the
    form's, because it is answered with another status.
    """
    known = getattr(file, "checked_video", None)
    if isinstance(known, CheckedVideo):
        return known
    limits = VideoLimits(min_side=settings.MIN_IMAGE_SIZE)
    name = photo_files.shown_name(file.name or "")
    seconds = decoders.opener().probe(source_of(file), name=name, limits=limits)
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    checked = CheckedVideo(digest.hexdigest(), seconds)
    file.checked_video = checked  # type: ignore[attr-defined]
    return checked


def add_video(job: Job, upload: UploadedFile, *, starts_job: bool = False) -> tuple[Video, bool]:
    """The video, with its frames requested, and whether it is new. `starts_job`: the draft is to
    start when they are there.

    Raises UserError: `check_video`'s, too_many_photos where no frame has room,
    `quotas.may_add_video`'s, draft_started; PipelineError("disk_full"); Job.DoesNotExist.
    """
    facts = check_video(upload)
    folder = job.folder / "videos"
    waiting = folder / f".{uuid4().hex}"
    with photo_files.room_for(job):
        mirror.make_folder(job)
        if not job.workspace.upload.is_dir():
            raise Job.DoesNotExist
        folder.mkdir(exist_ok=True)
        try:
            photo_files.write(upload, waiting)
            stored = mirror.upload(job, [waiting])
            with transaction.atomic():
                draft = drafts.lock_draft(job)
                same = draft.videos.filter(sha256=facts.sha256)
                if twin := same.filter(state=State.WAITING).first():
                    return twin, False
                same.delete()  # done or failed: it is to be done again
                drafts.check_room(draft, 0)
                quotas.may_add_video(draft, upload.size or 0)
                video = Video.objects.create(
                    job=draft,
                    original_name=photo_files.shown_name(upload.name or ""),
                    sha256=facts.sha256,
                    size=upload.size or 0,
                    starts_job=starts_job,
                )
                os.replace(waiting, video.path)
                mirror.record_as(video.path, stored)
                drafts.note_change(draft)
                transaction.on_commit(partial(frames.request, video.pk, draft.owner_id))
            return video, True
        finally:
            waiting.unlink(missing_ok=True)


def drop_video(job: Job, video_pk: int) -> bool:
    """Takes a video out; frames that were taken stay. False where it is gone already.

    Raises UserError("draft_started"), Job.DoesNotExist.
    """
    with transaction.atomic():
        draft = drafts.lock_draft(job)
        video = draft.videos.filter(pk=video_pk).first()
        if video is None:
            return False
        file = video.path
        video.delete()
        mirror.forget(draft, mirror.path_of(draft, file))
        drafts.note_change(draft)
        transaction.on_commit(partial(file.unlink, missing_ok=True))
    return True


def create_job(
    owner: User,
    photos: Sequence[UploadedFile],
    videos: Sequence[UploadedFile],
    *,
    zips: Sequence[UploadedFile] = (),
    poses: Sequence[UploadedFile] = (),
    team: Team | None = None,
    title: str = "",
    wishes: Wishes | None = None,
    shared: bool = False,
    sharing: Mapping[str, object] | None = None,
) -> Job:
    """A draft with all of these, which starts by itself when the videos' frames are there; at once
    without videos.

    Raises what `add_video`, `photo_zips.add_zip` and `add_poses`, `drafts.add_photo`,
    `drafts.create_draft` and `drafts.start` raise; then nothing stays.
    """
    draft = drafts.create_draft(owner, team=team, title=title, wishes=wishes)
    try:
        change_share(draft, by=owner, is_on=shared, **(sharing or {}))
        for photo in photos:
            drafts.add_photo(draft, photo)
        for archive in zips:
            photo_zips.add_zip(draft, archive)
        if poses:
            photo_zips.add_poses(draft, poses)
        for video in videos:
            add_video(draft, video, starts_job=True)
        if not videos:
            drafts.start(draft, shared=shared)
    except BaseException:
        deletion.delete(draft)
        raise
    draft.refresh_from_db()
    return draft
