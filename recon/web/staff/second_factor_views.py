"""Resetting the second factor of somebody who has lost it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import letters, networks, sessions
from accounts.models import Letter, SecondFactor, User
from accounts.requests import SignedInRequest
from accounts.second_factor import codes
from recon.jobs.people import audit
from recon.web.access import staff_only

ACTION = "second factor reset"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
@never_cache
def reset(request: SignedInRequest, pk: int) -> HttpResponse:
    """admin/accounts/user/reset_second_factor.html: `person`, whose page in the administration
    leads here. For staff who may change the account; the audit log and its history say who did."""
    person = get_object_or_404(User, pk=pk)
    people = admin.site.get_model_admin(User)
    if not people.has_change_permission(request, person):
        raise PermissionDenied
    page = reverse("admin:accounts_user_change", args=(pk,))
    if not SecondFactor.objects.filter(user=person).exists():
        messages.info(request, f"{person} has no two-step sign-in.")
        return redirect(page)
    if request.method != "POST":
        context = {**admin.site.each_context(request), "title": str(person), "person": person}
        template = "admin/accounts/user/reset_second_factor.html"
        return TemplateResponse(request, template, context)
    with transaction.atomic():
        address = networks.client_address(request) or ""
        audit.note_account(request.user, person, action=ACTION, address=address)
        people.log_change(request, person, "Reset two-step sign-in.")
        codes.switch_off(person)
        letters.tell_owner(Letter.Kind.FACTOR_OFF, person)
        sessions.end_all(person)
    messages.success(
        request, f"Two-step sign-in of {person} is off, and their sessions have ended."
    )
    return redirect(page)
