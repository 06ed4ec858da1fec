"""Pages, compressed on their way out.

Only pages (`text/html`): static files are compressed by the build and WhiteNoise, and scenes,
pictures and videos are compressed already.

The length of a compressed page shows how much in it repeats, and somebody who can have a page
requested many times with words of their own in it may learn a secret from that (BREACH). So what
another site makes a browser request with its session is sent uncompressed, and so is the answer to
a form, which may show a secret once. CSRF tokens look different in each answer, and Django adds
random bytes to each besides.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressPages(GZipMiddleware):
    """Middleware; gzip, which every browser reads."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not _is_page(response) or _may_be_probed(request):
            return response
        return super().process_response(request, response)


def _is_page(response: HttpResponseBase) -> bool:
    return not response.streaming and response.get("Content-Type", "").startswith("text/html")


def _may_be_probed(request: HttpRequest) -> bool:
    """Whether the answer may hold a secret and somebody else may have chosen what is asked."""
    if request.method not in ("GET", "HEAD"):
        return True
    from_elsewhere = request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site")
    return from_elsewhere and settings.SESSION_COOKIE_NAME in request.COOKIES
