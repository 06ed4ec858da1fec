"""The page of a started job, as its owner sees it: as it is, or with a refusal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Concatenate, TypedDict

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.requests import P, SignedInRequest, View
from accounts.second_factor.staff import acts_as_staff
from instarecon_site.form_addresses import form_on
from recon.jobs import steps_and_log
from recon.jobs.people import notices
from recon.jobs.steps_and_log import StepRow
from recon.jobs.storage import retention
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import belonging, scene
from recon.web.access import (
    own_job_or_404,
    prefers_json,
    signed_in,
    standing_of,
    unless_deleted,
)
from recon.web.faults import headers_of, status_of
from recon.web.job import draft_page
from recon.web.job.photo_tiles import tile_of
from recon.web.overlap import pair_graph
from recon.web.preset_times import preset_options
from recon.web.result import how_made, runs
from recon.web.result.held_out import HeldOut, held_out_of
from recon.web.result.measurement import Measurement, measurement_of
from recon.web.result.measures import Measure, measures_of
from recon.web.result.metrics import Metric, metrics_of
from recon.web.running import live as live_parts
from recon.web.running.poll_answers import ProgressContext, moving_parts, with_version
from recon.web.sharing import link_preview
from recon.web.sharing.forms import sharing_context
from recon.web.uploads import UploadRefused
from recon.web.wish_forms import AgainForm, shown_of


def page(request: SignedInRequest, job: Job, *, status: int = 200, **forms: Form) -> HttpResponse:
    """The page of a started job; `forms` are those that come back with errors."""
    prefetch_related_objects([job], "artifacts", "tags")  # several parts of it look at them
    progress = progress_context(job)
    standing = standing_of(request, job)
    context: dict[str, object] = {**progress, **vars(standing)}
    rows = list(job.photos.all())
    photos = [tile_of(photo) for photo in rows]
    context |= {
        "downloads": scene.own_downloads(job),
        "share_url": scene.share_url(job),
        "photos": photos,
        # The middle one: later, features are drawn on the middle one that has some.
        "waiting_photo": photos[len(photos) // 2]["url"] if photos else "",
        "picture": overlap_of(job),
        "again": AgainForm(initial=shown_of(job)),
    }
    if job.has_ended:
        is_owner = job.owner_id == request.user.pk
        context["has_unread_notice"] = is_owner and notices.has_unread(job.owner, job)
        context["delete_at"] = retention.delete_at(job)
        context["presets"] = preset_options([(photo.width, photo.height) for photo in rows])
    if job.is_completed:
        show, for_staff = request.GET.get("show", ""), acts_as_staff(request)
        result = result_context(job, progress["steps"], show, for_staff=for_staff)
        if result["viewer"] and standing.is_theirs and standing.can_change:
            result["viewer"]["cover_url"] = reverse("recon:cover", args=(job.pk,))
        context |= result
    if standing.can_move and job.has_ended:
        context |= belonging.choices_of(job, request.user)
    context |= sharing_context(job, job.owner) | forms
    return render(request, "recon/job.html", context, status=status)


def refuse(
    request: SignedInRequest,
    job: Job,
    sentences: Sequence[str],
    status: int,
    headers: Mapping[str, str] | None = None,
    **forms: Form,
) -> HttpResponse:
    """An action on a job or a draft was refused: its page as it is now, with `sentences` that say
    why and `forms` as they were sent. For scripts only the sentences.
    """
    if prefers_json(request):
        return JsonResponse({"errors": list(sentences)}, status=status, headers=headers)
    job.refresh_from_db()
    if job.is_draft:
        response = draft_page.page(request, job, problems=sentences, status=status)
    else:
        for sentence in sentences:
            messages.error(request, sentence)
        response = page(request, job, status=status, **forms)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


JobView = Callable[Concatenate[SignedInRequest, Job, P], HttpResponseBase]


def acts_on_job(view: JobView[P]) -> View[Concatenate[uuid.UUID, P]]:
    """For a POST to one job by whoever may change it: `view` gets the job instead of its key.

    UploadRefused and ReconErrors that the view raises are shown on the job's page.
    """

    @form_on("recon:job", "pk")
    @signed_in
    @unless_deleted
    @wraps(view)
    def answered(
        request: SignedInRequest, pk: uuid.UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        job = own_job_or_404(request, pk)
        try:
            return view(request, job, *args, **kwargs)
        except UploadRefused as refused:
            return refuse(request, job, refused.sentences, refused.status)
        except ReconError as error:
            return refuse(request, job, [str(error)], status_of(error), headers_of(error))

    return answered


def say_done(request: HttpRequest, job: Job) -> HttpResponse:
    """Nothing for scripts, which know what they requested; the job's page for people."""
    return HttpResponse(status=204) if prefers_json(request) else redirect(job)


class ResultContext(TypedDict):
    """What only a finished job has to show."""

    viewer: scene.Viewer | None
    scene_choices: list[scene.SceneChoice]
    metrics: list[Metric]
    measurement: Measurement
    measures: list[Measure]
    held_out: list[HeldOut]
    timings: list[how_made.Timing]
    settings_used: list[tuple[str, str]]
    runs: list[Job]
    embed_snippet: str


def result_context(job: Job, steps: list[StepRow], show: str, *, for_staff: bool) -> ResultContext:
    """`show` is the scene wanted."""
    choices = scene.scene_choices(job, show)
    viewer = scene.own_viewer(job)
    if viewer and (current := next((one for one in choices if one["current"]), None)):
        viewer |= {"scene_url": current["url"], "bytes": current["size"]}
        if not current["delivered"]:  # what is shown first is a part of the delivered scene
            viewer |= {"first_url": "", "first_bytes": 0, "to_load": current["size"]}
    return {
        "viewer": viewer,
        "scene_choices": choices,
        "metrics": metrics_of(job, for_staff=for_staff),
        "measurement": measurement_of(job),
        "measures": measures_of(job),
        "held_out": held_out_of(job),
        "timings": how_made.timings(steps),
        "settings_used": how_made.settings_used(job),
        "runs": runs.others_of(job),
        "embed_snippet": link_preview.snippet(job),
    }


def overlap_of(job: Job) -> pair_graph.Picture | None:
    """The picture of the matching, if it is useful: after a failure, for a poor scene, or with
    photos that found no place.
    """
    is_poor = job.verdict is not None and job.verdict.is_poor
    if job.is_failed or is_poor or (job.is_completed and pair_graph.falls_apart(job)):
        return pair_graph.of_matching(job)
    return None


def progress_context(job: Job) -> ProgressContext:
    """What `_progress.html` and `_stage.html` show of a job to its owner."""
    return with_version(
        {
            **moving_parts(job),
            "job": job,
            "live": live_parts.of_owner(job),
            "log_tail": steps_and_log.log_tail(job),
            "can_edit": True,
        }
    )
