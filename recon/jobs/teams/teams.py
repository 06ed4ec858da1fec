"""Teams: made, renamed, deleted.

A team that is being deleted is closed first: nothing can be added to it (`quotas.lock_team`), and
nobody finds it any more. Then its scenes are cancelled and deleted as any scene is, including those
that a worker holds. If a crash interrupts that, `reconcile` finishes it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from recon.jobs import deletion, lifecycle
from recon.jobs.people import quotas, team_log
from recon.jobs.people.team_log import Kind
from recon.models import Job, Membership, Team
from recon.pipeline.errors import UserError

logger = logging.getLogger(__name__)

#: A deletion that has not ended after this long was interrupted.
PATIENCE = timedelta(minutes=10)


@transaction.atomic
def create(user: User, *, name: str, handle: str) -> Team:
    """A new team with one owner. Raises UserError("too_many_teams"): with many teams one person
    would have many times what one may store."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    owned = Membership.objects.filter(user=user, role=Membership.Role.OWNER)
    if not user.is_staff and owned.count() >= settings.MAX_TEAMS:
        raise UserError("too_many_teams", limit=settings.MAX_TEAMS)
    team = Team.objects.create(name=name, handle=handle)
    Membership.objects.create(team=team, user=user, role=Membership.Role.OWNER)
    team_log.note(team, Kind.TEAM_MADE, user, name=name)
    return team


@transaction.atomic
def change(team: Team, *, name: str, handle: str, by: User) -> None:
    """Another name or address. Raises UserError("team_closing")."""
    locked = quotas.lock_team(team.pk)
    if (locked.name, locked.handle) == (name, handle):
        return
    team.name, team.handle = name, handle
    team.save(update_fields=("name", "handle"))
    team_log.note(
        team, Kind.TEAM_CHANGED, by,
        name=name, handle=handle, was=locked.name, was_handle=locked.handle,
    )  # fmt: skip


def delete(team: Team, *, by: User) -> None:
    """With all its scenes. A second click finds it closed. `by`: an owner, or staff."""
    if _close(team, by):
        _finish(team)


def finish_forgotten() -> int:
    """Finishes interrupted deletions. Returns how many."""
    forgotten = Team.objects.filter(closing_since__lt=timezone.now() - PATIENCE)
    for team in forgotten:
        _finish(team)
    return len(forgotten)


@transaction.atomic
def _close(team: Team, by: User) -> bool:
    """False where somebody has closed it already."""
    try:
        locked = quotas.lock_team(team.pk)
    except UserError:
        return False
    locked.closing_since = timezone.now()
    locked.save(update_fields=("closing_since",))
    team_log.note(team, Kind.TEAM_DELETED, by, name=team.name)
    return True


def _finish(team: Team) -> None:
    jobs = Job.objects.filter(team=team)
    for job in jobs.filter(status__in=Job.ACTIVE):
        lifecycle.cancel(job)  # all first: their horses stop while we wait for one
    for job in jobs:
        deletion.delete(job)
    number = team.pk
    team.delete()
    logger.info("Team %s was deleted with its scenes", number)
