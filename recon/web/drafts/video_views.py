"""The videos of a draft, while frames are taken from them. They come in as photos do (`drafts`)."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instarecon_site.form_addresses import form_on
from recon.jobs.drafts import videos as jobs_videos
from recon.pipeline.errors import ReconError
from recon.web.access import own_job_or_404, prefers_json, signed_in, unless_deleted
from recon.web.drafts import views as draft_views
from recon.web.faults import status_of
from recon.web.job import draft_page
from recon.web.job.page import refuse


@require_safe
@signed_in
@never_cache
def videos(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How far each is; polled while one is in work. A draft that has started has another page."""
    draft = own_job_or_404(request, pk)
    if not draft.is_draft:
        return draft_views.started()
    return render(request, "recon/_videos.html", draft_page.videos_context(draft))


@form_on("recon:job", "pk")
@signed_in
@unless_deleted
def drop(request: HttpRequest, pk: uuid.UUID, video_pk: int) -> HttpResponse:
    """Takes a video out. One that is gone already is no error: two tabs may show it."""
    draft = own_job_or_404(request, pk)
    try:
        jobs_videos.drop_video(draft, video_pk)
    except ReconError as error:
        return refuse(request, draft, [str(error)], status_of(error))
    return HttpResponse(status=204) if prefers_json(request) else redirect(draft)
