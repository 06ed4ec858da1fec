"""The front door, for people and for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

import recon
from recon.web.access import prefers_json

ENDPOINTS = {
    "health": "GET /healthz",
    "make a job": "POST /recon/jobs",
    "list your jobs": "GET /recon/jobs",
    "make a draft": "POST /recon/drafts",
    "add a photo to it": "POST /recon/jobs/{job_id}/photos",
    "start it": "POST /recon/jobs/{job_id}/start",
    "a job's status": "GET /recon/jobs/{job_id}/status",
    "a file of a finished job": "GET /recon/jobs/{job_id}/files/{kind}",
    "cancel a job": "POST /recon/jobs/{job_id}/cancel",
    "delete a job": "DELETE /recon/jobs/{job_id}",
    "how it is shared": "POST /recon/jobs/{job_id}/share",
    "the queue": "GET /recon/queue",
    "a shared scene": "GET /v/{pub_key}",
    "its point cloud": "GET /recon/pub/{pub_key}/cloud.ply",
    "its splats": "GET /recon/pub/{pub_key}/scene.splat",
}


@require_safe
@vary_on_headers("Accept", "Cookie")
def home(request: HttpRequest) -> HttpResponse:
    """JSON for programs that ask for it, the gallery for members, the landing page for others."""
    if prefers_json(request):
        return JsonResponse(
            {"service": "InstaRecon3D", "version": recon.__version__, "endpoints": ENDPOINTS}
        )
    if request.user.is_authenticated:
        return redirect("recon:gallery")
    return render(request, "recon/home.html")
