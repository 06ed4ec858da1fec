"""Counts every request, where somebody collects metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from instarecon_site.monitoring import request_counts

#: An address that is none of ours.
NO_ROUTE = "(none)"


def count_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost but one: it sees the status that is answered. What it measures is
    the work on a request, without the time that it waits for a thread or travels."""
    if not settings.METRICS_TOKEN:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match else NO_ROUTE
        request_counts.count(
            str(request.method), route, response.status_code, time.perf_counter() - began
        )
        return response

    return middleware
