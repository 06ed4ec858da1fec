"""The second factor: giving it at sign-in, setting it up, new recovery codes, and the way out.

Each view's docstring names its template and what the template is given. Too many wrong codes end
in errors/429.html (`accounts.throttling`).
"""

from __future__ import annotations

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import letters, sessions
from accounts.forms import CodeForm, NewFactorForm, SecondStepForm
from accounts.models import Letter, RecoveryCode, SecondFactor
from accounts.proof import password_or_recent
from accounts.requests import SignedInRequest, account_required, is_signed_in
from accounts.second_factor import codes, keys, remembered
from instarecon_site import wrong_fields
from instarecon_site.form_addresses import form_on

METHODS = ["GET", "HEAD", "POST"]

#: Where a session keeps, encrypted, the secret that an app may be reading at the moment.
NEW = "new_second_factor"


@sensitive_post_parameters("code")
@require_http_methods(METHODS)
@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """accounts/second_step.html: `form` (code, remember), `recovery` whether it asks for a recovery
    code, `email`."""
    waits = _who_waits(request)
    if waits is None:
        return _nobody_waits(request)
    user = waits.user
    recovery = "recovery" in request.GET
    form = SecondStepForm(request.POST or None, user=user, recovery=recovery)
    if not form.is_valid():
        wrong_fields.focus_first(form)
        context = {"form": form, "recovery": recovery, "email": user.email}
        status = 400 if request.method == "POST" else 200
        return render(request, "accounts/second_step.html", context, status=status)
    response = sessions.begin(
        request, user, waits.to, by_provider=waits.by_provider, passed=form.how
    )
    factor = SecondFactor.objects.filter(user=user).first()
    if form.cleaned_data["remember"] and factor is not None:
        remembered.remember(request, response, user, factor)
    if form.how == codes.BY_RECOVERY_CODE:
        left = RecoveryCode.objects.filter(user=user).count()
        said = ngettext(
            "You have {n} recovery code left. Your account page makes new ones.",
            "You have {n} recovery codes left. Your account page makes new ones.",
            left,
        )
        messages.warning(request, said.format(n=left))
    return response


def _who_waits(request: HttpRequest) -> sessions.Waiting | None:
    """After the first step; or whoever is signed in without a second factor and has one."""
    if not is_signed_in(request):
        return sessions.waiting(request)
    if request.session.get(sessions.SECOND_FACTOR) or not _has_one(request):
        return None
    to = sessions.safe(request, request.GET.get("next", ""))
    return sessions.Waiting(request.user, to, bool(request.session.get(sessions.BY_PROVIDER)))


def _has_one(request: SignedInRequest) -> bool:
    return SecondFactor.objects.filter(user=request.user).exists()


def _nobody_waits(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    if request.method == "POST" or sessions.WAITING in request.session:
        messages.error(request, gettext("That took too long. Sign in again."))
    return redirect(resolve_url(settings.LOGIN_URL))


@sensitive_post_parameters("code", "password")
@account_required
@require_http_methods(METHODS)
@never_cache
def second_factor(request: SignedInRequest) -> HttpResponseBase:
    """accounts/second_factor.html: where there is one, `since`, `codes_left` and `form` (code),
    which is for two buttons; otherwise as `_set_up` says."""
    return _own_page(request) if _has_one(request) else _set_up(request)


@password_or_recent
def _set_up(request: SignedInRequest) -> HttpResponse:
    """accounts/second_factor_new.html: `qr` (an address), `secret`, `app_address`, `form`
    (password unless they have just signed in, code), `next`. Then accounts/recovery_codes.html."""
    secret = _new_secret(request)
    form = NewFactorForm(request.POST or None, request=request, secret=secret)
    to = request.POST.get("next") or request.GET.get("next", "")
    if form.is_valid():
        sessions.end_others(request, request.user, passed=codes.BY_APP)
        request.session.pop(NEW, None)
        return _recovery_codes(request, form.made, to, is_new=True)
    wrong_fields.focus_first(form)
    address = codes.app_address(request.user, secret)
    qr = segno.make(address, micro=False, error="m")
    context = {
        "form": form,
        "next": to,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "app_address": address,
        "qr": qr.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"),
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "accounts/second_factor_new.html", context, status=status)


def _new_secret(request: SignedInRequest) -> str:
    """The same until it is confirmed: an app that has read it must not wait in vain."""
    try:
        return keys.decrypt(request.session.get(NEW, ""))
    except keys.KeyLost:
        secret = codes.new_secret()
        request.session[NEW] = keys.encrypt(secret)
        return secret


@sensitive_post_parameters("code")
@form_on("accounts:second_factor")
@account_required
@never_cache
def new_codes(request: SignedInRequest) -> HttpResponse:
    """Answers with the codes themselves: they are kept nowhere, not even for a redirect."""
    form = CodeForm(request.POST, user=request.user)
    if not form.is_valid():
        return _own_page(request, form)
    with transaction.atomic():
        made = RecoveryCode.make_anew(request.user)
    return _recovery_codes(request, made)


@sensitive_post_parameters("code")
@form_on("accounts:second_factor")
@account_required
def switch_off(request: SignedInRequest) -> HttpResponse:
    form = CodeForm(request.POST, user=request.user)
    if not form.is_valid():
        return _own_page(request, form)
    codes.switch_off(request.user)
    letters.tell_owner(Letter.Kind.FACTOR_OFF, request.user)
    sessions.end_others(request, request.user)
    messages.success(request, gettext("Two-step sign-in is off."))
    return redirect("accounts:account")


def _own_page(request: SignedInRequest, form: CodeForm | None = None) -> HttpResponse:
    factor = SecondFactor.objects.filter(user=request.user).first()
    if factor is None:
        return redirect("accounts:second_factor")
    form = form or CodeForm(user=request.user)
    wrong_fields.focus_first(form)
    context = {
        "since": factor.since,
        "codes_left": RecoveryCode.objects.filter(user=request.user).count(),
        "form": form,
    }
    status = 400 if form.errors else 200
    return render(request, "accounts/second_factor.html", context, status=status)


def _recovery_codes(
    request: SignedInRequest, made: list[str], to: str = "", *, is_new: bool = False
) -> HttpResponse:
    """accounts/recovery_codes.html: `codes`, `is_new`, and `next`."""
    context: dict[str, Any] = {"codes": made, "is_new": is_new}
    context["next"] = sessions.safe(request, to) if to else resolve_url("accounts:account")
    return render(request, "accounts/recovery_codes.html", context)
