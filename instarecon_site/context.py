"""What every page's template may use besides its own context."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    return {"sign_up_open": settings.SIGN_UP_OPEN}
