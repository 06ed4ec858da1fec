"""Deletes an account and everything that belongs to it.

First the account is closed: nobody can sign in to it, its tokens and sessions end, it is in no team
any more, and nothing can be added (`quotas.lock_account`). What it has in teams stays there. Then
its own jobs are cancelled and deleted as any job is, including those that a worker holds. If a
crash interrupts that, `reconcile` finishes it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, Letter, User
from recon.jobs import deletion, lifecycle
from recon.jobs.teams import members
from recon.models import Job
from recon.pipeline.errors import UserError

logger = logging.getLogger(__name__)

#: A deletion that has not ended after this long was interrupted.
PATIENCE = timedelta(minutes=10)


def delete_account(user: User) -> None:
    """Raises UserError: last_superuser, last_team_owner, with nothing changed. A second click
    finds it closed."""
    if _close(user):
        _finish(user)


def finish_forgotten() -> int:
    """Finishes interrupted deletions. Returns how many."""
    forgotten = User.objects.filter(leaving_since__lt=timezone.now() - PATIENCE)
    for user in forgotten:
        _finish(user)
    return len(forgotten)


@transaction.atomic
def _close(user: User) -> bool:
    """False where somebody has closed it already.

    If the last two superusers leave at once, one is told to stay: their rows are locked."""
    members.lock_scenes_of(user)
    if user.is_superuser:
        superusers = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
        if {one.pk for one in superusers.select_for_update(no_key=True)} <= {user.pk}:
            raise UserError("last_superuser")
    rows = User.objects.select_for_update(no_key=True)
    if not rows.filter(pk=user.pk, leaving_since=None).exists():
        return False
    members.leave_all(user)
    user.is_active = False
    user.leaving_since = timezone.now()
    user.set_unusable_password()
    user.gallery_open = False
    user.save(update_fields=("is_active", "leaving_since", "password", "gallery_open"))
    ApiToken.objects.filter(user=user).delete()
    return True


def _finish(user: User) -> None:
    jobs = Job.objects.filter(owner=user)  # its own, and those of teams that are being deleted
    for job in jobs.filter(status__in=Job.ACTIVE):
        lifecycle.cancel(job)  # all first: their horses stop while we wait for one
    for job in jobs:
        deletion.delete(job)
    _forget_sessions(user)
    Letter.objects.filter(email__iexact=user.email).delete()
    number = user.pk
    user.delete()
    logger.info("Account %s was deleted as its owner wished", number)


def _forget_sessions(user: User) -> None:
    """A session's owner is inside its signed data, so each is looked into."""
    key = str(user.pk)
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == key:
            session.delete()
