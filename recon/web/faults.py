"""Which HTTP status an error gets; the sentence is the error's own."""

from __future__ import annotations

from recon.pipeline.errors import PipelineError, ReconError

_STATUS = {
    "draft_started": 409,
    "video_in_work": 409,
    "not_ended": 409,
    "too_many_drafts": 409,
    "too_many_videos": 409,
    "quota_videos": 429,
    "too_large_together": 413,
    "quota_stored": 413,
    "quota_active_jobs": 429,
    "quota_jobs_a_day": 429,
    "account_closing": 403,
    "last_superuser": 409,
    "team_quota_stored": 413,
    "team_quota_active_jobs": 429,
    "team_quota_jobs_a_day": 429,
    "team_too_many_drafts": 409,
    "team_closing": 409,
    "not_in_team": 409,
    "not_yours_to_move": 403,
    "last_team_owner": 409,
    "too_many_teams": 409,
}


#: When to ask again, where that is soon.
_RETRY_AFTER_S = {"too_busy": 2, "storage_away": 30}


def headers_of(error: ReconError) -> dict[str, str]:
    """What an answer says besides its status."""
    seconds = _RETRY_AFTER_S.get(error.code)
    return {"Retry-After": str(seconds)} if seconds else {}


def status_of(error: ReconError) -> int:
    """400 for what the photos caused, unless the code has its own; 503 for our own faults."""
    return _STATUS.get(error.code, 503 if isinstance(error, PipelineError) else 400)
