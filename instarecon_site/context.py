"""What every page's template may use besides its own context."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from recon.jobs import notices


def site(request: HttpRequest) -> dict[str, object]:
    """`unread_notices` is counted only where a template asks for it."""
    return {
        "sign_up_open": settings.SIGN_UP_OPEN,
        "unread_notices": SimpleLazyObject(lambda: _unread(request)),
    }


def _unread(request: HttpRequest) -> int:
    return notices.unread_count(request.user) if request.user.is_authenticated else 0
