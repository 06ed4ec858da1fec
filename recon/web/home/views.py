"""The front door, for people and for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

import recon
from recon.web.access import prefers_json
from recon.web.home import demo as demo_scene
from recon.web.preset_times import usual_time

#: All that programs may call (a test compares it with the addresses, and docs/use/api.md with it).
ENDPOINTS = {
    "health": "GET /healthz",
    "make a job": "POST /recon/jobs",
    "list your jobs": "GET /recon/jobs",
    "make a draft": "POST /recon/drafts",
    "make a draft of a job that has ended": "POST /recon/jobs/{job_id}/draft",
    "add a photo to it": "POST /recon/jobs/{job_id}/photos",
    "take a photo out": "DELETE /recon/jobs/{job_id}/photos/{photo_id}",
    "take a video out": "DELETE /recon/jobs/{job_id}/videos/{video_id}",
    "order its photos": "POST /recon/jobs/{job_id}/order",
    "start it": "POST /recon/jobs/{job_id}/start",
    "a job's status": "GET /recon/jobs/{job_id}/status",
    "a file of a finished job": "GET /recon/jobs/{job_id}/files/{kind}",
    "cancel a job": "POST /recon/jobs/{job_id}/cancel",
    "make a scene anyway": "POST /recon/jobs/{job_id}/anyway",
    "delete a job": "DELETE /recon/jobs/{job_id}",
    "how it is shared": "POST /recon/jobs/{job_id}/share",
    "the queue": "GET /recon/queue",
    "a shared scene": "GET /v/{pub_key}",
    "its point cloud": "GET /recon/pub/{pub_key}/cloud.ply",
    "its splats": "GET /recon/pub/{pub_key}/scene.splat",
    "its splats, compressed": "GET /recon/pub/{pub_key}/scene.spz",
    "its video": "GET /recon/pub/{pub_key}/turntable.mp4",
    "its picture": "GET /recon/pub/{pub_key}/poster.jpg",
    "its picture for link previews": "GET /recon/pub/{pub_key}/preview.jpg",
    "where its photos were taken": "GET /recon/pub/{pub_key}/views.json",
    "how to embed it": "GET /oembed?url={url}",
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
    context = {"usual_time": usual_time(), "hero": demo_scene.hero()}
    return render(request, "recon/home.html", context)


@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    """A finished scene to look at before there is an account, shown as a shared one is."""
    return render(request, "recon/demo.html", demo_scene.page())
