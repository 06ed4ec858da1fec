"""For the programs that watch the site: whether it is ready, and its metrics."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.second_factor.staff import acts_as_staff
from instarecon_site.errors import RETRY_AFTER_S
from recon.jobs.monitoring import metrics as site_metrics
from recon.jobs.monitoring import readiness

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if everything is there that the site needs, otherwise 503 with the names of what is
    not. Staff and whoever has METRICS_TOKEN are told what is wrong, as JSON."""
    checks = readiness.checks()
    missing = [check.name for check in checks if not check.is_ok]
    status = 503 if missing else 200
    response: HttpResponse
    if _may_know(request, has_database="database" not in missing):
        problems = {check.name: check.problem or "ok" for check in checks}
        response = JsonResponse({"ready": not missing, "checks": problems}, status=status)
    else:
        said = f"missing: {', '.join(missing)}" if missing else "ready"
        response = HttpResponse(said, content_type="text/plain", status=status)
    if missing:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus's format, for whoever has METRICS_TOKEN; for everybody else there is nothing
    here."""
    if not _has_token(request):
        raise Http404
    return HttpResponse(site_metrics.exposition(), content_type=METRICS_TYPE)


def _may_know(request: HttpRequest, *, has_database: bool) -> bool:
    if _has_token(request):
        return True
    try:  # who somebody is stands in the database
        return has_database and acts_as_staff(request)
    except DatabaseError:
        return False


def _has_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or kind.lower() != "bearer":
        return False
    return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
