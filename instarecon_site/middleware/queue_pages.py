"""The queue's pages for staff are django-rq's; here is what they leave open.

They let all staff in, to look and to delete; here permissions decide, as on the other pages of the
administration. And whatever is not there is a 404 on them too.

Its views look up queues, workers and tasks by what stands in the address, and fail in as many ways
as there are where that was made up, or is gone by now.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
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
        return (
            not_found(request, error) if is_ours(request) and isinstance(error, _MISSING) else None
        )

    middleware.process_exception = answered  # type: ignore[attr-defined]
    return middleware


def permissions_decide(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: staff need leave to see jobs, and to change them for whatever changes the queue.

    Others are left to the pages themselves, which ask them to sign in.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def before(request: HttpRequest, *_: object) -> None:
        needed = "recon.view_job" if request.method in ("GET", "HEAD") else "recon.change_job"
        if is_ours(request) and request.user.is_staff and not request.user.has_perm(needed):
            raise PermissionDenied

    middleware.process_view = before  # type: ignore[attr-defined]
    return middleware


def is_ours(request: HttpRequest) -> bool:
    """Whether it is one of the queue's pages: under our address, or inside the admin."""
    match = request.resolver_match
    return match is not None and (
        "django_rq" in match.app_names or match.route.startswith("admin/django_rq/")
    )
