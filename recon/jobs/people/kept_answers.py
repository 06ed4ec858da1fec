"""Requests that a program sends again because it heard no answer: done once, answered the same.

A key is claimed by a row before the work, and the row keeps the answer after it. Only answers to
what was done are kept: what was refused changed nothing, and may be asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from recon.models import KeptAnswer

KEEP_FOR = timedelta(hours=24)
#: After this a claim without an answer counts as one whose process is gone.
AT_WORK = timedelta(minutes=10)


class InProgress(Exception):
    """The first request with this key is still at work."""


class AnotherRequest(Exception):
    """The key belongs to a request that was not the same."""


def claim(owner: User, key: str, fingerprint: str) -> tuple[KeptAnswer, bool]:
    """The row of the key, and whether it is new: then the caller is to do the work, and to `keep`
    or `release` it. Raises InProgress, AnotherRequest."""
    now = timezone.now()
    rows = KeptAnswer.objects.filter(owner=owner, key=key)
    rows.filter(created_at__lt=now - KEEP_FOR).delete()
    rows.filter(status=None, created_at__lt=now - AT_WORK).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(owner=owner, key=key, fingerprint=fingerprint), True
    except IntegrityError:
        answer = rows.first()
    if answer is None:  # released just now
        raise InProgress
    if answer.fingerprint != fingerprint:
        raise AnotherRequest
    if answer.status is None:
        raise InProgress
    return answer, False


def keep(claimed: KeptAnswer, status: int, headers: Mapping[str, str], body: str) -> None:
    rows = KeptAnswer.objects.filter(pk=claimed.pk)
    rows.update(status=status, headers=dict(headers), body=body)


def release(claimed: KeptAnswer) -> None:
    """Nothing was done: the key may be used again."""
    KeptAnswer.objects.filter(pk=claimed.pk).delete()


def remove_old() -> int:
    """Forgets what has been kept for long enough. Returns how many."""
    removed, _ = KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEEP_FOR).delete()
    return removed
