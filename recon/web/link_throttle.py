"""Slows down guessing at share links' passwords, with what slows it down at sign-in (django-axes).

Tries are counted for each link and address together, in the database: a guesser locks out nobody
else. The job's number stands for the link, whose secret part is not for the staff's log of tries.
"""

from __future__ import annotations

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.http import HttpRequest

from recon.models import Job


def may_try(request: HttpRequest, job: Job) -> bool:
    return bool(AxesProxyHandler.is_allowed(request, _who(job)))


def note_wrong(request: HttpRequest, job: Job) -> None:
    AxesProxyHandler.update_request(request)
    request.axes_path_info = "a share link"  # type: ignore[attr-defined]
    AxesProxyHandler.user_login_failed(sender=__name__, credentials=_who(job), request=request)
    # Axes would answer in the place of our page, with words about accounts.
    request.axes_locked_out = False  # type: ignore[attr-defined]


def wait_seconds() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds())


def _who(job: Job) -> dict[str, str]:
    return {"username": f"link of {job.pk}"}
