"""One job's page, its progress, and what can be done with it. All of a person's jobs are in
`recon.web.views.gallery`."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from recon.jobs import lifecycle, notices, submit
from recon.jobs import progress as job_progress
from recon.jobs.progress import StepRow
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import live as live_parts
from recon.web import pair_graph, particulars, runs, scene, unfolding
from recon.web.access import DELETE, own_job_or_404, signed_in
from recon.web.forms import AgainForm
from recon.web.held_out import held_out_of
from recon.web.measurement import measurement_of
from recon.web.metrics import metrics_of
from recon.web.polling import answer_poll, moving_parts, with_version
from recon.web.sharing import sharing_context
from recon.web.views import drafts


@require_safe
@signed_in
@never_cache
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Everything about one job; for a draft, the page where it collects its photos."""
    job = own_job_or_404(request, pk)
    if job.is_draft:
        return drafts.page(request, job)
    if job.has_ended and job.owner_id == request.user.pk:
        notices.mark_read(job.owner, job)
    return page(request, job)


def page(request: HttpRequest, job: Job, *, status: int = 200, **forms: Form) -> HttpResponse:
    """The page of a job that was started; `forms` are those that come back with errors."""
    context = progress_context(job)
    photos = [
        {
            "pk": photo.pk,
            "name": photo.original_name,
            "url": reverse("recon:thumb", args=(job.pk, photo.name)),
        }
        for photo in job.photos.all()
    ]
    context |= {
        "downloads": scene.own_downloads(job),
        "share_url": scene.share_url(job),
        "photos": photos,
        # The middle one: later, features are drawn on the middle one that has some.
        "waiting_photo": photos[len(photos) // 2]["url"] if photos else "",
        "picture": overlap_of(job),
        "presets": Job.Preset.choices,
    }
    if job.is_completed:
        show, for_staff = request.GET.get("show", ""), cast(User, request.user).is_staff
        context |= result_context(job, context["steps"], show, for_staff=for_staff)
        if context["viewer"] and job.owner_id == request.user.pk:
            context["viewer"]["cover_url"] = reverse("recon:cover", args=(job.pk,))
    context |= sharing_context(job, job.owner) | forms
    return render(request, "recon/job.html", context, status=status)


def result_context(job: Job, steps: list[StepRow], show: str, *, for_staff: bool) -> dict[str, Any]:
    """What only a finished job has to tell; `show` is the scene that is wished for."""
    choices = scene.scene_choices(job, show)
    viewer = scene.own_viewer(job)
    if viewer and (current := next((one for one in choices if one["current"]), None)):
        viewer |= {"scene_url": current["url"], "bytes": current["size"]}
    return {
        "viewer": viewer,
        "scene_choices": choices,
        "metrics": metrics_of(job, for_staff=for_staff),
        "measurement": measurement_of(job),
        "held_out": held_out_of(job),
        "timings": particulars.timings(steps),
        "settings_used": particulars.settings_used(job),
        "runs": runs.others_of(job),
        "again": AgainForm(initial=submit.wishes_of(job)),
        "embed_snippet": unfolding.snippet(job),
    }


def overlap_of(job: Job) -> pair_graph.Picture | None:
    """The picture of the matching, where it tells something: after a failure, or with photos
    that found no place."""
    if job.is_failed or (job.is_completed and pair_graph.falls_apart(job)):
        return pair_graph.of_matching(job)
    return None


@require_safe
@signed_in
@never_cache
def progress(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    job = own_job_or_404(request, pk)
    if job.is_draft:
        return redirect(job)  # nothing moves
    return answer_poll(request, job, progress_context(job))


@require_POST
@signed_in
def sample(request: HttpRequest) -> HttpResponse:
    """A job from photos that the project renders itself."""
    try:
        return redirect(submit.create_sample_job(cast(User, request.user)))
    except ReconError as error:  # no room on the disk, or a limit of the person's is reached
        messages.error(request, str(error))
        return redirect("recon:gallery")


@require_POST
@signed_in
def cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    job = own_job_or_404(request, pk)
    if lifecycle.cancel(job):
        messages.success(request, gettext("“{name}” was cancelled.").format(name=job.name))
    elif job.is_draft:
        messages.info(request, gettext("“{name}” has not been started yet.").format(name=job.name))
    else:
        messages.info(request, gettext("“{name}” had already finished.").format(name=job.name))
    return redirect(job)


@require_POST
@signed_in
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The job, its photos and its scene are gone after this, and so is its share link."""
    job = own_job_or_404(request, pk, change=DELETE)
    name = job.name
    lifecycle.delete(job)
    said = gettext("“{name}” was deleted, with its photos and files.")
    messages.success(request, said.format(name=name))
    return redirect("recon:usage" if request.POST.get("from") == "usage" else "recon:gallery")


@require_POST
@signed_in
def again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A new job on the same photos. What is not asked for stays as it was: a form with all
    wishes says so in `all`, since a box that is not ticked is not sent."""
    job = own_job_or_404(request, pk)
    form = AgainForm(request.POST)
    if job.is_draft:
        return redirect(job)
    if not form.is_valid():
        for sentence in form.sentences:
            messages.error(request, sentence)
        return redirect(job)
    sent = form.fields if "all" in request.POST else request.POST
    wishes = {
        name: wish
        for name, wish in form.cleaned_data.items()
        if name in sent and (wish or name not in ("title", "preset"))
    }
    try:
        return redirect(submit.run_again(job, **wishes))
    except ReconError as error:
        messages.error(request, str(error))
        return redirect(job)


def progress_context(job: Job) -> dict[str, Any]:
    """What `_progress.html` and `_stage.html` show of a job to its owner."""
    parts = {
        "job": job,
        "live": live_parts.of_owner(job),
        "log_tail": job_progress.log_tail(job),
        "can_edit": True,
    }
    return with_version(moving_parts(job) | parts)
