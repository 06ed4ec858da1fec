"""What an owner does about sharing: the switch, a password, an expiry, the QR code, title and
text."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from instarecon_site import wrong_fields
from recon.jobs import sharing, tags, titles
from recon.models import Job
from recon.web.access import NotThere, own_job_or_404, prefers_json, signed_in
from recon.web.job.page import acts_on_job, page, refuse
from recon.web.scene import share_url
from recon.web.sharing.forms import ABOUT_ID, AboutForm, LinkForm, OfferForm, sentences

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


NOT_YET = _("A scene can be shared once it has been started.")


@acts_on_job
def switch(request: SignedInRequest, job: Job) -> HttpResponse:
    """`shared`: "on", "off", or "new" for a new link that ends the old one for good."""
    wish = request.POST.get("shared", "")
    if job.is_draft:
        return refuse(request, job, [str(NOT_YET)], 409)
    if wish not in SWITCHES:
        return refuse(request, job, [gettext("Sharing can be switched on or off.")], 400)
    act, sentence = SWITCHES[wish]
    act(job, request.user)
    messages.success(request, sentence)
    return _back(job)


SWITCHES: dict[str, tuple[Callable[[Job, User], None], StrOrPromise]] = {
    "on": (
        lambda job, by: sharing.switch_on([job], by=by),
        _("Sharing is on: anyone with the link can see the scene."),
    ),
    "off": (
        lambda job, by: sharing.switch_off([job], by=by),
        _("Sharing is off: the link stopped working."),
    ),
    "new": (
        lambda job, by: sharing.renew(job, by=by),
        _("There is a new link. The old one no longer works."),
    ),
}


@acts_on_job
def settings(request: SignedInRequest, job: Job) -> HttpResponse:
    """The link's password, its expiry, and the public page."""
    said = _("The link’s settings are saved.")
    return _change(request, job, LinkForm, "link_form", said)


@acts_on_job
def offer(request: SignedInRequest, job: Job) -> HttpResponse:
    """What the link offers: downloads and figures. May be set before it is switched on."""
    return _change(request, job, OfferForm, "offer_form", _("What the link offers is saved."))


def _change(
    request: SignedInRequest,
    job: Job,
    kind: type[LinkForm] | type[OfferForm],
    name: str,
    said: StrOrPromise,
) -> HttpResponse:
    """An invalid form changes nothing, and comes back as it was typed, with the error at its field,
    as the page's form `name`.
    """
    if job.is_draft:
        return refuse(request, job, [str(NOT_YET)], 409)
    form = kind(request.POST, job=job)
    if not form.is_valid():
        wrong_fields.focus_first(form)
        return page(request, job, status=400, **{name: form})
    sharing.change(job, by=request.user, **form.changes())
    messages.success(request, said)
    return _back(job)


@acts_on_job
def about(request: SignedInRequest, job: Job) -> HttpResponse:
    """The scene's title and description, and its owner's tags: a form without their field
    leaves these as they are."""
    form = AboutForm(request.POST, auto_id=ABOUT_ID)
    if not form.is_valid() and (job.is_draft or prefers_json(request)):
        return refuse(request, job, sentences(form), 400)
    if not form.is_valid():
        wrong_fields.focus_first(form)
        return page(request, job, status=400, about_form=form)
    titles.rename(job, form.cleaned_data["title"])
    sharing.change(job, description=form.cleaned_data["description"])
    if "tags" in request.POST:
        tags.put(job, form.cleaned_data["tags"])
    messages.success(request, _("Title, description and tags are saved."))
    return redirect(job)


@require_safe
@signed_in
@never_cache
def qr(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """The share link as a QR code. Black on white in both themes: cameras like it so."""
    job = own_job_or_404(request, pk)
    if not job.share.is_open:
        raise NotThere(_("There is no link to make a QR code for: sharing is off."))
    picture, said = io.BytesIO(), gettext("QR code")
    code = segno.make(share_url(job), micro=False, error="m")
    code.save(picture, kind="svg", scale=8, border=4, dark="#000", light="#fff", title=said)
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


def _back(job: Job) -> HttpResponse:
    """To the part of the page that was used."""
    return redirect(reverse("recon:job", args=(job.pk,)) + "#share")
