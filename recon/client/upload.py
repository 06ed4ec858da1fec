"""Photos from this machine into a draft, and the draft into the queue.

Photos are named by the digest of their bytes: the site says first which of them it has. So an
upload that was interrupted goes on where it was, and what has arrived is never sent twice, even
where only the answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recon.client import calls, photo_files, pose_files
from recon.client.answers import Job, Limits, Photo, Poses, ShareChange, Video, Wishes
from recon.client.errors import FilesRefused, PhotoRefused, Refused
from recon.client.exchange import LineLost, Pause, Request, Steps, Tries, send_once
from recon.client.photo_files import PhotoFile

NO_WISHES = Wishes()
MB = 2**20  # bytes

#: The status of the answer to a video, whose frames become photos later.
VIDEO_TAKEN = 202
#: Photos asked about in one request.
_ASKED_AT_ONCE = 100

_OF_ONE_FILE = (400, 413, 415)
#: Refusals with the status of a photo's, which concern all that follow as well.
_OF_ALL = (
    "quota_stored", "team_quota_stored", "disk_full", "too_large_together", "too_many_photos",
)  # fmt: skip


@dataclass(frozen=True)
class FilesChosen:
    """These will be in the draft; `others` are neither photos nor videos and stay here."""

    files: Sequence[PhotoFile]
    others: Sequence[Path]


@dataclass(frozen=True)
class DraftMade:
    """Photos now go into this draft."""

    job_id: str


@dataclass(frozen=True)
class FileThere:
    """The site has this file; `was_sent` is False where it had it before."""

    file: PhotoFile
    was_sent: bool


@dataclass(frozen=True)
class FileRefused:
    """The site does not take this file; the others are sent all the same."""

    file: PhotoFile
    error: Refused


@dataclass(frozen=True)
class BytesSent:
    """So many more bytes are on their way. May be more than a file has, if it is sent again."""

    count: int


@dataclass(frozen=True)
class PosesThere:
    """The draft has these camera positions."""

    poses: Poses


Told = PosesThere | FilesChosen | DraftMade | FileThere | FileRefused | BytesSent
Tell = Callable[[Told], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be uploaded, and how."""

    files: Sequence[PhotoFile]
    poses: Mapping[str, Path] = field(default_factory=dict)  # files of camera positions
    draft: str = ""  # the draft to go on with; a new one otherwise
    title: str = ""
    team: str = ""  # the handle of the team that a new draft belongs to
    tags: Sequence[str] = ()
    wishes: Wishes = field(default_factory=Wishes)
    share: ShareChange | None = None
    start: bool = True
    leave_out_refused: bool = False  # start without the files that the site refuses
    tell: Tell


def plan(
    photos: Path | Iterable[Path], *, poses: Path | None, draft: str, title: str, team: str,
    tags: Sequence[str], wishes: Wishes, share: ShareChange | None, start: bool,
    leave_out_refused: bool, tell: Tell,
) -> Plan:  # fmt: skip
    """Reads the files, which takes a while. Raises WrongUse, and PhotoRefused where there is
    nothing to send."""
    positions = pose_files.find(poses) if poses else {}
    files, others = photo_files.find([photos] if isinstance(photos, Path) else photos)
    tell(FilesChosen(files, others))
    if not files and not draft:
        raise PhotoRefused("There are no photos and no videos to send.", status=400)
    return Plan(
        files=files, poses=positions, draft=draft, title=title, team=team, tags=tags,
        wishes=wishes, share=share, start=start, leave_out_refused=leave_out_refused, tell=tell,
    )  # fmt: skip


def upload(plan: Plan) -> Steps[Job]:
    """The job in the queue, or without `plan.start` the draft.

    Raises FilesRefused, before anything starts, if the site refused files that are not to be left
    out; PhotoRefused for a video without usable frames, and for camera positions that can't be
    read.
    """
    if plan.draft:
        draft_id = plan.draft
    else:
        made = yield from calls.create_draft(plan.title, plan.tags, plan.wishes, plan.team)
        draft_id = made.job_id
    plan.tell(DraftMade(draft_id))
    refusals = yield from send_files(draft_id, plan.files, plan.tell)
    if refusals and not plan.leave_out_refused:
        raise _refused(refusals, draft_id)
    if plan.poses:
        plan.tell(PosesThere((yield from calls.set_poses(draft_id, plan.poses))))
    if not plan.start:
        return (yield from calls.job(draft_id))
    yield from _wait_for_videos(draft_id)
    return (yield from calls.start(draft_id, plan.wishes, plan.share))


