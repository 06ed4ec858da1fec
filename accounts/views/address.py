"""Changing an account's e-mail address. Each view's docstring names its template."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import addresses, devices, letters, sign_in_limits, throttling
from accounts.forms import ADDRESS_IN_USE, AddressForm
from accounts.models import Letter, User
from accounts.proof import password_or_recent
from accounts.requests import SignedInRequest, account_required
from instarecon_site import wrong_fields

METHODS = ["GET", "HEAD", "POST"]


@sensitive_post_parameters("password")
@account_required
@require_http_methods(METHODS)
@never_cache
@password_or_recent
def change(request: SignedInRequest) -> HttpResponse:
    """accounts/email_change.html: `form` (email; password, where there is one), `can_mail`.

    Wrong passwords count as they do at sign-in, so a stolen session can't try them all.
    """
    form = AddressForm(request.POST or None, request=request)
    if not form.is_valid():
        return _page(request, form)
    user = User.objects.get(pk=request.user.pk)
    email = form.cleaned_data["email"]
    if settings.MAIL_IS_SET_UP:
        throttling.spend(sign_in_limits.by_network(request, *sign_in_limits.MAILS_BY_ADDRESS))
        language = get_language() or ""
        letters.ask(Letter.Kind.NEW_ADDRESS, email, language=language, user=user)
        said = gettext(
            "A link is on its way to {email}. Your address changes when you confirm it there."
        )
        messages.success(request, said.format(email=email))
        return redirect("accounts:account")
    # Also for a known address: or this page would tell, without end, who has an account.
    throttling.spend(sign_in_limits.by_network(request, *sign_in_limits.SIGN_UPS))
    if not _changed(request, user, email):
        form.add_error("email", ADDRESS_IN_USE)
        return _page(request, form)
    return redirect("accounts:account")


@require_http_methods(METHODS)
@never_cache
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """accounts/email_confirm.html: `email`, the new one, and `taken`; without `email` where the
    link is too old or was used, or is `of_another` account than the one that is signed in.

    A look changes nothing: mail programs look at links by themselves. The link alone changes
    nothing either: whoever receives it because of a typing mistake must not get the account with
    it.
    """
    found = addresses.read_confirmation(token)
    if found is None:
        return render(request, "accounts/email_confirm.html", status=410)
    user, email = found
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
    if request.user != user:
        return render(request, "accounts/email_confirm.html", {"of_another": True}, status=403)
    if request.method != "POST":
        return render(request, "accounts/email_confirm.html", {"email": email})
    if not _changed(request, user, email):
        context = {"email": email, "taken": True}
        return render(request, "accounts/email_confirm.html", context, status=409)
    return redirect("accounts:account")


def _changed(request: HttpRequest, user: User, email: str) -> bool:
    """Changes the address and says so; False where somebody has it already."""
    old, user.email = user.email, email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
            if settings.MAIL_IS_SET_UP:
                letters.tell(Letter.Kind.OLD_ADDRESS, old, language=user.language, user=user)
    except IntegrityError:
        return False
    devices.remember(request, sign_in_limits.one_spelling(email))
    said = gettext("Your e-mail address is now {email}. Sign in with it from now on.")
    messages.success(request, said.format(email=email))
    return True


def _page(request: SignedInRequest, form: AddressForm) -> HttpResponse:
    wrong_fields.focus_first(form)
    context = {"form": form, "can_mail": settings.MAIL_IS_SET_UP}
    status = 400 if request.method == "POST" else 200
    return render(request, "accounts/email_change.html", context, status=status)
