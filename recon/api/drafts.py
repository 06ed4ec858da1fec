"""Drafts for programs: photos one by one, in any order, several at a time."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.auth import endpoint
from recon.api.bodies import receive, receive_none
from recon.api.errors import ApiError, explained
from recon.api.reading import own_job, tags_of, title_and_wishes, truth
from recon.api.sharing import refuse_public_page, sharing_of
from recon.api.views import new_job_facts, photo_facts, status_of, video_facts
from recon.jobs import decoders, tags
from recon.jobs.drafts import drafts, known_photos, photo_order, photo_zips, videos
from recon.jobs.site_config import usual_wishes
from recon.models import Job
from recon.pipeline.errors import UserError
from recon.web.access import maker_of


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def create_draft(request: SignedInRequest) -> HttpResponse:
    """A draft with these wishes and no photos yet."""
    data = receive(request)
    title, wishes = title_and_wishes(data, usual_wishes())
    names = tags_of(data)
    draft = drafts.create_draft(request.user, title=title or "", wishes=wishes)
    tags.put(draft, names or [])
    return JsonResponse(status_of(draft), status=201)


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def draft_from(request: SignedInRequest, job_id: str) -> HttpResponse:
    """A draft with the photos, wishes and features of a job that has ended."""
    receive(request)
    job = own_job(request, job_id)
    draft = drafts.draft_from(job, by=maker_of(request, job))
    return JsonResponse(status_of(draft), status=201)


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def add_photo(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Multipart `file` in, the photo's facts out: 201, or 200 for one that was there already.

    With `sha256` and no file, the photo of that digest that the caller has sent before, or 404.
    A video: 202 and its facts; its frames become photos a little later. A zip: 201 and the facts of
    its `photos`. `poses`, beside a file or without: the files of camera positions.
    """
    draft = own_job(request, job_id)
    data = receive(request)
    files, poses = request.FILES.getlist("file"), request.FILES.getlist("poses")
    if poses:
        with decoders.place_for(request.user.pk):
            listed = photo_zips.add_poses(draft, poses)
        if not files:
            return JsonResponse({"poses": listed}, status=201)
    if not files and "sha256" in data:
        return _add_known(draft, data)
    if len(files) != 1:
        raise ApiError(
            400, gettext("Send one photo as `file`, not {count}.").format(count=len(files))
        )
    with decoders.place_for(request.user.pk):
        if photo_zips.is_zip(files[0]):
            added = photo_zips.add_zip(draft, files[0])
            return JsonResponse({"photos": [photo_facts(photo) for photo in added]}, status=201)
        if videos.is_video(files[0]):
            return JsonResponse(video_facts(videos.add_video(draft, files[0])[0]), status=202)
        photo, is_new = drafts.add_photo(draft, files[0])
    return JsonResponse(photo_facts(photo), status=201 if is_new else 200)


def _add_known(draft: Job, data: QueryDict) -> HttpResponse:
    name = data.get("name", "photo")
    found = known_photos.add_known(draft, str(data["sha256"]), name=name)
    if found is None:
        raise ApiError(404, gettext("This photo is not here yet: send it as `file`."))
    photo, is_new = found
    return JsonResponse(photo_facts(photo), status=201 if is_new else 200)


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def order_photos(request: SignedInRequest, job_id: str) -> HttpResponse:
    """`photo_id`, repeated: the photos in the wanted order."""
    draft = own_job(request, job_id)
    numbers = photo_order.numbers_in(receive(request).getlist("photo_id"))
    if not numbers:
        raise ApiError(
            400, gettext("Send the photos' numbers as `photo_id`, in the order that you want.")
        )
    photo_order.reorder(draft, numbers)
    return JsonResponse(status_of(draft))


@endpoint("DELETE", scope=Scope.UPLOAD)
@explained
def drop_video(request: SignedInRequest, job_id: str, video_id: int) -> HttpResponse:
    receive_none(request)
    if not videos.drop_video(own_job(request, job_id), video_id):
        raise ApiError(404, gettext("There is no such video in this draft."))
    return HttpResponse(status=204)


@endpoint("DELETE", scope=Scope.UPLOAD)
@explained
def drop_photo(request: SignedInRequest, job_id: str, photo_id: int) -> HttpResponse:
    receive_none(request)
    if not drafts.drop_photo(own_job(request, job_id), photo_id):
        raise ApiError(404, gettext("There is no such photo in this draft."))
    return HttpResponse(status=204)


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def start(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Queues the draft. Wishes that are not sent stay as they are, so it is private unless `share`
    is true: only the prototype's own `POST /recon/jobs` shares unasked, also where a video made a
    draft of it."""
    draft = own_job(request, job_id)
    data = receive(request)
    shared = truth(data, "share", default=draft.share.is_on)
    sharing = sharing_of(data)
    refuse_public_page(draft, sharing)
    title, wishes = title_and_wishes(data, draft.wishes)
    names = tags_of(data)
    is_started = drafts.start(
        draft, title=title, wishes=wishes, shared=shared, sharing=sharing, by=request.user
    )
    if not is_started:
        raise UserError("draft_started")
    if names is not None:
        tags.put(draft, names)
    draft.refresh_from_db()
    return JsonResponse(new_job_facts(draft))
