"""What happened to a person's scenes, sent to their webhooks: signed, and again until it is taken.

A delivery is a row of the transaction that ends the job, so there is one for each end. A worker
sends it; where the queue is down, `reconcile` does within about a minute. Each try is claimed by
its number, so several workers send it once. It may still arrive twice, where an answer is lost:
its id stays the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

import recon
from instarecon_site import queues
from recon.jobs.webhooks import posting
from recon.models import Delivery, Job, Webhook

Event = Delivery.Event

QUEUE = "mail"  # short work that the checks' worker does first
TASK = "recon.jobs.webhooks.deliveries.send_waiting"

MOST_TRIES = 8
#: Before the second try; each later pause is twice as long: about two hours in all.
PAUSE = timedelta(minutes=1)
OVERDUE = timedelta(seconds=45)
#: How long the log is kept.
LOG_KEPT = timedelta(days=30)


def job_ended(job_pk: UUID | str) -> None:
    """Call it in the transaction that completes or fails the job."""
    job = Job.objects.with_rows().select_related("owner").get(pk=job_pk)
    hooks = Webhook.objects.filter(owner=job.owner)
    if job.owner.is_active and hooks.exists():
        _ask(hooks, Event.COMPLETED if job.is_completed else Event.FAILED, job)


def test(webhook: Webhook) -> Delivery:
    """Has a test sent, once; the row says how it went."""
    (delivery,) = _ask([webhook], Event.TEST, None)
    return delivery


def send_waiting(*, overdue_only: bool = False) -> int:
    """The task: sends what is due. Returns how many were taken."""
    until = timezone.now() - (OVERDUE if overdue_only else timedelta())
    due = Delivery.objects.select_related("webhook").filter(next_try_at__lte=until)
    return sum(_send(delivery) for delivery in due.order_by("pk") if _claim(delivery))


def remove_old() -> int:
    """Removes what is older than the log is kept. Returns how many."""
    return Delivery.objects.filter(created_at__lt=timezone.now() - LOG_KEPT).delete()[0]


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """As Standard Webhooks (standardwebhooks.com) signs: HMAC-SHA256 of id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _ask(hooks: Iterable[Webhook], event: Delivery.Event, job: Job | None) -> list[Delivery]:
    body = json.dumps(_told(event, job), ensure_ascii=False)
    rows = [Delivery.objects.create(webhook=hook, event=event, body=body) for hook in hooks]
    transaction.on_commit(_call_worker)
    return rows


def _told(event: Delivery.Event, job: Job | None) -> dict[str, object]:
    """What a receiver may want to know before it asks the API."""
    told: dict[str, object] = {"type": event.value, "timestamp": timezone.now().isoformat()}
    if job is None:
        return told | {"data": {}}
    data = {
        "job_id": str(job.pk),
        "title": job.title,
        "status": job.status,
        "error_code": job.error_code or None,
        "url": f"{settings.BASE_URL.rstrip('/')}/api/v1/jobs/{job.pk}",
    }
    return told | {"data": data}


def _claim(delivery: Delivery) -> bool:
    """Whether this process is to send it. One that dies while it does tries again by itself."""
    mine = Delivery.objects.filter(pk=delivery.pk, tries=delivery.tries)
    later = timezone.now() + PAUSE * 2**delivery.tries
    return bool(mine.update(tries=F("tries") + 1, next_try_at=later))


def _send(delivery: Delivery) -> bool:
    now = timezone.now()
    message_id, timestamp = f"msg_{delivery.pk}", int(now.timestamp())
    hook = delivery.webhook
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"InstaRecon3D/{recon.__version__}",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": signature(hook.secret, message_id, timestamp, delivery.body),
    }
    status, fault = None, ""
    try:
        status = posting.post(hook.url, delivery.body.encode(), headers)
    except posting.NotPosted as error:
        fault = error.reason
    is_taken = status is not None and 200 <= status < 300
    tries_once = delivery.event == Event.TEST or status == 410  # gone, as its owner says
    changes: dict[str, object] = {"status": status, "fault": fault}
    if is_taken:
        changes |= {"taken_at": now, "next_try_at": None}
    elif tries_once or delivery.tries + 1 >= MOST_TRIES:
        changes["next_try_at"] = None
    Delivery.objects.filter(pk=delivery.pk).update(**changes)
    return is_taken


def _call_worker() -> None:
    """Where the queue is away, `reconcile` sends them."""
    queues.enqueue(QUEUE, TASK, description="news for webhooks")
