"""Drafts: photos in one by one, out again, and the start. Pages for people, JSON for scripts."""

from __future__ import annotations

import re
import uuid
from functools import wraps
from typing import Concatenate

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HTMX_STOP_POLLING, HttpResponseClientRefresh

from accounts.requests import P, SignedInRequest, View
from instarecon_site.form_addresses import form_on
from recon.jobs import titles
from recon.jobs.drafts import drafts, known_photos, photo_zips
from recon.jobs.drafts import videos as draft_videos
from recon.jobs.site_config import usual_wishes
from recon.jobs.teams import moving
from recon.models import Job, Photo
from recon.pipeline.errors import ReconError
from recon.web import belonging
from recon.web.access import maker_of, own_job_or_404, prefers_json, signed_in, unless_deleted
from recon.web.bodies import files_received, receives_body
from recon.web.drafts import upload_views
from recon.web.faults import status_of
from recon.web.job import draft_page
from recon.web.job.page import JobView, acts_on_job, refuse, say_done
from recon.web.job.photo_check import check_context
from recon.web.preset_times import start_context
from recon.web.wish_forms import WishesForm, same_photo


def polls_draft(view: JobView[P]) -> View[Concatenate[uuid.UUID, P]]:
    """For what a draft's page polls: `view` gets the draft instead of its key. Once the draft has
    started, another page takes its place, so the polling page reloads.
    """

    @require_safe
    @signed_in
    @never_cache
    @unless_deleted
    @wraps(view)
    def answered(
        request: SignedInRequest, pk: uuid.UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        draft = own_job_or_404(request, pk)
        if draft.is_draft:
            return view(request, draft, *args, **kwargs)
        response = HttpResponseClientRefresh()
        response.status_code = HTMX_STOP_POLLING
        return response

    return answered


@polls_draft
def check(request: SignedInRequest, draft: Job) -> HttpResponse:
    """What the photo check says so far, and how long the presets take with these photos."""
    photos = list(draft.photos.all())
    context = {
        "is_poll": True,
        "draft_name": titles.draft_name(draft, photos),
        **start_context(draft.owner_id, [(photo.width, photo.height) for photo in photos]),
    }
    return render(request, "recon/_check.html", check_context(draft) | context)


@form_on("recon:upload")
@upload_views.makes_job
def create(request: SignedInRequest) -> HttpResponse:
    """An empty draft with the wishes so far."""
    form = WishesForm(request.POST)
    if not form.is_valid():
        return upload_views.refuse(request, form.sentences, 400)
    draft = drafts.create_draft(
        request.user,
        team=belonging.team_sent(request, request.user),
        title=form.cleaned_data["title"],
        wishes=form.wishes(usual_wishes()),
    )
    if prefers_json(request):
        photos_url = reverse("recon:add_photos", args=(draft.pk,))
        answer = {"location": draft.get_absolute_url(), "photos_url": photos_url}
        return JsonResponse(answer, status=201)
    return redirect(draft)


@acts_on_job
def draft_from(request: SignedInRequest, job: Job) -> HttpResponse:
    """ "Add photos and run again": a draft with the photos of a job that has ended."""
    return redirect(drafts.draft_from(job, by=maker_of(request, job)))


@receives_body
@acts_on_job
def add(request: SignedInRequest, draft: Job) -> HttpResponse:
    """Photos for a draft: one a request from scripts, any number from a plain form."""
    with files_received(request):
        return _add(request, draft)


def _add(request: SignedInRequest, draft: Job) -> HttpResponse:
    """Raises ReconError where scripts ask."""
    sent = request.FILES.getlist("photos")
    if not sent:
        return refuse(request, draft, [gettext("No photo was sent.")], 400)
    if prefers_json(request):
        return _add_one(request, draft, sent)
    problems, status = [], 400
    for one in sent:
        try:
            said = _take_in(draft, one)
        except ReconError as error:
            problems.append(str(error))
            status = max(status, status_of(error))
            continue
        if said:
            messages.warning(request, said)
    return refuse(request, draft, problems, status) if problems else redirect(draft)


def _take_in(draft: Job, upload: UploadedFile) -> str:
    """Adds a photo, a video or a zip; a sentence if the draft already has it."""
    if photo_zips.is_zip(upload):
        photo_zips.add_zip(draft, upload)
        return ""
    if draft_videos.is_video(upload):
        video, is_new = draft_videos.add_video(draft, upload)
        said = gettext("Frames are already being taken from “{name}”.")
        return "" if is_new else said.format(name=video)
    photo, is_new = drafts.add_photo(draft, upload)
    return "" if is_new else same_photo(upload.name, str(photo))


def _add_one(request: SignedInRequest, draft: Job, sent: list[UploadedFile]) -> HttpResponse:
    """201 with the photo's tile; 200 where the draft has this very photo already. 202 for a
    video, whose frames are photos a little later; 201 with the numbers of the photos that came out
    of a zip. Raises ReconError."""
    if len(sent) > 1:
        return refuse(request, draft, [gettext("Send one photo in each request.")], 400)
    if photo_zips.is_zip(sent[0]):
        added = photo_zips.add_zip(draft, sent[0])
        return JsonResponse({"unpacked": [photo.pk for photo in added]}, status=201)
    if draft_videos.is_video(sent[0]):
        video, _ = draft_videos.add_video(draft, sent[0])
        return JsonResponse({"video": video.pk}, status=202)
    photo, is_new = drafts.add_photo(draft, sent[0], number=_wished_number(request))
    return _answer(photo, is_new)


@acts_on_job
def add_known(request: SignedInRequest, draft: Job) -> HttpResponse:
    """As `add`, by `sha256` and `name` instead of the bytes; 204 where they must be sent."""
    wanted, name = request.POST.get("sha256", ""), request.POST.get("name", "")
    found = known_photos.add_known(draft, wanted, name=name, number=_wished_number(request))
    if found is None:
        return HttpResponse(status=204)
    return _answer(*found)


def _answer(photo: Photo, is_new: bool) -> JsonResponse:
    tile = render_to_string("recon/_tile.html", {"photo": photo})
    answer = {"id": photo.pk, "sha256": photo.sha256, "tile": tile}
    return JsonResponse(answer, status=201 if is_new else 200)


@acts_on_job
def drop(request: SignedInRequest, draft: Job, photo_pk: int) -> HttpResponse:
    """Removes a photo. One that is already gone is not an error: two tabs may show it."""
    drafts.drop_photo(draft, photo_pk)
    return say_done(request, draft)


@acts_on_job
def start(request: SignedInRequest, draft: Job) -> HttpResponse:
    """Queues the draft with the wishes in the form. A second click finds it started."""
    form = WishesForm(request.POST)
    if not draft.is_draft:
        return redirect(draft)
    if not form.is_valid():
        return draft_page.page(request, draft, form=form, status=400)
    try:
        if belonging.FIELD in request.POST:
            team = belonging.team_sent(request, request.user)
            moving.move(draft, team, by=request.user)
        drafts.start(draft, title=form.cleaned_data["title"], wishes=form.wishes(draft.wishes))
    except ReconError as error:
        return draft_page.page(
            request, draft, form=form, problems=[str(error)], status=status_of(error)
        )
    return redirect(draft)


def _wished_number(request: SignedInRequest) -> int | None:
    """The photo's place in the choice, which scripts send along."""
    number = request.POST.get("number", "")
    return int(number) if re.fullmatch(r"[0-9]{1,4}", number) else None
