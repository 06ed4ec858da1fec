"""Shared scenes on other people's pages: the page for a frame, and oEmbed."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from recon.models import Job
from recon.web.scene import PublicJob, public_viewer
from recon.web.sharing import link_preview


def embed(request: HttpRequest, job: Job) -> HttpResponseBase:
    """Nothing but the scene; the only page that other sites may frame.

    It has no form that sends and knows no account, so no click can be stolen.
    """
    context: dict[str, object] = {
        "job": PublicJob.of(job),
        "viewer": public_viewer(job),
        "card": link_preview.card_of(job),
    }

    return _framed(request, "recon/embed.html", context)


def embed_locked(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    """A link with a password, in a frame: leads to its own page. No form here, and no session:
    browsers send none into other sites' frames."""
    return _framed(request, "recon/embed_locked.html", {"pub_key": pub_key})


def _framed(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponseBase:
    @csp_replace({"frame-ancestors": ["*"]})
    @xframe_options_exempt
    def framed(request: HttpRequest) -> HttpResponse:
        return render(request, template, context)

    return framed(request)


@require_safe
@never_cache
def oembed(request: HttpRequest) -> JsonResponse:
    """oEmbed (oembed.com): what a page may show for a link to a shared scene."""
    if request.GET.get("format", "json") != "json":
        return JsonResponse({"detail": gettext("Only format=json is supported.")}, status=501)
    job = link_preview.job_at(request, request.GET.get("url", ""))
    sizes = [_size(request.GET.get(name, "")) for name in ("maxwidth", "maxheight")]
    return JsonResponse(link_preview.oembed_of(job, *sizes))


def _size(text: str) -> int | None:
    """px; anything that is not a size counts as none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
