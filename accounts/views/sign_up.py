"""Making an account: open to everybody, with an invitation, or not at all (`SIGN_UP`).

Where the site can send mail, the address is proven first: sign-up asks only for the address and
gives the same answer whether it is known or not, and the account is made on the page that the mail
links to. So nobody can make an account in somebody else's name, or find out who has one.

Each view's docstring names its template and what the template is given.
"""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import languages, letters, sessions, sign_in_limits, throttling
from accounts.forms import ADDRESS_TAKEN, TAKEN, AskForm, ConfirmForm, SignUpForm
from accounts.models import Invitation, Letter, User
from accounts.views.sign_in import no_passwords

METHODS = ["GET", "HEAD", "POST"]


class InvitationOver(Exception):
    """Somebody else has used the last of it, or it has ended, meanwhile."""


@sensitive_post_parameters("password")
@require_http_methods(METHODS)
def sign_up(request: HttpRequest) -> HttpResponse:
    """accounts/sign_up.html: `form` (email, password; where mail is set up, email), `invitation`
    (the end of its link), or `closed`: `invitation` or `closed`, as SIGN_UP says.

    A new person is signed in at once.
    """
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    if settings.SIGN_UP != "open":
        return _closed(request, settings.SIGN_UP)
    return _form_page(request, None)


@sensitive_post_parameters("password")
@require_http_methods(METHODS)
def invited(request: HttpRequest, link: str) -> HttpResponse:
    """As `sign_up`, for whoever has the link of an open invitation; else `closed` is `over`."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    if settings.SIGN_UP == "closed":
        return _closed(request, "closed")
    invitation = Invitation.behind(link)
    return _form_page(request, invitation) if invitation else _closed(request, "over")


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """accounts/sign_up_sent.html, whatever the address was."""
    return render(request, "accounts/sign_up_sent.html")


@sensitive_post_parameters("password")
@require_http_methods(METHODS)
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """accounts/confirm.html: `form` (email, which can't be changed, and password); without a form
    where the link is too old, or was used."""
    if not settings.SIGN_IN_WITH_PASSWORD:
        return no_passwords(request)
    wanted = letters.read_confirmation(token)
    if wanted is None or User.objects.filter(email__iexact=str(wanted["email"])).exists():
        return render(request, "accounts/confirm.html", {"form": None}, status=410)
    invitation = _still_allowed(wanted["invitation"])
    if settings.SIGN_UP != "open" and invitation is None:
        return _closed(request, "over" if wanted["invitation"] else settings.SIGN_UP)
    user = User(email=str(wanted["email"]), time_zone=str(wanted["time_zone"] or ""))
    form = ConfirmForm(request.POST or None, instance=user)
    if form.is_valid() and (answer := _make(request, form, invitation)):
        return answer
    return render(request, "accounts/confirm.html", {"form": form}, status=_status(request))


def _form_page(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    if not settings.SIGN_IN_WITH_PASSWORD:
        return _provider_page(request, invitation)
    if settings.MAIL_IS_SET_UP:
        return _ask_page(request, invitation)
    form = SignUpForm(request.POST or None)
    is_valid = form.is_valid()
    if invitation is None and (is_valid or form.has_error("email", TAKEN)):
        # Also for a known address: or this page would tell, without end, who has an account.
        throttling.spend(sign_in_limits.by_network(request, *sign_in_limits.SIGN_UPS))
    if is_valid and (answer := _make(request, form, invitation)):
        return answer
    context = {"form": form, **_offer(invitation)}
    return render(request, "accounts/sign_up.html", context, status=_status(request))


def _ask_page(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    form = AskForm(request.POST or None)
    if not form.is_valid():
        context = {"form": form, "by_mail": True, **_offer(invitation)}
        return render(request, "accounts/sign_up.html", context, status=_status(request))
    throttling.spend(sign_in_limits.by_network(request, *sign_in_limits.MAILS_BY_ADDRESS))
    if invitation is None:
        throttling.spend(sign_in_limits.by_network(request, *sign_in_limits.SIGN_UPS))
    letters.ask(
        Letter.Kind.SIGN_UP,
        form.cleaned_data["email"],
        language=languages.valid_code(get_language() or ""),
        time_zone=form.cleaned_data["time_zone"],
        invitation=invitation,
    )
    return redirect("accounts:sign_up_sent")


def _provider_page(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    """Without a form: whoever may make an account does so at the provider."""
    if request.method == "POST":
        return no_passwords(request)
    return render(request, "accounts/sign_up.html", _offer(invitation) | {"by_provider": True})


def _offer(invitation: Invitation | None) -> dict[str, str]:
    """The invitation goes along to the provider."""
    return {"invitation": invitation.link_part if invitation else ""}


def _make(
    request: HttpRequest, form: SignUpForm, invitation: Invitation | None
) -> HttpResponse | None:
    """Makes the account and signs in; None, with the form's error, where somebody was first."""
    try:
        with transaction.atomic():
            if invitation is not None and not invitation.spend():
                raise InvitationOver
            user = form.save()
    except InvitationOver:
        return _closed(request, "over")
    except IntegrityError:
        form.add_error("email", ADDRESS_TAKEN)
        return None
    return sessions.begin(request, user)


def _still_allowed(invitation_pk: object) -> Invitation | None:
    if not isinstance(invitation_pk, int):
        return None
    return Invitation.open_ones().filter(pk=invitation_pk).first()


def _closed(request: HttpRequest, why: str) -> HttpResponse:
    return render(request, "accounts/sign_up.html", {"closed": why}, status=403)


def _status(request: HttpRequest) -> int:
    return 400 if request.method == "POST" else 200
