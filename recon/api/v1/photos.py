"""A draft's photos and videos: one by one, in bulk, or known by their digests; and the camera
positions that came with them (docs/use/import.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from ninja import File, Router, Status
from ninja.files import UploadedFile
from pydantic import Field

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.v1 import reading
from recon.api.v1.callers import Body, Token
from recon.api.v1.job_facts import absolute
from recon.api.v1.problems import Refused, of_error
from recon.api.v1.schemas import photos as types
from recon.api.v1.schemas import sent as sent_types
from recon.api.views import photo_facts, video_facts
from recon.jobs import decoders
from recon.jobs.drafts import drafts, known_photos, photo_order, photo_zips, videos
from recon.jobs.folder.photo_files import shown_name
from recon.models import Job, Photo, Video
from recon.pipeline.errors import UserError

router = Router(tags=["photos"])

#: What a database can count to.
RowId = Annotated[int, Field(ge=0, lt=2**63)]


@router.get("/jobs/{uuid:job_id}/photos", auth=Token(), response=types.Photos)
def list_photos(request: SignedInRequest, job_id: UUID) -> types.Photos:
    """A job's photos in their order, and what was found out about each."""
    return _photos(reading.own_job(request, job_id))


@router.post(
    "/jobs/{uuid:job_id}/photos",
    auth=Token(Scope.UPLOAD, Body.FILES, once=True),
    response={201: types.Photo, 200: types.Photo, 202: types.Video},
)
def add_photo(
    request: SignedInRequest, response: HttpResponse, job_id: UUID, file: File[UploadedFile]
) -> Status[types.Photo | types.Video]:
    """Adds a photo: 201, or 200 for one that the draft has already. A video: 202; its best frames
    become photos within about a minute."""
    draft = reading.own_draft(request, job_id)
    with decoders.place_for(request.user.pk):
        if videos.is_video(file):
            video, _ = videos.add_video(draft, file)
            response["Location"] = absolute(reverse("v1:get_video", args=(draft.pk, video.pk)))
            return Status(202, _video(video))
        photo, is_new = drafts.add_photo(draft, file)
    if is_new:
        response["Location"] = absolute(reverse("v1:list_photos", args=(draft.pk,)))
    return Status(201 if is_new else 200, _photo(photo))


@router.post(
    "/jobs/{uuid:job_id}/photos/bulk",
    auth=Token(Scope.UPLOAD, Body.FILES, once=True),
    response=types.FileOutcomes,
)
def add_photos(
    request: SignedInRequest, job_id: UUID, files: File[list[UploadedFile]]
) -> types.FileOutcomes:
    """Adds several photos and videos, and says what became of each: one that is refused does not
    keep the others out."""
    draft = reading.own_draft(request, job_id)
    with decoders.place_for(request.user.pk):
        return types.FileOutcomes(items=[_outcome(draft, file) for file in files])


def _outcome(draft: Job, file: UploadedFile) -> types.FileOutcome:
    """Raises PipelineErrors, which are about the machine and not about this file."""
    name = shown_name(file.name or "")
    try:
        if videos.is_video(file):
            video = _video(videos.add_video(draft, file)[0])
            return types.FileOutcome(original_name=name, outcome="video", video=video)
        photo, is_new = drafts.add_photo(draft, file)
    except UserError as error:
        problem = types.Problem.model_validate(of_error(error))
        return types.FileOutcome(original_name=name, outcome="refused", problem=problem)
    return types.FileOutcome(
        original_name=name, outcome="added" if is_new else "present", photo=_photo(photo)
    )


@router.post(
    "/jobs/{uuid:job_id}/photos/known",
    auth=Token(Scope.UPLOAD, Body.JSON),
    response=types.KnownPhotos,
)
def add_known_photos(
    request: SignedInRequest, job_id: UUID, sent: sent_types.KnownPhotosSent
) -> types.KnownPhotos:
    """Adds those of these photos that you have sent before, to this draft or another job, without
    their bytes. Send the others."""
    draft = reading.own_draft(request, job_id)
    known, missing = [], []
    for one in {photo.sha256: photo for photo in sent.photos}.values():
        found = known_photos.add_known(draft, one.sha256, name=one.name)
        if found is None:
            missing.append(one.sha256)
        else:
            known.append(types.KnownPhoto(sha256=one.sha256, photo=_photo(found[0])))
    return types.KnownPhotos(known=known, missing=missing)


