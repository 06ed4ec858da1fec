"""A draft's page, also after an action on it was refused."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render

from accounts.requests import SignedInRequest
from recon.jobs import titles
from recon.jobs.drafts import drafts, photo_zips
from recon.models import Job, Video
from recon.web import belonging, uploads
from recon.web.access import standing_of
from recon.web.job.photo_check import check_context
from recon.web.job.photo_tiles import tile_of
from recon.web.preset_times import start_context
from recon.web.wish_forms import WishesForm, shown_of


def page(
    request: SignedInRequest,
    draft: Job,
    *,
    form: WishesForm | None = None,
    problems: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    """The draft's photos and wishes; `problems` are sentences about the refused action. Who may
    only look at a team's scenes sees the photos so far."""
    prefetch_related_objects([draft], "photos")
    photos = list(draft.photos.all())
    standing = standing_of(request, draft)
    if not standing.can_change:
        tiles = [tile_of(photo) for photo in photos]
        seen = {"job": draft, "draft_name": titles.draft_name(draft, photos), "photos": tiles}
        return render(request, "recon/draft_seen.html", seen, status=status)
    context: dict[str, object] = {
        "job": draft,
        "form": form or WishesForm(initial=shown_of(draft)),
        "photos": photos,
        "draft_name": titles.draft_name(draft, photos),
        **start_context(draft.owner_id, [(photo.width, photo.height) for photo in photos]),
        "limits": uploads.limits(),
        "kept_until": drafts.kept_until(draft),
        "problems": problems,
    }
    context |= check_context(draft)
    context |= videos_context(draft)
    if standing.can_move:
        context |= belonging.choices_of(draft, request.user)
    return render(request, "recon/draft.html", context, status=status)


def videos_context(draft: Job) -> dict[str, object]:
    """What `_videos.html` shows: every video, whether one is in work, and all photos there are."""
    videos = list(draft.videos.all())
    return {
        "job": draft,
        "videos": videos,
        "in_work": any(video.state == Video.State.WAITING for video in videos),
        "photo_pks": [photo.pk for photo in draft.photos.all()],
        "poses": photo_zips.poses_of(draft),
        "without_poses": draft.wishes.without_poses,
    }
