"""A span for each request, where somebody collects traces."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from instarecon_site.middleware.measuring import NO_ROUTE
from instarecon_site.middleware.request_ids import user_id_of
from instarecon_site.monitoring import tracing

#: Asked every few seconds by machines.
NOT_TRACED = ("/healthz", "/readyz", "/metrics")


def trace_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, where requests are counted. A trace that a proxy has begun goes on."""
    if not tracing.is_on():
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info in NOT_TRACED:
            return get_response(request)
        method = str(request.method)
        with tracing.span(method, "SERVER", parent=request.headers) as span:
            response = get_response(request)
            match = request.resolver_match
            route = f"/{match.route}" if match else NO_ROUTE
            if span is not None:
                span.update_name(f"{method} {route}")
            tracing.note(
                span,
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": response.status_code,
                    "user_id": user_id_of(request),
                    "job_id": _job_id(match.kwargs) if match else None,
                },
            )
            tracing.note_failure(span, response.status_code)
        return response

    return middleware


def _job_id(named: dict[str, object]) -> object:
    """The job that an address is about: links name none."""
    found = named.get("job_id") or named.get("pk")
    return found if isinstance(found, UUID) else None