def send_files(draft_id: str, files: Sequence[PhotoFile], tell: Tell) -> Steps[list[FileRefused]]:
    """Brings all of `files` into the draft, in their order; returns what the site refused."""
    limits = yield from calls.limits()
    there = yield from _there_already(draft_id, files)
    refusals = []
    for file in files:
        was_there = file.sha256 in there
        try:
            if not was_there:
                check_size(file, limits)
                there[file.sha256] = yield from send_file(draft_id, file, tell)
        except Refused as error:
            if error.status not in _OF_ONE_FILE or error.code in _OF_ALL:
                raise
            refusals.append(FileRefused(file, error))
            tell(refusals[-1])
        else:
            tell(FileThere(file, was_sent=not was_there))
    yield from _put_in_order(draft_id, [there.get(file.sha256) for file in files])
    return refusals


def check_size(file: PhotoFile, limits: Limits) -> None:
    """A server may end the line while too large a file arrives, which looks like any lost line.

    Raises PhotoRefused.
    """
    most = limits.max_video_size if file.is_video else limits.max_file_size
    if file.size > most:
        raise PhotoRefused(
            f"“{file.name}” has {file.size / MB:.1f} MB; this site takes {most / MB:.0f} MB.",
            status=413, code="too_large",
        )  # fmt: skip


def send_file(draft_id: str, file: PhotoFile, tell: Tell) -> Steps[Photo | Video]:
    """Sends one file until it has arrived. After a lost line the site is asked first whether it
    has it."""
    path = calls.ROOT + calls.job_path(draft_id, "photos")
    request = Request(
        method="POST", path=path, file=file.path, on_sent=lambda count: tell(BytesSent(count))
    )
    tries = Tries()
    while True:
        try:
            answer = yield from send_once(request)
            if answer.status == VIDEO_TAKEN:
                return answer.read_as(Video)
            return answer.read_as(Photo)
        except (LineLost, Refused) as error:
            yield from tries.after(error)
            arrived = yield from _there_already(draft_id, [file])
            if file.sha256 in arrived:
                return arrived[file.sha256]


# Helpers.


def _there_already(draft_id: str, files: Sequence[PhotoFile]) -> Steps[dict[str, Photo | Video]]:
    """What the draft has of `files`, or another job of the same owner, by digest."""
    there: dict[str, Photo | Video] = {}
    names = {file.sha256: file.name for file in files if not file.is_video}
    digests = list(names)
    for first in range(0, len(digests), _ASKED_AT_ONCE):
        some = {digest: names[digest] for digest in digests[first : first + _ASKED_AT_ONCE]}
        there |= yield from calls.take_known(draft_id, some)
    if any(file.is_video for file in files):
        there |= {video.sha256: video for video in (yield from calls.videos(draft_id))}
    return there


def _put_in_order(draft_id: str, arrived: Sequence[Photo | Video | None]) -> Steps[None]:
    """The photos in the order of their files, where they came in another one: those that the site
    had are there first."""
    wanted = [photo.photo_id for photo in arrived if isinstance(photo, Photo)]
    if len(wanted) < 2:
        return
    photos = yield from calls.photos(draft_id)
    if [photo.photo_id for photo in photos if photo.photo_id in set(wanted)] != wanted:
        yield from calls.order_photos(draft_id, wanted)


def _wait_for_videos(draft_id: str) -> Steps[None]:
    """Until the frames of all videos are photos. Raises PhotoRefused where a video failed."""
    while True:
        videos = yield from calls.videos(draft_id)
        for video in videos:
            if video.state == "failed":
                sentence = video.error or f"“{video.original_name}” could not be read."
                raise PhotoRefused(sentence, status=400, code=video.error_code or "")
        if all(video.state == "done" for video in videos):
            return
        yield Pause(calls.LOOK_EVERY_S)


def _refused(refusals: Sequence[FileRefused], draft_id: str) -> FilesRefused:
    first = refusals[0].error
    sentences = " ".join(refusal.error.sentence for refusal in refusals)
    return FilesRefused(sentences, status=first.status, code=first.code, draft_id=draft_id)
