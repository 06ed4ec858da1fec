"""One job's page, its progress, and what can be done with it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from instarecon_site.form_addresses import form_on
from recon.jobs import attempts, deletion, lifecycle, submit
from recon.jobs.people import notices
from recon.jobs.storage import retention
from recon.jobs.teams import moving
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import belonging
from recon.web.access import DELETE, VIEW, maker_of, own_job_or_404, prefers_json, signed_in
from recon.web.faults import headers_of, status_of
from recon.web.job import draft_page
from recon.web.job.page import acts_on_job, page, progress_context, refuse
from recon.web.running.poll_answers import answer_poll
from recon.web.wish_forms import AgainForm, shown_of


@require_safe
@signed_in
@never_cache
def job(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Everything about one job; for a draft, the page where it collects its photos."""
    job = own_job_or_404(request, pk)
    if job.is_draft:
        return draft_page.page(request, job)
    return page(request, job)


@form_on("recon:job", "pk")
@signed_in
def read_notice(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """The person has seen how the job ended. The page's script sends this, and gets the bell
    anew; without scripts there is a button."""
    job = own_job_or_404(request, pk, change=VIEW)
    if job.owner_id == request.user.pk:
        notices.mark_read(job.owner, job)
    if not prefers_json(request):
        return redirect(job)
    return JsonResponse({"bell": render_to_string("_bell.html", request=request)})


@require_safe
@signed_in
@never_cache
def progress(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    job = own_job_or_404(request, pk)
    if job.is_draft:
        return redirect(job)  # nothing moves
    return answer_poll(request, job, progress_context(job))


@acts_on_job
def cancel(request: SignedInRequest, job: Job) -> HttpResponse:
    """Doing it twice does no harm."""
    if not lifecycle.cancel(job):
        job.refresh_from_db()
        if job.is_draft:
            return refuse(request, job, [_not_started(job)], 409)
        if job.status != Job.Status.CANCELLED:
            said = gettext("“{name}” had already finished.").format(name=job.name)
            return refuse(request, job, [said], 409)
    messages.success(request, gettext("“{name}” was cancelled.").format(name=job.name))
    return redirect(job)


@acts_on_job
def make_anyway(request: SignedInRequest, job: Job) -> HttpResponse:
    """What is no scene is delivered all the same. Doing it twice does no harm."""
    if not attempts.make_anyway(job):
        job.refresh_from_db()
        if not (job.wishes.make_anyway and job.status in Job.ACTIVE):
            said = gettext("“{name}” did not end because its photos make no scene.")
            return refuse(request, job, [said.format(name=job.name)], 409)
    return redirect(job)


def _not_started(draft: Job) -> str:
    return gettext("“{name}” has not been started yet.").format(name=draft.name)


@form_on("recon:job", "pk")
@signed_in
def delete(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """The job, its photos and its scene are gone after this, and so is its share link."""
    job = own_job_or_404(request, pk, change=DELETE)
    name = job.name
    deletion.delete(job, by=request.user)
    said = gettext("“{name}” was deleted, with its photos and files.")
    messages.success(request, said.format(name=name))
    if request.POST.get("from") == "usage":
        return redirect("recon:usage")
    if request.POST.get("from") == "team" and job.team:
        return redirect("recon:team_usage", job.team.handle)
    return redirect(belonging.gallery_of(job))


@acts_on_job
def move(request: SignedInRequest, job: Job) -> HttpResponse:
    """`team`: the handle of the team that the scene belongs to from now on; empty: to nobody but
    its owner."""
    team = belonging.team_sent(request, request.user)
    if moving.move(job, team, by=request.user):
        if team:
            said = gettext("“{name}” belongs to the team “{team}” now.")
            messages.success(request, said.format(name=job.name, team=team))
        else:
            messages.success(request, gettext("“{name}” is yours alone now.").format(name=job.name))
    return redirect(job)


@acts_on_job
def keep(request: SignedInRequest, job: Job) -> HttpResponse:
    """The scene is not deleted for its age, or (`keep=no`) it may be again."""
    if job.is_draft:
        return refuse(request, job, [_not_started(job)], 409)
    retention.keep(job, is_kept=request.POST.get("keep") != "no")
    if job.is_kept:
        said = gettext("“{name}” is kept: it is not deleted for its age.")
    else:
        said = gettext("“{name}” is not kept any longer.")
    messages.success(request, said.format(name=job.name))
    return redirect(job)


@acts_on_job
def again(request: SignedInRequest, job: Job) -> HttpResponse:
    """A new job on the same photos. What is not sent stays as it was: a form with all
    wishes says so in `all`, since a box that is not ticked is not sent."""
    if job.is_draft:
        return refuse(request, job, [_not_started(job)], 409)
    form = AgainForm(request.POST)
    if not form.is_valid():
        return refuse(request, job, form.sentences, 400, again=_as_sent(request, job))
    sent = form.fields if "all" in request.POST else request.POST
    title = form.cleaned_data["title"] or None
    try:
        made = submit.run_again(
            job, title=title, wishes=form.wishes(job.wishes, sent), by=maker_of(request, job)
        )
        return redirect(made)
    except ReconError as error:
        said, form = [str(error)], _as_sent(request, job)
        return refuse(request, job, said, status_of(error), headers_of(error), again=form)


def _as_sent(request: SignedInRequest, job: Job) -> AgainForm:
    """The form as it was filled in; with the job's own wishes where a form has not all of them."""
    sent = request.POST.dict()
    return AgainForm(sent if "all" in sent else shown_of(job) | sent)
