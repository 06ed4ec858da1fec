"""The videos of a draft, while frames are taken from them. They come in as photos do (`drafts`)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from accounts.requests import SignedInRequest
from recon.jobs.drafts import videos as jobs_videos
from recon.models import Job
from recon.web.drafts import views as draft_views
from recon.web.job import draft_page
from recon.web.job.page import acts_on_job, say_done


@draft_views.polls_draft
def videos(request: SignedInRequest, draft: Job) -> HttpResponse:
    """How far each is; polled while one is being worked on."""
    return render(request, "recon/_videos.html", draft_page.videos_context(draft))


@acts_on_job
def drop(request: SignedInRequest, draft: Job, video_pk: int) -> HttpResponse:
    """Removes a video. One that is already gone is not an error: two tabs may show it."""
    jobs_videos.drop_video(draft, video_pk)
    return say_done(request, draft)
