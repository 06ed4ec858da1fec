"""A team's log: who did what to its members and its scenes. Its owners read it, and staff.

Each entry is a row of the transaction that does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from recon.models import Job, Team, TeamEvent

Kind = TeamEvent.Kind


def note(
    team: Team, kind: TeamEvent.Kind, by: User | None, *, job: Job | None = None, **facts: str
) -> None:
    """`by` did this. `facts` are what a reader is told besides: names and addresses as they are
    now."""
    TeamEvent.objects.create(
        at=timezone.now(),
        team=team,
        team_handle=team.handle,
        kind=kind,
        person=by,
        person_email=by.email if by else "",
        job_id=job.pk if job else None,
        facts=facts | ({"scene": job.name} if job else {}),
    )


def note_scenes(jobs: Iterable[Job], kind: TeamEvent.Kind, by: User | None) -> None:
    """`by` did this to those of the jobs that are a team's. What the site does by itself (None)
    is in no log."""
    for job in jobs:
        if by is not None and job.team is not None:
            note(job.team, kind, by, job=job)


def forget_old() -> int:
    """Removes what is older than AUDIT_DAYS. Returns how many entries that were."""
    past = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    return TeamEvent.objects.filter(at__lt=past).delete()[0]
