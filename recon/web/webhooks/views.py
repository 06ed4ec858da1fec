"""The page of a person's webhooks. Each view's docstring says what the template is given."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from instarecon_site import wrong_fields
from instarecon_site.form_addresses import form_on
from recon.jobs.webhooks import deliveries, posting
from recon.models import Delivery, Webhook
from recon.web.access import NotThere, signed_in
from recon.web.webhooks.forms import WebhookForm

SHOWN = 20  # deliveries

_FAULTS = {
    posting.WRONG: _("the address is wrong"),
    posting.UNKNOWN: _("there is no such host"),
    posting.INSIDE: _("the address is in a private network"),
    posting.NO_ANSWER: _("nothing answered in time"),
}


@require_safe
@signed_in
@never_cache
def webhooks(request: SignedInRequest) -> HttpResponse:
    """recon/webhooks.html: `webhooks` (url), `form` (url), `log` of deliveries (`delivery`; its
    chip's class `state` and text `said`; `why`), and once after one was made `made`, with its
    `secret`."""
    return _page(request, WebhookForm(owner=request.user))


@form_on("recon:webhooks")
@signed_in
def create(request: SignedInRequest) -> HttpResponse:
    """Answers with the page itself: the secret is shown nowhere else."""
    form = WebhookForm(request.POST, owner=request.user)
    if not form.is_valid():
        wrong_fields.focus_first(form)
        return _page(request, form, status=400)
    return _page(request, WebhookForm(owner=request.user), made=form.save())


@form_on("recon:webhooks")
@signed_in
def test(request: SignedInRequest, number: int) -> HttpResponse:
    deliveries.test(_own(request, number))
    messages.success(request, gettext("The test is on its way. Reload to see how it went."))
    return redirect("recon:webhooks")


@form_on("recon:webhooks")
@signed_in
def remove(request: SignedInRequest, number: int) -> HttpResponse:
    _own(request, number).delete()
    messages.success(request, gettext("The webhook was removed."))
    return redirect("recon:webhooks")


def _page(
    request: SignedInRequest, form: WebhookForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    mine = Webhook.objects.filter(owner=request.user)
    sent = Delivery.objects.filter(webhook__owner=request.user).select_related("webhook")[:SHOWN]
    log = [{"delivery": one, **state_of(one)} for one in sent]
    context = {"webhooks": mine, "form": form, "log": log, **more}
    return render(request, "recon/webhooks.html", context, status=status)


def state_of(delivery: Delivery) -> dict[str, str]:
    """How it went, for a person: the class of its chip, its text, and why, if not well."""
    if delivery.taken_at:
        said = gettext("taken ({status})").format(status=delivery.status)
        return {"state": "good", "said": said, "why": ""}
    if not delivery.tries:
        return {"state": "processing", "said": gettext("on its way"), "why": ""}
    why = _FAULTS.get(delivery.fault) or gettext("answered with {status}").format(
        status=delivery.status
    )
    if delivery.is_over:
        return {"state": "failed", "said": gettext("given up"), "why": str(why)}
    return {"state": "usable", "said": gettext("to be sent again"), "why": str(why)}


def _own(request: SignedInRequest, number: int) -> Webhook:
    hook = Webhook.objects.filter(owner=request.user, pk=number).first()
    if hook is None:
        raise NotThere(gettext("You have no such webhook."))
    return hook