@router.put(
    "/jobs/{uuid:job_id}/photos/order",
    auth=Token(Scope.UPLOAD, Body.JSON),
    response=types.Photos,
)
def order_photos(
    request: SignedInRequest, job_id: UUID, sent: sent_types.OrderSent
) -> types.Photos:
    """Puts a draft's photos into this order, for people: the scene does not depend on it."""
    draft = reading.own_draft(request, job_id)
    photo_order.reorder(draft, sent.photo_ids)
    return _photos(draft)


@router.delete(
    "/jobs/{uuid:job_id}/photos/{int:photo_id}", auth=Token(Scope.UPLOAD), response={204: None}
)
def drop_photo(request: SignedInRequest, job_id: UUID, photo_id: RowId) -> None:
    """Takes a photo out of a draft."""
    if not drafts.drop_photo(reading.own_draft(request, job_id), photo_id):
        raise Refused(404, "no_such_photo", gettext("There is no such photo in this draft."))


@router.get("/jobs/{uuid:job_id}/videos", auth=Token(), response=types.Videos)
def list_videos(request: SignedInRequest, job_id: UUID) -> types.Videos:
    """A draft's videos, and how far each is."""
    job = reading.own_job(request, job_id)
    return types.Videos(items=[_video(video) for video in job.videos.all()])


@router.get("/jobs/{uuid:job_id}/videos/{int:video_id}", auth=Token(), response=types.Video)
def get_video(request: SignedInRequest, job_id: UUID, video_id: RowId) -> types.Video:
    """How far one video is."""
    video = reading.own_job(request, job_id).videos.filter(pk=video_id).first()
    if video is None:
        raise _no_video()
    return _video(video)


@router.delete(
    "/jobs/{uuid:job_id}/videos/{int:video_id}", auth=Token(Scope.UPLOAD), response={204: None}
)
def drop_video(request: SignedInRequest, job_id: UUID, video_id: RowId) -> None:
    """Takes a video out of a draft; frames that were taken from it stay."""
    if not videos.drop_video(reading.own_draft(request, job_id), video_id):
        raise _no_video()


@router.get("/jobs/{uuid:job_id}/poses", auth=Token(), response=types.Poses)
def get_poses(request: SignedInRequest, job_id: UUID) -> types.Poses:
    """What the camera positions say that came with a job's photos."""
    return _poses(reading.own_job(request, job_id))


@router.post(
    "/jobs/{uuid:job_id}/poses",
    auth=Token(Scope.UPLOAD, Body.FILES, once=True),
    response={201: types.Poses},
)
def set_poses(
    request: SignedInRequest, job_id: UUID, files: File[list[UploadedFile]]
) -> types.Poses:
    """Gives a draft camera positions in place of those that it had: the files of a COLMAP model
    (text or binary), a `transforms.json`, or a zip with either."""
    draft = reading.own_draft(request, job_id)
    with decoders.place_for(request.user.pk):
        photo_zips.add_poses(draft, files)
    return _poses(draft)


@router.delete("/jobs/{uuid:job_id}/poses", auth=Token(Scope.UPLOAD), response={204: None})
def drop_poses(request: SignedInRequest, job_id: UUID) -> None:
    """Takes the camera positions out of a draft: they are then worked out from the photos."""
    if not photo_zips.drop_poses(reading.own_draft(request, job_id)):
        raise _no_poses()


def _no_video() -> Refused:
    return Refused(404, "no_such_video", gettext("There is no such video in this draft."))


def _photos(job: Job) -> types.Photos:
    return types.Photos(items=[_photo(photo) for photo in job.photos.all()])


def _photo(photo: Photo) -> types.Photo:
    return types.Photo.model_validate(photo_facts(photo))


def _video(video: Video) -> types.Video:
    return types.Video.model_validate(video_facts(video))


def _poses(job: Job) -> types.Poses:
    """Raises Refused (404)."""
    there = photo_zips.poses_there(job)
    if there is None:
        raise _no_poses()
    lacking = set(there.lacking)
    called = [photo.original_name for photo in job.photos.all() if photo.name in lacking]
    return types.Poses(
        files=list(there.files),
        listed=there.listed,
        found=there.total - len(called),
        total=there.total,
        lacking=called,
        used=not job.wishes.without_poses,
    )


def _no_poses() -> Refused:
    return Refused(404, "no_poses", gettext("No camera positions came with these photos."))
