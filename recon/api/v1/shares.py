"""How a scene is shared."""

from __future__ import annotations

from uuid import UUID

from ninja import Router

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.sharing import refuse_public_page
from recon.api.v1 import reading
from recon.api.v1.callers import Body, Token
from recon.api.v1.job_facts import share_of
from recon.api.v1.schemas import jobs as types
from recon.api.v1.schemas import sent as sent_types
from recon.jobs import sharing
from recon.models import Job

router = Router(tags=["sharing"])


@router.get("/jobs/{uuid:job_id}/share", auth=Token(), response=types.Share)
def get_share(request: SignedInRequest, job_id: UUID) -> types.Share:
    """The job's link, and what it offers."""
    return share_of(_started_job(request, job_id))


@router.patch(
    "/jobs/{uuid:job_id}/share", auth=Token(Scope.MANAGE, Body.JSON), response=types.Share
)
def change_share(
    request: SignedInRequest, job_id: UUID, sent: sent_types.ShareChangeSent
) -> types.Share:
    """Changes what is sent, and nothing else."""
    job = _started_job(request, job_id)
    changes = reading.share_columns(sent)
    refuse_public_page(job, changes)
    if sent.new_link:
        sharing.renew(job, by=request.user)
    if changes:
        sharing.change(job, by=request.user, **changes)
    return share_of(job)


@router.delete("/jobs/{uuid:job_id}/share", auth=Token(Scope.MANAGE), response={204: None})
def end_share(request: SignedInRequest, job_id: UUID) -> None:
    """Ends the link for good: sharing is off, and a later link is another one."""
    job = _started_job(request, job_id)
    sharing.end(job, by=request.user)


def _started_job(request: SignedInRequest, job_id: UUID) -> Job:
    job = reading.own_job(request, job_id)
    reading.refuse_drafts(job)
    return job
