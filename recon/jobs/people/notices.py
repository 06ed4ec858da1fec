"""Tells people that a scene of theirs has ended: on the site, and by mail where they want it.

A notice is a row of the transaction that ends the job, so there is exactly one for each end. The
mail goes out after the commit; one that can't be sent is logged, and the notice is there anyway.
"""

from __future__ import annotations

import logging
from functools import partial
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import languages, time_zones
from accounts.models import User
from recon.models import Job, Notice, TeamInvitation

logger = logging.getLogger(__name__)


def job_ended(job_pk: UUID | str) -> None:
    """Call it in the transaction that completes or fails the job. Whoever cancels a job knows
    anyway.
    """
    job = Job.objects.select_related("owner").get(pk=job_pk)
    Notice.objects.create(user=job.owner, job=job)
    if settings.MAIL_IS_SET_UP and job.owner.mail_when_done and job.owner.is_active:
        transaction.on_commit(partial(_send_mail, job))


def unread_count(user: User) -> int:
    """Unread notices, and invitations into teams that wait for an answer."""
    unread = Notice.objects.filter(user=user, read_at=None).order_by().values("pk")
    invitations = TeamInvitation.open_ones().filter(user=user).order_by().values("pk")
    return unread.union(invitations, all=True).count()  # one query: every page asks this


def has_unread(user: User, job: Job) -> bool:
    """Whether the person has yet to read a notice about this job."""
    return Notice.objects.filter(user=user, job=job, read_at=None).exists()


def mark_read(user: User, job: Job | None = None) -> None:
    """Marks all notices of `user` as read, or those about one job."""
    unread = Notice.objects.filter(user=user, read_at=None)
    if job is not None:
        unread = unread.filter(job=job)
    unread.update(read_at=timezone.now())


def _send_mail(job: Job) -> None:
    context = {"job": job, "url": settings.BASE_URL + job.get_absolute_url()}
    with languages.use_language(job.owner.language), time_zones.use_zone(job.owner.time_zone):
        subject = render_to_string("recon/job_ended_subject.txt", context).strip()
        text = render_to_string("recon/job_ended_email.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [job.owner.email])
    except (SMTPException, OSError) as error:
        logger.warning("The mail about job %s could not be sent: %s", job.pk, error)
