"""Shared files for viewers on other sites: what lets a browser hand them over (CORS).

The files are public already, to whoever has the link; this lets pages of other origins read them,
too. They get nothing with anybody's cookies: `*` excludes credentials. By hand, since it depends on
the scene (never on one with a password), which packages that go by the address don't see.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase

#: What a script may see besides the few headers that it always does.
EXPOSED = ("Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "ETag",
           "Last-Modified")  # fmt: skip

#: What it may ask with, for parts of a file and for whether its copy is still good.
ASKED = ("Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Range")

METHODS = ("GET", "HEAD", "OPTIONS")

#: How long a browser may remember the answer to its question beforehand.
REMEMBERED_S = 600


def allow_any_origin(response: HttpResponseBase) -> HttpResponseBase:
    """`response`, for scripts of any origin."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
    # For pages that are closed to other sites' files unless these agree (COEP).
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def preflight() -> HttpResponse:
    """The answer to what a browser asks before a request that is more than a plain GET."""
    response = HttpResponse(status=204)
    response["Allow"] = response["Access-Control-Allow-Methods"] = ", ".join(METHODS)
    response["Access-Control-Allow-Headers"] = ", ".join(ASKED)
    response["Access-Control-Max-Age"] = str(REMEMBERED_S)
    return response
