"""What django-axes needs to slow down password guessing: who tries, from where, what they see."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from instarecon_site.errors import answer


def username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The address tried, in one spelling: it signs in whatever its case, so it counts as one."""
    tried = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(tried).strip().lower()[:254]


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address.

    Behind a proxy it is the last entry of X-Forwarded-For, the one that our own proxy added; the
    ones before it are whatever the client claims.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    # Over a unix socket there is none.
    return request.META.get("REMOTE_ADDR") or None


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    answered = answer(request, 429)
    answered["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return answered
