"""The site for whoever calls: how busy it is, what it takes, what they may have."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.models import ApiToken, Scope
from accounts.requests import SignedInRequest
from recon.api.v1.callers import Token
from recon.api.v1.job_facts import range_of
from recon.api.v1.schemas import site as types
from recon.api.v1.schemas.jobs import Range
from recon.jobs import queue
from recon.jobs.people import quotas
from recon.jobs.time_left import outlook
from recon.models import Job
from recon.pipeline.photos.media import PHOTO_TYPES, VIDEO_TYPES
from recon.pipeline.wishes import PRESET_NAMES
from recon.web.preset_times import preset_options

router = Router(tags=["site"])

MB = 2**20


class PhotosExpected(Schema):
    """Of what photos a scene would be made."""

    photos: int = Field(default=10, ge=1, le=1000)
    width: int = Field(default=4000, ge=1, le=100_000, description="px")
    height: int = Field(default=3000, ge=1, le=100_000, description="px")


@router.get("/queue", auth=Token(), response=types.Queue)
def get_queue(request: SignedInRequest) -> types.Queue:
    """How busy the site is, when a job would begin now, and where one's own stand."""
    owner = request.user
    jobs = Job.objects.with_rows().filter(owner=owner, status__in=Job.ACTIVE)
    _, start = outlook.times_from_now([(4000, 3000)] * settings.MIN_PHOTOS)
    return types.Queue(
        **queue.overview(),
        starts_in=Range(low=start.low, high=start.high),
        jobs=[_place(job) for job in jobs.order_by("created_at")],
    )


def _place(job: Job) -> types.OwnPlace:
    ahead = outlook.outlook_of(job)
    return types.OwnPlace(
        job_id=job.pk,
        status=job.status,  # type: ignore[arg-type]
        position=ahead.position,
        starts_in=range_of(ahead.starts_in),
        ready_in=range_of(ahead.ready_in),
    )


@router.get("/account", auth=Token(), response=types.Account)
def get_account(request: SignedInRequest) -> types.Account:
    """Who calls, and what this caller may do."""
    token: ApiToken | None = getattr(request, "api_token", None)
    scopes = token.scopes.split() if token else list(Scope.values)
    facts = None
    if token:
        facts = types.TokenFacts(name=token.name, scopes=scopes, ends_at=token.ends_at)
    user = request.user
    return types.Account(email=user.email, name=user.public_name, token=facts, scopes=scopes)


@router.get("/quota", auth=Token(), response=types.Quota)
def get_quota(request: SignedInRequest) -> types.Quota:
    """How much the caller may have, and has."""
    return quota_of(request.user)


def quota_of(account: quotas.Account) -> types.Quota:
    """Of a person or a team."""
    used = quotas.usage(account)
    drafts = quotas.jobs_of(account).filter(status=Job.Status.DRAFT).count()
    return types.Quota(
        stored_bytes=_used(used.stored),
        active_jobs=_used(used.active),
        jobs_today=_used(used.today),
        drafts=types.Used(used=drafts, most=settings.MAX_DRAFTS),
    )


def _used(limit: quotas.Limit) -> types.Used:
    return types.Used(used=limit.used, most=limit.most)


@router.get("/limits", auth=None, response=types.Limits)
def get_limits(request: HttpRequest) -> types.Limits:
    """What the site takes. For everybody, without an account."""
    return types.Limits(
        min_photos=settings.MIN_PHOTOS,
        max_photos=settings.MAX_PHOTOS,
        min_image_size=settings.MIN_IMAGE_SIZE,
        max_file_size=settings.MAX_FILE_SIZE_MB * MB,
        max_upload_size=settings.MAX_UPLOAD_SIZE_MB * MB,
        max_video_size=settings.MAX_VIDEO_SIZE_MB * MB,
        max_videos=settings.MAX_VIDEOS,
        draft_days=settings.DRAFT_DAYS,
        calls_a_minute=settings.API_CALLS_A_MINUTE,
        uploads_an_hour=settings.UPLOADS_AN_HOUR,
        photo_types=list(PHOTO_TYPES),
        video_types=list(VIDEO_TYPES),
    )


@router.get("/presets", auth=Token(), response=types.Presets)
def get_presets(request: SignedInRequest, expected: Query[PhotosExpected]) -> types.Presets:
    """The presets, and how many seconds a scene of such photos takes with each of them here."""
    sizes = [(expected.width, expected.height)] * expected.photos
    times = outlook.preset_times(sizes)
    said = {option.value: option for option in preset_options(sizes)}
    return types.Presets(
        default=settings.DEFAULT_PRESET,  # type: ignore[arg-type]
        items=[
            types.PresetFacts(
                name=name,  # type: ignore[arg-type]
                label=said[name].label,
                description=said[name].said,
                expected=range_of(times[name]),
            )
            for name in PRESET_NAMES
        ],
    )
