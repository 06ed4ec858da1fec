"""Camera positions that came with photos (docs/use/import.md): sent, looked at, taken out."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext
from ninja import File, Router
from ninja.files import UploadedFile

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.v1 import reading
from recon.api.v1.callers import Body, Token
from recon.api.v1.problems import Refused
from recon.api.v1.schemas import photos as types
from recon.jobs import decoders
from recon.jobs.drafts import photo_zips
from recon.models import Job

router = Router(tags=["photos"])


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
