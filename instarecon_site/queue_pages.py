"""The queue's pages for staff are django-rq's; what is not there is a 404 on them, too.

Its views look up queues, workers and tasks by what stands in the address, and fail in as many ways
as there are where that was made up, or is gone by now.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rq.exceptions import InvalidJobOperation, NoSuchJobError

from instarecon_site.errors import not_found

_MISSING = (
    IndexError,  # a queue
    AssertionError, ValueError,  # a worker
    NoSuchJobError, InvalidJobOperation,
    ImproperlyConfigured,  # a scheduler: the site has none
)  # fmt: skip


def missing_is_404(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that knows the views by their place: under our address and inside the admin."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def answered(request: HttpRequest, error: Exception) -> HttpResponse | None:
        match = request.resolver_match
        of_the_queue = match is not None and (
            "django_rq" in match.app_names or match.route.startswith("admin/django_rq/")
        )
        return not_found(request, error) if of_the_queue and isinstance(error, _MISSING) else None

    middleware.process_exception = answered  # type: ignore[attr-defined]
    return middleware
