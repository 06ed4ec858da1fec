"""Signing in at the provider, connecting an account there, and disconnecting it.

Each view's docstring names its template. Where it does not work out,
accounts/provider_refused.html says why (`accounts.provider.refusals`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from accounts import letters, sessions, sign_in_limits, throttling
from accounts.forms import ConnectForm
from accounts.models import Letter, ProviderAccount
from accounts.provider import client, flows, people
from accounts.provider.environment import provider as the_provider
from accounts.provider.flows import AGAIN, CONNECT, SIGN_IN, Flow
from accounts.provider.refusals import Refused
from accounts.requests import SignedInRequest, account_required
from instarecon_site import wrong_fields
from instarecon_site.form_addresses import form_on

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)

#: Where a session keeps an account at the provider that its owner is asked about.
TO_CONNECT = "to_connect"
RETRY_AFTER_S = 30


def _with_provider(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """A 404 where there is none; and a page that says why where it does not work out."""

    @wraps(view)
    def answered(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if settings.OIDC is None:
            raise Http404
        try:
            return view(request, *args, **kwargs)
        except Refused as refused:
            logger.warning("No sign-in by the provider: %s", refused)
            return _refused(request, refused)

    return answered


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """accounts/provider_refused.html: `title`, `advice`, `code` (the status)."""
    facts = {"name": the_provider().name, "email": refused.email}
    status, title, advice = refused.said
    context: dict[str, object] = {"code": status}
    context |= {"title": str(title).format(**facts), "advice": str(advice).format(**facts)}
    response = render(request, "accounts/provider_refused.html", context, status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@require_safe
@never_cache
@_with_provider
def start(request: HttpRequest) -> HttpResponse:
    """Leads to the provider. `next` is where to go afterwards, `for` what it is for, `invitation`
    the end of an invitation's link."""
    purpose = request.GET.get("for", SIGN_IN)
    if purpose not in (CONNECT, AGAIN) or not request.user.is_authenticated:
        purpose = SIGN_IN
    throttling.spend(sign_in_limits.by_network(request, sign_in_limits.BY_PROVIDER))
    begun = client.begin(again=purpose == AGAIN)
    flow = Flow(
        begun.state,
        begun.nonce,
        begun.code_verifier,
        purpose=purpose,
        to=sessions.safe(request, request.GET.get("next", ""))[:500],
        invitation=request.GET.get("invitation", "")[:200],
        user=request.user.pk,
    )
    response = redirect(begun.url)
    flows.keep(request, response, flow)
    return response


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Where the provider sends people back to. What comes back counts once."""
    response = _callback(request)
    flows.drop(request, response, request.GET.get("state", ""))
    return response


@_with_provider
def _callback(request: HttpRequest) -> HttpResponse:
    flow = flows.take(request, request.GET.get("state", ""))
    if flow is None:
        raise Refused("lost", why="no such state in this browser")
    if error := request.GET.get("error", ""):
        code = "away" if error in ("server_error", "temporarily_unavailable") else "declined"
        raise Refused(code, why=f"{error[:100]!r}")
    _check_issuer(request)
    throttling.spend(sign_in_limits.by_network(request, sign_in_limits.BY_PROVIDER))
    claims = client.claims_for(
        request.GET.get("code", ""), nonce=flow.nonce, code_verifier=flow.code_verifier
    )
    if flow.purpose == SIGN_IN:
        return _sign_in(request, claims, flow)
    if not request.user.is_authenticated or request.user.pk != flow.user:
        raise Refused("lost", why="begun by somebody who is signed out by now")
    return (_connect if flow.purpose == CONNECT else _again)(request, claims, flow)


def _check_issuer(request: HttpRequest) -> None:
    """Who sent them back, where the provider says so (RFC 9207)."""
    named = request.GET.get("iss", the_provider().issuer)
    if named.rstrip("/") != the_provider().issuer:
        raise Refused("odd_answer", why=f"sent back by {named[:200]!r}")


def _sign_in(request: HttpRequest, claims: Mapping[str, Any], flow: Flow) -> HttpResponse:
    user, how = people.person_for(claims, invitation=flow.invitation)
    if how == "connected":
        letters.tell_owner(Letter.Kind.CONNECTED, user)
        messages.success(request, _connected(user.has_usable_password()))
    passed = people.second_factor(claims)
    return sessions.go_on(request, user, flow.to, by_provider=True, passed=passed)


def _connected(has_password: bool) -> str:
    said = gettext("Your account is connected to {name}: sign in with it from now on.")
    if not has_password:
        said += " " + gettext("Its password and API tokens have ended.")
    return said.format(name=the_provider().name)


def _again(request: HttpRequest, claims: Mapping[str, Any], flow: Flow) -> HttpResponse:
    if not people.is_theirs(request.user, claims):  # type: ignore[arg-type]
        raise Refused("somebody_else")
    if not people.is_fresh(claims, within_s=sessions.PATIENCE_S):
        raise Refused("not_again", why="auth_time is too old")
    passed = people.second_factor(claims) or request.session.get(sessions.SECOND_FACTOR, "")
    return sessions.begin(request, request.user, flow.to, by_provider=True, passed=passed)  # type: ignore[arg-type]


def _connect(request: HttpRequest, claims: Mapping[str, Any], flow: Flow) -> HttpResponse:
    """accounts/provider_connect.html: `email` there, `form` (password, where there is one).

    The person is asked first: otherwise another site could have their browser connect an account
    of its own there, and sign in to theirs with it.
    """
    email = people.address_in(claims)
    request.session[TO_CONNECT] = {"subject": str(claims["sub"]), "email": email}
    return _connect_page(request, email, ConnectForm(request=request))  # type: ignore[arg-type]


def _connect_page(request: HttpRequest, email: str, form: ConnectForm) -> HttpResponse:
    wrong_fields.focus_first(form)
    context = {"email": email, "form": form}
    status = 400 if form.errors else 200
    return render(request, "accounts/provider_connect.html", context, status=status)


@sensitive_post_parameters("password")
@form_on("accounts:account")
@account_required
@_with_provider
def connect(request: SignedInRequest) -> HttpResponse:
    """The form of accounts/provider_connect.html."""
    told = request.session.get(TO_CONNECT)
    if told is None:
        raise Refused("lost", why="nothing to connect")
    form = ConnectForm(request.POST, request=request)
    if not form.is_valid():
        return _connect_page(request, told["email"], form)
    del request.session[TO_CONNECT]
    people.connect(request.user, subject=told["subject"], email=told["email"])
    letters.tell_owner(Letter.Kind.CONNECTED, request.user)
    messages.success(request, _connected(has_password=True))
    return redirect("accounts:account")


@form_on("accounts:account")
@account_required
@_with_provider
def disconnect(request: SignedInRequest) -> HttpResponse:
    """Not where it is the only way in."""
    if not sessions.asks_password(request.user):
        said = gettext("You have no password here: without {name} you could not sign in.")
        messages.error(request, said.format(name=the_provider().name))
        return redirect("accounts:account")
    ProviderAccount.objects.filter(user=request.user).delete()
    said = gettext("Your account is no longer connected to {name}.")
    messages.success(request, said.format(name=the_provider().name))
    return redirect("accounts:account")


@require_safe
@never_cache
@_with_provider
def sign_out(request: HttpRequest) -> HttpResponse:
    """Leads to where people sign out at the provider, too; home where it has no such page."""
    if request.user.is_authenticated:
        return redirect("accounts:sign_out")
    return redirect(client.sign_out_address() or "recon:home")
