"""A person's account: wishes, public page, API tokens.

Each view's docstring names its template and what the template is given.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_GET
from django.views.i18n import set_language

from accounts import languages, sessions
from accounts.forms import HANDLE_TAKEN, PreferencesForm, PublicPageForm, TokenForm
from accounts.models import ApiToken, ProviderAccount, SecondFactor, User
from accounts.requests import SignedInRequest, account_required
from accounts.second_factor import staff
from instarecon_site import wrong_fields
from instarecon_site.form_addresses import form_on


def _account_page(request: SignedInRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    user = request.user
    context = {
        "tokens": ApiToken.objects.living().filter(user=user),
        "form": TokenForm(user=user),
        "preferences": PreferencesForm(instance=user),
        "public_page": PublicPageForm(instance=user),
        "can_mail": settings.MAIL_IS_SET_UP,
        "has_second_factor": SecondFactor.objects.filter(user=user).exists(),
        "connected": ProviderAccount.objects.filter(user=user).first(),
        "has_password": sessions.asks_password(user),
        **context,
    }
    return render(request, "accounts/account.html", context, status=status)


def _refused(request: SignedInRequest, **forms: BaseForm) -> HttpResponse:
    """The page with a form that comes back, at its first error."""
    for form in forms.values():
        wrong_fields.focus_first(form)
    return _account_page(request, status=400, **forms)


@account_required
@require_GET
def account(request: SignedInRequest) -> HttpResponse:
    """accounts/account.html: `tokens` (name, created_at, last_used_at,
    ends_at, scope_labels), `form` (name, may, days), and the
    forms `preferences` (language, time_zone, mail_when_done) and `public_page` (gallery_open,
    handle, public_name); `has_password`, `has_second_factor`, and `connected`, the account
    at the provider.

    After a token was made also `new_token` and `new_secret`, shown this once.
    """
    return _account_page(request)


@form_on("accounts:account")
@account_required
def preferences(request: SignedInRequest) -> HttpResponse:
    """Language, time zone, and whether mails are wanted."""
    form = PreferencesForm(request.POST, instance=_fresh(request))
    if not form.is_valid():
        return _refused(request, preferences=form)
    chosen = form.save().language
    response = redirect("accounts:account")
    if not chosen:  # the browser's: what was once chosen on a page must not stand in for it
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    with languages.use_language(chosen or get_language() or ""):
        messages.success(request, gettext("Your settings are saved."))
    return response


@form_on("recon:home")
def language(request: HttpRequest) -> HttpResponse:
    """`language` for this browser, and in the account of who is signed in. Back to `next`."""
    code = languages.valid_code(request.POST.get("language", ""))
    if code and request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)


@form_on("accounts:account")
@account_required
def public_page(request: SignedInRequest) -> HttpResponse:
    """The person's public page: on or off, its address, the name on it."""
    form = PublicPageForm(request.POST, instance=_fresh(request))
    if form.is_valid():
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            form.add_error("handle", HANDLE_TAKEN)  # somebody else got there first
        else:
            messages.success(request, gettext("Your public page’s settings are saved."))
            return redirect("accounts:account")
    return _refused(request, public_page=form)


def _fresh(request: SignedInRequest) -> User:
    """The person as a row of their own: a form that is refused must not change the page's."""
    return User.objects.get(pk=request.user.pk)


@form_on("accounts:account")
@account_required
def token_create(request: SignedInRequest) -> HttpResponse:
    """Answers with the account page itself: the secret is kept nowhere, not even for a redirect.

    A token of staff's opens what they may see, so it takes what their pages take.
    """
    if request.user.is_staff:
        staff.check(request)
    form = TokenForm(request.POST, user=request.user)
    if not form.is_valid():
        return _refused(request, form=form)
    token, secret = form.issue()
    return _account_page(request, new_token=token, new_secret=secret)


@form_on("accounts:account")
@account_required
def token_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    token.delete()
    said = gettext("The token “{name}” no longer works.").format(name=token.name)
    messages.success(request, said)
    return redirect("accounts:account")
