"""Webhooks: addresses that are told when a scene has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from ninja import Router, Schema
from pydantic import Field

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.v1.callers import Body, Token
from recon.api.v1.job_facts import absolute
from recon.api.v1.photos import RowId
from recon.api.v1.problems import FieldsRefused, Refused
from recon.api.v1.schemas.sent import STORABLE, Sent
from recon.jobs.webhooks import deliveries
from recon.models import Delivery, Webhook
from recon.web.webhooks.forms import WebhookForm

router = Router(tags=["webhooks"])

LOG_LENGTH = 50  # deliveries


class WebhookSent(Sent):
    """A new webhook."""

    url: Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)]


class WebhookFacts(Schema):
    """An address that is told when a scene has ended."""

    webhook_id: int
    url: str
    created_at: datetime


class NewWebhook(WebhookFacts):
    """One that was just made."""

    secret: str = Field(description="Checks signatures. It is shown once.")


class Webhooks(Schema):
    """The caller's webhooks."""

    items: list[WebhookFacts]


class DeliveryFacts(Schema):
    """One event that was sent, or is to be sent."""

    delivery_id: int
    event: str
    created_at: datetime
    tries: int
    status: int | None = Field(description="Of the last answer.")
    fault: str | None = Field(description="Why there was none.")
    taken_at: datetime | None = Field(description="When it was answered with 2xx.")
    next_try_at: datetime | None


class Deliveries(Schema):
    """The last ones, the newest first."""

    items: list[DeliveryFacts]


@router.get("/webhooks", auth=Token(Scope.MANAGE), response=Webhooks)
def list_webhooks(request: SignedInRequest) -> Webhooks:
    """Your webhooks."""
    rows = Webhook.objects.filter(owner=request.user)
    return Webhooks(items=[WebhookFacts(**_facts(one)) for one in rows])


@router.post(
    "/webhooks", auth=Token(Scope.MANAGE, Body.JSON, once=True), response={201: NewWebhook}
)
def create_webhook(
    request: SignedInRequest, response: HttpResponse, sent: WebhookSent
) -> NewWebhook:
    """Makes a webhook. Its secret is shown in this answer and never again."""
    form = WebhookForm(sent.model_dump(), owner=request.user)
    if not form.is_valid():
        raise FieldsRefused.of_form(form)
    made = form.save()
    response["Location"] = absolute(reverse("v1:list_deliveries", args=(made.pk,)))
    return NewWebhook(**_facts(made), secret=made.secret)


@router.delete("/webhooks/{int:webhook_id}", auth=Token(Scope.MANAGE), response={204: None})
def delete_webhook(request: SignedInRequest, webhook_id: RowId) -> None:
    """Removes a webhook, with its log."""
    _own(request, webhook_id).delete()


@router.post(
    "/webhooks/{int:webhook_id}/test", auth=Token(Scope.MANAGE), response={202: DeliveryFacts}
)
def test_webhook(
    request: SignedInRequest, response: HttpResponse, webhook_id: RowId
) -> DeliveryFacts:
    """Sends a test, once. The log says how it went."""
    hook = _own(request, webhook_id)
    response["Location"] = absolute(reverse("v1:list_deliveries", args=(hook.pk,)))
    return _delivery(deliveries.test(hook))


@router.get("/webhooks/{int:webhook_id}/deliveries", auth=Token(Scope.MANAGE), response=Deliveries)
def list_deliveries(request: SignedInRequest, webhook_id: RowId) -> Deliveries:
    """What was sent to a webhook, and how that went."""
    rows = _own(request, webhook_id).deliveries.all()[:LOG_LENGTH]
    return Deliveries(items=[_delivery(one) for one in rows])


def _own(request: SignedInRequest, pk: int) -> Webhook:
    hook = Webhook.objects.filter(owner=request.user, pk=pk).first()
    if hook is None:
        raise Refused(404, "no_such_webhook", gettext("You have no such webhook."))
    return hook


def _facts(hook: Webhook) -> dict[str, Any]:
    return {"webhook_id": hook.pk, "url": hook.url, "created_at": hook.created_at}


def _delivery(one: Delivery) -> DeliveryFacts:
    return DeliveryFacts(
        delivery_id=one.pk,
        event=one.event,
        created_at=one.created_at,
        tries=one.tries,
        status=one.status,
        fault=one.fault or None,
        taken_at=one.taken_at,
        next_try_at=one.next_try_at,
    )
