"""What API v1 says of a job: the rows and the pipeline's records, as its types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from recon.api.v1.schemas import jobs as types
from recon.jobs import tags
from recon.jobs.storage import retention
from recon.jobs.time_left import outlook
from recon.jobs.time_left.outlook import Outlook
from recon.jobs.workers import obstacles
from recon.models import Job, Video
from recon.models.figures import Figures
from recon.pipeline.forecast import time_left
from recon.pipeline.quality import UNMEASURED
from recon.pipeline.words import progress_texts
from recon.pipeline.words.explanation import FilledExplanation
from recon.web.scene import elapsed_seconds, share_url


def absolute(path: str) -> str:
    return settings.BASE_URL.rstrip("/") + path


def address_of(job: Job) -> str:
    """Where API v1 has the job."""
    return absolute(reverse("v1:get_job", args=(job.pk,)))


def summary_of(job: Job, image_count: int) -> types.JobSummary:
    """What a list says of it; the same few queries for all jobs of a list."""
    return types.JobSummary(**_in_short(job, image_count))


def job_of(job: Job) -> types.Job:
    """All about it."""
    ahead = outlook.outlook_of(job)
    error = job.error
    return types.Job(
        **_in_short(job, job.photos.count()),
        description=job.share.description,
        wishes=types.Wishes(**_wishes(job)),
        attempt=job.attempt,
        message=message_of(job),
        failed_step=job.step if job.is_failed else None,
        error=_failure(error, job.error_facts) if error else None,
        warnings=texts_of(job.explained_warnings),
        started_at=job.started_at,
        processing_time_seconds=elapsed_seconds(job),
        figures=figures_of(job.figures),
        waiting=waiting_of(job, ahead),
        ready_in=range_of(ahead.ready_in),
        share=share_of(job),
        videos_waiting=job.videos.filter(state=Video.State.WAITING).count(),
        is_kept=job.is_kept,
        deleted_at=retention.delete_at(job),
    )


def waiting_of(job: Job, ahead: Outlook) -> types.Waiting | None:
    """Where it is in the line, and why it waits; None where it does not wait."""
    if ahead.position is None:
        return None
    reason = obstacles.reason_of(job, ahead.position)
    return types.Waiting(
        position=ahead.position,
        starts_in=range_of(ahead.starts_in),
        reason=types.WaitReason(code=reason.code, text=reason.text),
    )


def share_of(job: Job) -> types.Share:
    share = job.share
    return types.Share(
        on=share.is_on,
        open=share.is_open,
        key=share.key,
        url=share_url(job) if share.is_open else None,
        has_password=bool(share.password),
        until=share.until,
        downloads=share.downloads,  # type: ignore[arg-type]
        figures=share.shows_figures,
        in_gallery=share.in_gallery,
        views=share.views,
    )


def quality_of(job: Job) -> types.Quality | None:
    """None before there is a scene."""
    verdict = job.verdict
    if verdict is None:
        return None
    word = None if verdict.word == UNMEASURED else verdict.word
    return types.Quality(word=word, code=verdict.code, reason=verdict.reason)


def figures_of(figures: Figures) -> types.Figures:
    named = {name: getattr(figures, name) for name in types.Figures.model_fields}
    return types.Figures(**named | {"protocol": figures.protocol or None})


def message_of(job: Job) -> types.Message | None:
    """What it is doing; None where nothing is known."""
    if not job.progress:
        return None
    text = progress_texts.sentence(job.progress)
    return types.Message(code=job.progress["code"], facts=job.progress["facts"], text=text)


def texts_of(said: Iterable[FilledExplanation]) -> list[types.Text]:
    return [types.Text(code=one.code, title=one.title, advice=one.advice) for one in said]


def range_of(seconds: time_left.Range | None) -> types.Range | None:
    return types.Range(low=seconds.low, high=seconds.high) if seconds else None


def step_of(job: Job) -> str:
    return "ERROR" if job.is_failed else job.step


def percent_of(job: Job) -> int:
    return 0 if job.is_failed else int(job.percent)


def _in_short(job: Job, image_count: int) -> dict[str, Any]:
    return {
        "job_id": job.pk,
        "team": job.team.handle if job.team else None,
        "title": job.title,
        "status": job.status,
        "step": step_of(job),
        "progress": percent_of(job),
        "preset": job.wishes.preset,
        "image_count": image_count,
        "tags": tags.names_of(job),
        "quality": quality_of(job),
        "psnr": job.figures.psnr,
        "ssim": job.figures.ssim,
        "lpips": job.figures.lpips,
        "gaussian_count": job.figures.gaussian_count,
        "error_code": job.error_code or None,
        "created_at": job.created_at,
        "completed_at": job.completed_at,
        "shared": job.share.is_on,
        "url": absolute(job.get_absolute_url()),
    }


def _wishes(job: Job) -> dict[str, Any]:
    return {name: getattr(job.wishes, name) for name in types.Wishes.model_fields}


def _failure(error: FilledExplanation, facts: Mapping[str, object]) -> types.Failure:
    plain = json.loads(json.dumps(dict(facts), default=str))
    return types.Failure(code=error.code, title=error.title, advice=error.advice, facts=plain)
