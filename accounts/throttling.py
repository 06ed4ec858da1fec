"""What django-axes needs to slow down password guessing: who tries, from where, what they see."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from instarecon_site import addresses
from instarecon_site.errors import answer


def username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The address tried, in one spelling: it signs in whatever its case, so it counts as one."""
    tried = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(tried).strip().lower()[:254]


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address. None over a unix socket without a proxy that says it.

    Behind a proxy it is the last entry of X-Forwarded-For, the one that our own proxy added; the
    ones before it are whatever the client claims. Proxies write it in several ways, and the
    database takes nothing but an address.
    """
    written = [str(request.META.get("REMOTE_ADDR") or "")]
    if settings.TRUST_PROXY:
        written.insert(0, request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1])
    found = next((one for text in written if (one := addresses.read(text)) is not None), None)
    return None if found is None else str(found)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    answered = answer(request, 429)
    answered["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return answered
