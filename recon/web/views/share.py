"""Share links: switched by the owner, open to whoever has them, quiet about the photos.

No page or file here needs an account or looks at one. What may be shown is in
`recon.web.scene.PublicJob`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recon.models import Artifact, Job, new_pub_key
from recon.web import cameras, unfolding
from recon.web import live as live_parts
from recon.web.access import View, own_job_or_404, shared_job_or_404, signed_in
from recon.web.measurement import measurement_of
from recon.web.metrics import metrics_of
from recon.web.polling import answer_poll, moving_parts, with_version
from recon.web.scene import PublicJob, public_downloads, public_viewer
from recon.web.serving import serve_artifact
from recon.web.views import embed


def unlisted(view: View) -> View:
    """Keeps a link's secret: no search engine lists it, no other site learns it from a referrer."""

    @wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return cast(View, marked)


@require_POST
@signed_in
def switch(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`shared`: "on", "off", or "new" for a new link that ends the old one for good."""
    job = own_job_or_404(request, pk)
    wish = request.POST.get("shared", "")
    if job.is_draft:
        messages.error(request, "A scene can be shared once it was started.")
        return redirect(job)
    if wish not in SWITCHES:
        messages.error(request, "Sharing can be switched on or off.")
        return redirect(job)
    changes, sentence = SWITCHES[wish]
    Job.objects.filter(pk=job.pk).update(**changes())
    messages.success(request, sentence)
    return redirect(job)


SWITCHES: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "on": (lambda: {"shared": True}, "Sharing is on: whoever has the link sees the scene."),
    "off": (lambda: {"shared": False}, "Sharing is off: the link stopped working."),
    "new": (
        lambda: {"shared": True, "pub_key": new_pub_key()},
        "There is a new link. The old one stopped working.",
    ),
}


@require_safe
@unlisted
@never_cache
def public(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    """The scene and its figures; before the job has ended, its progress.

    With `?embed=1` nothing but the scene, and other sites may show it in a frame.
    """
    job = shared_job_or_404(pub_key)
    if request.GET.get("embed") == "1":
        return embed.embedded(request, job)
    context = _progress_context(job) | {
        "metrics": metrics_of(job, public=True) if job.is_completed else [],
        "measurement": measurement_of(job) if job.is_completed else {},
        "downloads": public_downloads(job),
        "viewer": public_viewer(job),
        "card": unfolding.card_of(job),
    }
    return render(request, "recon/public.html", context)


@require_safe
@unlisted
@never_cache
def public_progress(request: HttpRequest, pub_key: str) -> HttpResponse:
    job = shared_job_or_404(pub_key)
    return answer_poll(request, job, _progress_context(job))


@require_safe
@unlisted
def public_ply(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    return serve_artifact(request, shared_job_or_404(pub_key), Artifact.Kind.SCENE_PLY)


@require_safe
@unlisted
def public_splat(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    return serve_artifact(request, shared_job_or_404(pub_key), Artifact.Kind.SPLAT)


@require_safe
@unlisted
def public_poster(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    return serve_artifact(request, shared_job_or_404(pub_key), Artifact.Kind.POSTER)


@require_safe
@unlisted
@never_cache
def public_views(request: HttpRequest, pub_key: str) -> JsonResponse:
    """Where the photos were taken; nothing of the photos themselves."""
    return JsonResponse(cameras.public_views(shared_job_or_404(pub_key)))


def _progress_context(job: Job) -> dict[str, Any]:
    """What `_progress.html` and `_stage.html` show to somebody with the link: no log, no photo, no
    words about photos."""
    parts = {
        "job": PublicJob.of(job),
        "live": live_parts.of_link(job),
        "log_tail": [],
        "can_edit": False,
    }
    return with_version(moving_parts(job) | parts)
