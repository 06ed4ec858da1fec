"""The answer to a page that asks how its job goes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HTMX_STOP_POLLING

from recon.models import Job


def answer_poll(request: HttpRequest, job: Job, context: dict[str, Any]) -> HttpResponse:
    """The part of the page that changes. When `job` has ended, the page stops and reloads."""
    response = render(request, "recon/_progress.html", context)
    if job.has_ended:
        response.status_code = HTMX_STOP_POLLING
        response["HX-Refresh"] = "true"
    return response
