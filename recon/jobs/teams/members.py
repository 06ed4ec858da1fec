"""Who is in a team. An owner is always left, and a team's scenes always belong to a member.

Whatever changes who is in a team locks its row first (`quotas.lock_team`), as whatever adds a scene
does. So of two owners who leave at once one is told to stay, and nobody who has left gets a scene.
Locks are taken in this order everywhere: scenes, people, teams.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Case, Value, When

from accounts.models import User
from recon.jobs.people import quotas, team_log
from recon.jobs.people.team_log import Kind
from recon.models import Job, Membership, Notice, Team
from recon.pipeline.errors import UserError

Role = Membership.Role


def membership_of(user: User, handle: str) -> Membership | None:
    """The person's place in the team at this address; None where they have none."""
    found = Membership.objects.filter(user=user, team__handle=handle, team__closing_since=None)
    return found.select_related("team").first()


def memberships_of(user: User) -> list[Membership]:
    """The person's teams, in alphabetical order."""
    found = Membership.objects.filter(user=user, team__closing_since=None)
    return list(found.select_related("team").order_by("team__name", "team__pk"))


def only_looks(user: User, job: Job) -> bool:
    """Whether the job is a team's in which the person is no more than a viewer."""
    if job.team_id is None:
        return False
    return Membership.objects.filter(team=job.team_id, user=user, role=Role.VIEWER).exists()


def in_order(team: Team) -> list[Membership]:
    """Everybody in the team: its owners, its editors, its viewers, each in order of joining."""
    ranks = [When(role=role, then=Value(rank)) for rank, role in enumerate(Role.values)]
    return list(team.memberships.select_related("user").order_by(Case(*ranks), "joined_at", "pk"))


@transaction.atomic
def join(team: Team, user: User, role: str) -> bool:
    """False where they are in the team already: their role stays. Raises
    UserError("team_closing")."""
    quotas.lock_team(team.pk)
    _, is_new = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if is_new:
        team_log.note(team, Kind.JOINED, user, role=role)
    return is_new


@transaction.atomic
def change_role(team: Team, user_pk: int, role: str, *, by: User) -> Membership | None:
    """None where they have left. Raises UserError: last_team_owner, team_closing."""
    member = _locked(team, user_pk)
    if member is None or member.role == role:
        return member
    if member.is_owner:
        _check_owner_left(team, member.user)
    was, member.role = member.role, Role(role)
    member.save(update_fields=("role",))
    team_log.note(team, Kind.ROLE_CHANGED, by, whom=member.user.email, was=was, role=role)
    return member


@transaction.atomic
def remove(team: Team, user_pk: int, *, by: User) -> Membership | None:
    """Takes somebody out of the team. Their scenes there belong to `by` then; who leaves by
    themselves leaves theirs to the team's longest-standing owner.

    None where they have left. Raises UserError: last_team_owner, team_closing.
    """
    _lock_scenes(user_pk, [team])
    member = _locked(team, user_pk)
    if member is None:
        return None
    if member.is_owner:
        _check_owner_left(team, member.user)
    heir = by if by.pk != user_pk else _first_owner(team, but=by)
    member.delete()
    Notice.objects.filter(user=user_pk, job__team=team).delete()  # it names scenes
    Job.objects.filter(team=team, owner=user_pk).update(owner=heir)
    if by.pk == user_pk:
        team_log.note(team, Kind.LEFT, by)
    else:
        team_log.note(team, Kind.REMOVED, by, whom=member.user.email)
    return member


def leave_all(user: User) -> None:
    """For an account that is deleted: its scenes in teams stay there. Call it in a transaction,
    after `lock_scenes_of`.

    Raises UserError("last_team_owner"), with the names of all teams that would have no owner.
    """
    teams = list(
        Team.objects.filter(memberships__user=user, closing_since=None)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    owned = set(
        Membership.objects.filter(user=user, role=Role.OWNER).values_list("team", flat=True)
    )
    alone = [team.name for team in teams if team.pk in owned and not _others_own(team, user)]
    if alone:
        raise UserError("last_team_owner", names=", ".join(f"“{name}”" for name in sorted(alone)))
    for team in teams:
        remove(team, user.pk, by=user)


def _locked(team: Team, user_pk: int) -> Membership | None:
    quotas.lock_team(team.pk)
    return team.memberships.select_related("user").filter(user=user_pk).first()


def lock_scenes_of(user: User) -> None:
    """Locks the person's scenes in teams."""
    _lock_scenes(user.pk, Team.objects.filter(memberships__user=user))


def _lock_scenes(user_pk: int, teams: Iterable[Team]) -> None:
    """Before their teams, as whatever starts a scene does: otherwise each could wait for the
    other."""
    theirs = Job.objects.filter(team__in=teams, owner=user_pk).order_by("pk")
    list(theirs.select_for_update(no_key=True).values_list("pk", flat=True))


def _check_owner_left(team: Team, user: User) -> None:
    """Raises UserError("last_team_owner") where `user` is the only owner."""
    if not _others_own(team, user):
        raise UserError("last_team_owner", names=f"“{team.name}”")


def _others_own(team: Team, user: User) -> bool:
    """Whether somebody else can manage the team: an account that is switched off can't."""
    owners = team.memberships.filter(role=Role.OWNER, user__is_active=True)
    return owners.exclude(user=user).exists()


def _first_owner(team: Team, *, but: User) -> User:
    owners = team.memberships.filter(role=Role.OWNER).exclude(user=but)
    first = owners.select_related("user").order_by("-user__is_active", "joined_at", "pk").first()
    if first is None:
        raise UserError("last_team_owner", names=f"“{team.name}”")
    return first.user
