"""Scenes that are deleted for their age: some days before, their owners are told and may keep them.

Off unless RETENTION_DAYS is set. A scene's age counts from its end. None is deleted unless its
owner has had a notice about it for RETENTION_WARNING_DAYS; so on a site that sets RETENTION_DAYS
later, everybody has that time too. `reconcile` does both.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import languages, time_zones
from accounts.models import User
from recon.jobs import deletion
from recon.models import Job, Notice

logger = logging.getLogger(__name__)

#: Scenes that one round deletes, and people whom one tells, at most.
AT_ONCE = 50


def is_on() -> bool:
    return settings.RETENTION_DAYS is not None


def apply() -> int:
    """Tells people and deletes what is due. Returns how many scenes were deleted."""
    if not is_on():
        return 0
    warn()
    return sum(delete_due(job) for job in scenes_due()[:AT_ONCE])


def delete_at(job: Job) -> datetime | None:
    """When the scene is deleted if nobody keeps it; None if it is not going to be."""
    if not is_on() or job.is_kept or not job.has_ended or job.completed_at is None:
        return None
    told = _warnings().filter(job=job, created_at__gt=job.completed_at).first()
    told_at = told.created_at if told else max(timezone.now(), job.completed_at + _until_warning())
    return max(job.completed_at + _days(), told_at + _notice())


def keep(job: Job, *, is_kept: bool) -> None:
    """Its owner keeps the scene, or does so no longer: then it is announced anew before it goes."""
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(is_kept=is_kept)
        _warnings().filter(job=job).delete()
    job.is_kept = is_kept


def scenes_due() -> QuerySet[Job]:
    """The scenes whose time is over, the oldest first."""
    if not is_on():
        return Job.objects.none()
    told = _warnings().filter(
        job=OuterRef("pk"),
        created_at__gt=OuterRef("completed_at"),
        created_at__lte=timezone.now() - _notice(),
    )
    return _older_than(_days()).filter(Exists(told))


def delete_due(job: Job) -> bool:
    """Deletes the scene, unless it was kept or deleted meanwhile."""
    if not scenes_due().filter(pk=job.pk).exists():
        return False
    logger.info("Scene %s ended more than %s days ago; deleted", job.pk, settings.RETENTION_DAYS)
    deletion.delete(job)
    return True


def warn() -> int:
    """Tells the owners of scenes that are due soon, once for each. Returns how many scenes."""
    owners = _untold().order_by("owner_id").values_list("owner_id", flat=True).distinct()
    return sum(_warn_owner(owner) for owner in list(owners[:AT_ONCE]))


def _warn_owner(owner_pk: int) -> int:
    with transaction.atomic():
        # Two rounds at once would tell them twice.
        owner = User.objects.select_for_update().get(pk=owner_pk)
        jobs = list(_untold().filter(owner=owner))
        Notice.objects.bulk_create(
            Notice(user=owner, job=job, kind=Notice.Kind.EXPIRES) for job in jobs
        )
        # Whether or not they want mails when a scene is done: this one they can't do without.
        if jobs and settings.MAIL_IS_SET_UP and owner.is_active:
            transaction.on_commit(partial(_send_mail, owner, jobs))
    return len(jobs)


def _send_mail(owner: User, jobs: Sequence[Job]) -> None:
    with languages.use_language(owner.language), time_zones.use_zone(owner.time_zone):
        context = {"jobs": jobs, "base_url": settings.BASE_URL, "first": delete_at(jobs[0])}
        subject = render_to_string("recon/scenes_expire_subject.txt", context).strip()
        text = render_to_string("recon/scenes_expire_email.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [owner.email])
    except (SMTPException, OSError) as error:
        logger.warning("The mail about scenes of account %s was not sent: %s", owner.pk, error)


def _untold() -> QuerySet[Job]:
    """The scenes that are due soon and whose owners don't know, the oldest first."""
    told = _warnings().filter(job=OuterRef("pk"), created_at__gt=OuterRef("completed_at"))
    return _older_than(_until_warning()).exclude(Exists(told))


def _older_than(age: timedelta) -> QuerySet[Job]:
    ended = Job.objects.filter(status__in=Job.ENDED, is_kept=False)
    return ended.filter(completed_at__lte=timezone.now() - age).order_by(F("completed_at"), "pk")


def _warnings() -> QuerySet[Notice]:
    return Notice.objects.filter(kind=Notice.Kind.EXPIRES)


def _days() -> timedelta:
    return timedelta(days=settings.RETENTION_DAYS or 0)


def _notice() -> timedelta:
    return timedelta(days=settings.RETENTION_WARNING_DAYS)


def _until_warning() -> timedelta:
    return max(_days() - _notice(), timedelta(0))
