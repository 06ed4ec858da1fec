"""The least that Django can do: one view and nothing around it, on the site's own kind of server.

gunicorn benchmarks.load.bare
"""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("", bare)]

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="of a view that has no secrets",  # noqa: S106
    # What the server asks for.
    TRUST_PROXY=False,
    MAX_UPLOAD_SIZE_MB=1,
    MAX_CONNECTIONS_PER_ADDRESS=100,
)
application = get_wsgi_application()
