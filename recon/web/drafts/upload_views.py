"""Photos in: the form, and what it answers to people with and without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.requests import P, SignedInRequest, SignedInView, View
from instarecon_site.form_addresses import form_on
from recon.jobs import submit
from recon.jobs.drafts import videos
from recon.jobs.site_config import usual_wishes
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import belonging, uploads
from recon.web.access import prefers_json, signed_in
from recon.web.bodies import files_received, receives_body
from recon.web.faults import headers_of, status_of
from recon.web.preset_times import start_context
from recon.web.uploads import UploadRefused
from recon.web.wish_forms import UploadForm


def makes_job(view: SignedInView[P]) -> View[P]:
    """For a view that makes a job or a draft of what is sent: UploadRefused and ReconErrors (no
    room on the disk, a limit of the person's) are shown on the page of a new scene."""

    @signed_in
    @wraps(view)
    def answered(
        request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except UploadRefused as refused:
            return refuse(request, refused.sentences, refused.status)
        except ReconError as error:
            return refuse(request, [str(error)], status_of(error), headers_of(error))

    return answered


@receives_body
@require_http_methods(["GET", "HEAD", "POST"])
@makes_job
def upload(request: SignedInRequest) -> HttpResponse:
    """The form; with a body, a new job. 400 and 413 show the form again with every error."""
    if request.method != "POST":
        form = UploadForm(initial={"preset": settings.DEFAULT_PRESET})
        return _form_page(request, form, 200)
    with files_received(request):
        return _submit(request)


def _submit(request: SignedInRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refuse(request, form, 400)
    try:
        job = _make_job(request, form)
    except ReconError as error:  # no room on the disk, or a limit of the person's is reached
        form.add_error("photos", str(error))
        return _refuse(request, form, status_of(error))
    for sentence in form.left_out:
        messages.warning(request, sentence)
    if prefers_json(request):
        return JsonResponse({"location": job.get_absolute_url()}, status=201)
    return redirect(job)


def _make_job(request: SignedInRequest, form: UploadForm) -> Job:
    """A waiting job; with a video, a draft that starts when its frames are there. Raises
    ReconError."""
    owner, team = request.user, belonging.team_sent(request, request.user)
    title, photos = form.cleaned_data["title"], form.cleaned_data["photos"]
    wishes = form.wishes(usual_wishes())
    if form.videos or form.zips:
        return videos.create_job(
            owner, photos, form.videos, zips=form.zips, team=team, title=title, wishes=wishes
        )
    return submit.create_job(owner, photos, team=team, title=title, wishes=wishes)


def refuse(
    request: SignedInRequest,
    sentences: Sequence[str],
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The page of a new scene with what could be read of the text fields, and why there is none."""
    if prefers_json(request):
        return JsonResponse({"errors": list(sentences)}, status=status, headers=headers)
    post = getattr(request, "_post", None)
    sent = {"preset": settings.DEFAULT_PRESET} | (post.dict() if post else {})
    form = UploadForm(sent, refused=sentences)
    form.full_clean()
    response = _form_page(request, form, status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def _refuse(request: SignedInRequest, form: UploadForm, status: int) -> HttpResponse:
    if prefers_json(request):
        return JsonResponse({"errors": form.sentences}, status=status)
    return _form_page(request, form, status)


def _form_page(request: SignedInRequest, form: UploadForm, status: int) -> HttpResponse:
    context = {"form": form, "limits": uploads.limits(), **start_context(request.user.pk)}
    context |= belonging.choices_for_new(request)
    return render(request, "recon/upload.html", context, status=status)


@form_on("recon:upload")
@makes_job
def sample(request: SignedInRequest) -> HttpResponse:
    """A job from photos that the project renders itself."""
    return redirect(submit.create_sample_job(request.user))
