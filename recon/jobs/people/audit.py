"""The audit log: which of the staff opened or changed somebody else's scene, or changed how they
sign in, and when.

It is written before anything is shown: if it can't be logged, it is not opened.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from recon.models import AuditEntry, Job

#: A page that asks for the same again and again, as one that follows a job does, is one entry.
SAME_LOOK = timedelta(minutes=10)


def note(person: User, job: Job, *, action: str, method: str, address: str = "") -> None:
    """`person` is about to see or change `job`, which is somebody else's. `action` names the page
    or file; each change is an entry, and each look that is not still the same one."""
    now = timezone.now()
    facts = {"person": person, "job_id": job.pk, "action": action[:200], "method": method}
    is_look = method in ("GET", "HEAD")
    if is_look and AuditEntry.objects.filter(**facts, at__gt=now - SAME_LOOK).exists():
        return
    AuditEntry.objects.create(
        **facts, at=now, person_email=person.email, owner_id=job.owner_id, address=address
    )


def note_account(person: User, owner: User, *, action: str, address: str = "") -> None:
    """`person` is about to change `owner`'s account."""
    facts = {"person": person, "person_email": person.email, "owner": owner, "address": address}
    AuditEntry.objects.create(**facts, at=timezone.now(), action=action[:200], method="POST")


def forget_old() -> int:
    """Removes what is older than AUDIT_DAYS. Returns how many entries that were."""
    past = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    return AuditEntry.objects.filter(at__lt=past).delete()[0]
