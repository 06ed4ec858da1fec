"""Share links: open to anybody who has them (and their password), silent about the photos.

No page or file here needs an account. Every view takes its job from `shared_job_or_404`, which
respects what the owner has set; what may be shown is in `recon.web.scene.PublicJob`. What the owner
does is in `recon.web.job.sharing_views`.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import is_signed_in
from accounts.throttling import TooMany
from instarecon_site.form_addresses import form_on
from recon.jobs import sharing
from recon.models import Artifact, Job
from recon.web import link_throttle
from recon.web.access import (
    LinkLocked,
    NotOffered,
    NotThere,
    check_asked_by_page,
    remember_entered,
    shared_job_or_404,
    unlisted,
)
from recon.web.result import cameras
from recon.web.result.measurement import measurement_of
from recon.web.result.metrics import metrics_of
from recon.web.running import live as live_parts
from recon.web.running.poll_answers import ProgressContext, answer_poll, moving_parts, with_version
from recon.web.scene import VIEWER_SCENES, PublicJob, public_downloads, public_viewer
from recon.web.serving import GONE, serve_artifact, serve_jpeg
from recon.web.sharing import cross_origin, embed_views, link_preview, preview_picture
from recon.web.sharing.forms import EnterForm

#: Says to this browser that it was counted. It names nobody, and goes when the browser is closed.
SEEN = "instarecon_seen"


@require_safe
@unlisted
@never_cache
def public(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    """The scene and its figures; before the job has ended, its progress.

    With `?embed=1` nothing but the scene, and other sites may show it in a frame.
    recon/locked.html if a password is needed, with nothing of the scene on it.
    """
    in_a_frame = request.GET.get("embed") == "1"
    try:
        job = shared_job_or_404(request, pub_key)
    except LinkLocked:
        if in_a_frame:
            return embed_views.embed_locked(request, pub_key)
        return _locked_page(request, pub_key, EnterForm())
    if in_a_frame:
        return embed_views.embed(request, job)
    shows_figures = job.is_completed and job.share.shows_figures
    context: dict[str, object] = {
        **_progress_context(job),
        "metrics": metrics_of(job) if shows_figures else [],
        "measurement": measurement_of(job) if shows_figures else None,
        "downloads": public_downloads(job),
        "viewer": public_viewer(job),
        "card": link_preview.card_of(job),
        "is_new_visit": _is_new_visit(request, job),
    }
    return render(request, "recon/public.html", context)


@form_on("recon:public", "pub_key")
@unlisted
@never_cache
def visit(request: HttpRequest, pub_key: str) -> HttpResponse:
    """Counts a visit to a finished scene: its page's script sends this. Once for each browser
    session, and never the owner's."""
    job = shared_job_or_404(request, pub_key)
    response = HttpResponse(status=204)
    _count_visit(request, response, job)
    return response


def _count_visit(request: HttpRequest, response: HttpResponse, job: Job) -> None:
    if not _is_new_visit(request, job):
        return
    sharing.count_view(job)
    page = reverse("recon:public", args=(job.share.key,))
    response.set_cookie(
        SEEN, "1", path=page, secure=settings.IS_HTTPS, httponly=True, samesite="Lax"
    )


def _is_new_visit(request: HttpRequest, job: Job) -> bool:
    """Whether a visit to the scene would be counted: it is there, and it is not the
    visitor's own or their team's."""
    if not job.is_completed or request.COOKIES.get(SEEN):
        return False
    if not is_signed_in(request):
        return True
    return not Job.objects.visible_to(request.user).filter(pk=job.pk).exists()


@form_on("recon:public", "pub_key")
@unlisted
@never_cache
def enter(request: HttpRequest, pub_key: str) -> HttpResponse:
    """Takes the link's password. 403 where it is wrong, 429 after too many wrong ones."""
    page = redirect("recon:public", pub_key)
    try:
        shared_job_or_404(request, pub_key)
    except LinkLocked as locked:
        job = locked.job
    else:
        return page  # no password, or it was entered before
    form = EnterForm(request.POST)
    if not form.is_valid():
        return _locked_page(request, pub_key, form, status=400)
    try:
        is_right = link_throttle.password_is_right(request, job, form.cleaned_data["password"])
    except TooMany as too_many:
        return _too_many(request, pub_key, form, too_many)
    if not is_right:
        form.add_error("password", gettext("That is not the password."))
        return _locked_page(request, pub_key, form, status=403)
    remember_entered(request, job)
    _count_visit(request, page, job)  # here, people without scripts are counted too
    return page


def _too_many(
    request: HttpRequest, pub_key: str, form: EnterForm, too_many: TooMany
) -> HttpResponse:
    form.add_error("password", too_many.sentence)
    response = _locked_page(request, pub_key, form, status=429)
    response["Retry-After"] = str(too_many.wait_s)
    return response


def _locked_page(
    request: HttpRequest, pub_key: str, form: EnterForm, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "pub_key": pub_key}
    return render(request, "recon/locked.html", context, status=status)


@require_safe
@unlisted
@never_cache
def public_progress(request: HttpRequest, pub_key: str) -> HttpResponse:
    job = shared_job_or_404(request, pub_key)
    return answer_poll(request, job, _progress_context(job))


@require_http_methods(cross_origin.METHODS)
@unlisted
def public_file(request: HttpRequest, pub_key: str, kind: str) -> HttpResponseBase:
    """One of the files that a link may offer; its address says which. Pages of other sites may read
    what may be downloaded, unless the link has a password."""
    job = shared_job_or_404(request, pub_key)
    is_offered = sharing.may_download(job, kind)
    if not is_offered and kind != Artifact.Kind.POSTER:  # the picture on our page and in previews
        raise NotOffered
    asks_first = request.method == "OPTIONS" and job.is_completed
    response = cross_origin.preflight() if asks_first else serve_artifact(request, job, kind)
    is_open = is_offered and not job.share.password
    return cross_origin.allow_any_origin(response) if is_open else response


@require_safe
@unlisted
def public_scene(request: HttpRequest, pub_key: str, kind: str) -> HttpResponseBase:
    """What the page's viewer shows but nobody should download: the scene's file if its owner does
    not offer it, and the part of it that is shown first. No other file.
    """
    job = shared_job_or_404(request, pub_key)
    viewer = public_viewer(job)
    shown = (*VIEWER_SCENES, Artifact.Kind.FIRST)
    if (
        kind not in shown
        or not viewer
        or request.path not in (viewer["scene_url"], viewer["first_url"])
    ):
        raise NotThere(GONE)
    check_asked_by_page(request)
    return serve_artifact(request, job, kind)


@require_safe
@unlisted
def public_preview(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    """The picture in a pasted link's preview."""
    job = shared_job_or_404(request, pub_key)
    return serve_jpeg(request, preview_picture.preview_of(job), "preview.jpg")


@require_safe
@unlisted
@never_cache
def public_views(request: HttpRequest, pub_key: str) -> JsonResponse:
    """Where the photos were taken; nothing of the photos themselves."""
    return JsonResponse(cameras.public_views(shared_job_or_404(request, pub_key)))


def _progress_context(job: Job) -> ProgressContext:
    """What `_progress.html` and `_stage.html` show to somebody with the link: no log, no photo, no
    words about photos."""
    return with_version(
        {
            **moving_parts(job),
            "job": PublicJob.of(job),
            "live": live_parts.of_link(job),
            "log_tail": [],
            "can_edit": False,
        }
    )
