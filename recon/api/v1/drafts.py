"""Drafts: made, checked, started. Their photos are in `photos`."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from ninja import Router

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.sharing import refuse_public_page
from recon.api.v1 import reading
from recon.api.v1.callers import Body, Token
from recon.api.v1.job_facts import address_of, job_of
from recon.api.v1.problems import Refused
from recon.api.v1.schemas import jobs as types
from recon.api.v1.schemas import photos as photo_types
from recon.api.v1.schemas import sent as sent_types
from recon.jobs import sharing, tags
from recon.jobs.drafts import drafts
from recon.jobs.site_config import usual_wishes
from recon.jobs.teams import moving
from recon.models import Job
from recon.pipeline.errors import UserError
from recon.web.access import maker_of
from recon.web.job.photo_check import check_facts

router = Router(tags=["drafts"])

#: Where no body is sent.
_NO_WISHES, _NO_CHANGES = sent_types.DraftSent(), sent_types.StartSent()


@router.post("/drafts", auth=Token(Scope.UPLOAD, Body.JSON, once=True), response={201: types.Job})
def create_draft(
    request: SignedInRequest,
    response: HttpResponse,
    sent: sent_types.DraftSent = _NO_WISHES,
) -> types.Job:
    """A draft without photos: send them one by one, or in bulk."""
    names = reading.tags_of(sent.tags)
    description = reading.description_of(sent.description)
    title = reading.title_of(sent.title) or ""
    wishes, team = reading.wishes_of(sent, usual_wishes()), reading.team_of(request, sent.team)
    draft = drafts.create_draft(request.user, team=team, title=title, wishes=wishes)
    tags.put(draft, names)
    if description:
        sharing.change(draft, description=description)
    response["Location"] = address_of(draft)
    return job_of(draft)


@router.post(
    "/jobs/{uuid:job_id}/draft", auth=Token(Scope.UPLOAD, once=True), response={201: types.Job}
)
def draft_of_job(request: SignedInRequest, response: HttpResponse, job_id: UUID) -> types.Job:
    """A draft with the photos and wishes of a job that has ended, to add photos or take some
    out."""
    job = reading.own_job(request, job_id)
    draft = drafts.draft_from(job, by=maker_of(request, job))
    response["Location"] = address_of(draft)
    return job_of(draft)


@router.get("/jobs/{uuid:job_id}/check", auth=Token(), response=photo_types.Check)
def get_check(request: SignedInRequest, job_id: UUID) -> photo_types.Check:
    """What the photo check says of a draft. It never keeps a draft from being started."""
    draft = reading.own_job(request, job_id)
    if not draft.is_draft:
        raise Refused(409, "not_a_draft", gettext("Only a draft’s photos are checked."))
    return photo_types.Check.model_validate(check_facts(draft))


@router.post(
    "/jobs/{uuid:job_id}/start",
    auth=Token(Scope.UPLOAD, Body.JSON, once=True),
    response={202: types.Job},
)
def start_draft(
    request: SignedInRequest,
    response: HttpResponse,
    job_id: UUID,
    sent: sent_types.StartSent = _NO_CHANGES,
) -> types.Job:
    """Queues a draft. For what is not sent, the draft's own wishes hold."""
    draft = reading.own_draft(request, job_id)
    names, title = reading.tags_of(sent.tags), reading.title_of(sent.title)
    share = reading.share_columns(sent.share, prefix="share.") if sent.share else {}
    if "description" in sent.model_fields_set:
        share["description"] = reading.description_of(sent.description)
    shared = bool(share.pop("is_on", draft.share.is_on))
    wishes = reading.wishes_of(sent, draft.wishes)
    if "team" in sent.model_fields_set:
        moving.move(draft, reading.team_of(request, sent.team), by=request.user)
    refuse_public_page(draft, share)
    is_started = drafts.start(
        draft, title=title, wishes=wishes, shared=shared, sharing=share, by=request.user
    )
    if not is_started:
        raise UserError("draft_started")
    if sent.tags is not None:
        tags.put(draft, names)
    started = Job.objects.with_rows().get(pk=draft.pk)
    response["Location"] = address_of(started)
    return job_of(started)
