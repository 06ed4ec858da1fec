"""Invitations into teams: made, mailed, taken, withdrawn.

A link is for whoever opens it, once, and may be handed on by any means. Where it was made for an
address and the site can send mail, it is mailed: by the worker, from the row, and by `reconcile`
where the queue was down. Whether there is an account with an address is told to nobody: the answer
is the same, and who has one finds the invitation on their page of teams.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import languages, sign_in_limits, throttling, time_zones
from accounts.models import User
from accounts.throttling import HOUR, Counter, Limit
from instarecon_site import queues
from recon.jobs.people import quotas, team_log
from recon.jobs.people.team_log import Kind
from recon.jobs.teams import members
from recon.models import Team, TeamInvitation

logger = logging.getLogger(__name__)

QUEUE = "mail"
TASK = "recon.jobs.teams.invitations.send_waiting"

#: Open ones of one team.
MOST = 50
#: Made by one person.
MADE_BY_ONE = Limit("team_invitations", 30, HOUR)

MOST_TRIES = 6
#: Before the second try; each later pause is twice as long.
PAUSE = timedelta(minutes=1)
OVERDUE = timedelta(seconds=45)
#: How long one that is over is kept, so that the team sees that nobody came.
SHOWN_FOR = timedelta(days=14)


class TooManyOpen(Exception):
    """A team has invited as many as it may at a time."""


@transaction.atomic
def invite(team: Team, *, email: str, role: str, by: User) -> TeamInvitation:
    """An invitation for `email`; for nobody in particular where that is empty. One for the same
    address takes the place of an earlier one. Raises TooManyOpen, throttling.TooMany,
    UserError("team_closing").
    """
    quotas.lock_team(team.pk)
    earlier = team.invitations.filter(email__iexact=email) if email else team.invitations.none()
    earlier.delete()
    if TeamInvitation.open_ones().filter(team=team).count() >= MOST:
        raise TooManyOpen
    throttling.spend([Counter(MADE_BY_ONE, str(by.pk))])
    made = TeamInvitation.objects.create(
        team=team,
        role=role,
        email=email,
        user=User.objects.filter(email__iexact=email, is_active=True).first() if email else None,
        created_by=by,
        mail_due_at=timezone.now() if email and _may_mail(email) else None,
    )
    team_log.note(team, Kind.INVITED, by, whom=email, role=role)
    if made.mail_due_at:
        transaction.on_commit(_call_worker)
    return made


def waiting_for(user: User) -> list[TeamInvitation]:
    """Those that this person can accept or decline on their page."""
    found = TeamInvitation.open_ones().filter(user=user)
    return list(found.select_related("team", "created_by"))


@transaction.atomic
def accept(invitation: TeamInvitation, user: User) -> bool:
    """Uses it up. False where somebody has done so meanwhile; who is in the team already keeps
    their role, and the invitation. Raises UserError("team_closing")."""
    team = quotas.lock_team(invitation.team_id)
    if team.memberships.filter(user=user).exists():
        return True
    mine = TeamInvitation.open_ones().filter(pk=invitation.pk)
    if not mine.exists():
        return False
    mine.delete()
    return members.join(team, user, invitation.role)


@transaction.atomic
def decline(invitation: TeamInvitation, user: User) -> None:
    """By the person whom it was made for."""
    if invitation.user_id == user.pk and _delete(invitation):
        team_log.note(invitation.team, Kind.DECLINED, user)


@transaction.atomic
def withdraw(team: Team, pk: int, *, by: User) -> bool:
    """False where it is gone already."""
    found = team.invitations.filter(pk=pk).first()
    if found is None or not _delete(found):
        return False
    team_log.note(team, Kind.WITHDRAWN, by, whom=found.email)
    return True


def send_waiting(*, overdue_only: bool = False) -> int:
    """The task: sends the mails whose time has come. Returns how many. Several may run at once."""
    until = timezone.now() - (OVERDUE if overdue_only else timedelta())
    due = TeamInvitation.open_ones().filter(mail_due_at__lte=until)
    due = due.select_related("team", "created_by", "user")
    return sum(_send(one) for one in due if _claim(one))


def remove_old() -> int:
    """Removes those that have been over for a while. Returns how many."""
    return TeamInvitation.objects.filter(ends_at__lt=timezone.now() - SHOWN_FOR).delete()[0]


def _delete(invitation: TeamInvitation) -> bool:
    return bool(TeamInvitation.objects.filter(pk=invitation.pk).delete()[0])


def _may_mail(email: str) -> bool:
    """Whether the site can, and the address has not had too many mails; nobody is told which."""
    if not settings.MAIL_IS_SET_UP:
        return False
    try:
        throttling.spend(sign_in_limits.mails_to(email))
    except throttling.TooMany as error:
        logger.warning("An invitation is not mailed: %s", error)
        return False
    return True


def _claim(invitation: TeamInvitation) -> bool:
    """Whether this process is to send it. One that dies while it does tries again by itself."""
    tries = invitation.mail_tries
    mine = TeamInvitation.objects.filter(pk=invitation.pk, mail_tries=tries)
    later = None if tries + 1 >= MOST_TRIES else timezone.now() + PAUSE * 2**tries
    return bool(mine.update(mail_tries=F("mail_tries") + 1, mail_due_at=later))


def _send(invitation: TeamInvitation) -> bool:
    by, to = invitation.created_by, invitation.user
    context = {"invitation": invitation, "team": invitation.team, "by": by}
    reader = to or by  # who has no account yet probably speaks the language of who asks
    with (
        languages.use_language(reader.language if reader else ""),
        time_zones.use_zone(reader.time_zone if reader else ""),
    ):
        subject = render_to_string("recon/team_invitation_subject.txt", context)
        text = render_to_string("recon/team_invitation_email.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [invitation.email])
    except (SMTPException, OSError) as error:
        logger.warning("Invitation %s could not be mailed: %s", invitation.pk, error)
        return False
    TeamInvitation.objects.filter(pk=invitation.pk).update(mail_due_at=None)
    return True


def _call_worker() -> None:
    """Where the queue is away, `reconcile` sends them."""
    queues.enqueue(QUEUE, TASK, description="invitations into teams")
