"""The page of the site's staff: machines, queues, throughput, failures, disk."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs.workers.site_state import site_state
from recon.web.access import NO_SUCH_PAGE, NotThere, staff_only


@require_safe
@staff_only
@never_cache
def staff(request: SignedInRequest) -> HttpResponse:
    """recon/staff.html, or its part that changes when it polls: `state` (SiteState).

    For staff who may see workers; of jobs it only counts.
    """
    if not request.user.has_perm("recon.view_worker"):
        raise NotThere(NO_SUCH_PAGE)
    part = "recon/_staff.html" if request.htmx else "recon/staff.html"
    return render(request, part, {"state": site_state()})
