"""What only staff may do takes a second factor where STAFF_NEED_TOTP says so.

A session knows whether one was given when it began (`accounts.sessions`). A program's token is
another matter: it is made in such a session, and may do only what it was made for.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy

from accounts import sessions
from accounts.models import SecondFactor
from instarecon_site.errors import answer, wants_json

ADMIN = "/admin/"


class NeedsSecondFactor(PermissionDenied):
    """Staff whose session has no second factor: a 403 that says how to get one."""

    sentence = gettext_lazy("Staff pages need two-step sign-in.")


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether it is missing and needed."""
    if not settings.STAFF_NEED_TOTP or request.session.get(sessions.SECOND_FACTOR):
        return False
    return request.session.get(SESSION_KEY) == str(request.user.pk)


def acts_as_staff(request: HttpRequest) -> bool:
    """Whether they are staff, and may act as such in this session."""
    is_staff = bool(getattr(request.user, "is_staff", False))
    return is_staff and not lacks_second_factor(request)


def check(request: HttpRequest) -> None:
    """For staff. Raises NeedsSecondFactor."""
    if lacks_second_factor(request):
        raise NeedsSecondFactor


def ask_staff(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: closes the administration, and answers NeedsSecondFactor wherever it is raised.

    Django's administration and the queue's pages in it know no such rule of their own.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_admin = request.path_info.startswith(ADMIN)
        if is_admin and getattr(request.user, "is_staff", False) and lacks_second_factor(request):
            return _page(request)
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _page(request) if isinstance(exception, NeedsSecondFactor) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def _page(request: HttpRequest) -> HttpResponse:
    """errors/403_second_factor.html: `has_one`, and `next`, which they wanted."""
    if wants_json(request):
        sentence = gettext("Staff need two-step sign-in for this. Use a token, or sign in with it.")
        return answer(request, 403, sentence=sentence, code="second_factor_needed")
    context = {
        "has_one": SecondFactor.objects.filter(user_id=request.user.pk or 0).exists(),
        "next": request.get_full_path() if request.method in ("GET", "HEAD") else "",
    }
    return render(request, "errors/403_second_factor.html", context, status=403)
