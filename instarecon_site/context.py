"""What every page's template can use besides its own context."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from instarecon_site.texts import script_address
from recon.jobs.people import notices


def site(request: HttpRequest) -> dict[str, object]:
    """`texts_script` is empty in English; `unread_notices` is counted only if a template uses
    it."""
    return {
        "privacy_url": settings.PRIVACY_URL,
        "terms_url": settings.TERMS_URL,
        "imprint_url": settings.IMPRINT_URL,
        "sign_up_open": settings.SIGN_UP == "open",
        "provider_name": settings.OIDC.name if settings.OIDC else "",
        "signs_in_with_password": settings.SIGN_IN_WITH_PASSWORD,
        "texts_script": script_address(),
        "unread_notices": SimpleLazyObject(lambda: _unread(request)),
    }


def _unread(request: HttpRequest) -> int:
    return notices.unread_count(request.user) if request.user.is_authenticated else 0
