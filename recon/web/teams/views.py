"""A person's teams, and what an owner does with one: its name, its limits, its log, its end."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import SignedInRequest
from instarecon_site import wrong_fields
from instarecon_site.form_addresses import form_on
from recon.jobs.people import quotas
from recon.jobs.teams import invitations
from recon.jobs.teams import teams as team_rows
from recon.models import Job, Membership, Team
from recon.pipeline.errors import ReconError
from recon.web.access import membership_or_404, signed_in
from recon.web.faults import status_of
from recon.web.teams.forms import HANDLE_TAKEN, DeleteForm, TeamForm
from recon.web.teams.page import acts_on_team, lines, log_of, page

SCENES_A_PAGE, LINES_A_PAGE = 20, 50


@require_safe
@signed_in
@never_cache
def teams(request: SignedInRequest) -> HttpResponse:
    """recon/teams.html: `memberships` (team, role), `invitations` for this person, and `form` where
    they may make teams."""
    return _teams_page(request, TeamForm())


def _teams_page(request: SignedInRequest, form: TeamForm, status: int = 200) -> HttpResponse:
    mine = Membership.objects.filter(user=request.user, team__closing_since=None)
    counted = mine.annotate(
        people=Count("team__memberships", distinct=True), scenes=Count("team__jobs", distinct=True)
    )
    context = {
        "memberships": counted.select_related("team").order_by("team__name", "team__pk"),
        "invitations": invitations.waiting_for(request.user),
        "form": form if settings.MAX_TEAMS or request.user.is_staff else None,
    }
    return render(request, "recon/teams.html", context, status=status)


@form_on("recon:teams")
@signed_in
@never_cache
def create(request: SignedInRequest) -> HttpResponse:
    """A new team, whose owner the person is."""
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            team = team_rows.create(request.user, **form.cleaned_data)
        except IntegrityError:
            form.add_error("handle", HANDLE_TAKEN)  # somebody else got there first
        except ReconError as error:
            form.add_error(None, str(error))
            return _teams_page(request, form, status_of(error))
        else:
            said = gettext("The team “{team}” is there. Invite the others next.")
            messages.success(request, said.format(team=team))
            return redirect(team)
    wrong_fields.focus_first(form)
    return _teams_page(request, form, 400)


@require_safe
@signed_in
@never_cache
def team(request: SignedInRequest, handle: str) -> HttpResponse:
    """Who is in it, what it uses; for its owners also invitations, the latest of the log, and how
    it is called."""
    return page(request, membership_or_404(request, handle))


@acts_on_team()
def edit(request: SignedInRequest, member: Membership) -> HttpResponse:
    """Another name or address."""
    # A row of its own: a form that is refused must not change the page's.
    form = TeamForm(request.POST, instance=Team.objects.get(pk=member.team_id), auto_id="team-%s")
    if form.is_valid():
        try:
            with transaction.atomic():
                team_rows.change(member.team, **form.cleaned_data, by=request.user)
        except IntegrityError:
            form.add_error("handle", HANDLE_TAKEN)
        else:
            messages.success(request, gettext("The team’s name and address are saved."))
            return redirect(member.team)
    wrong_fields.focus_first(form)
    return page(request, member, status=400, team_form=form)


@require_safe
@signed_in
@never_cache
def usage(request: SignedInRequest, handle: str) -> HttpResponse:
    """recon/usage.html, of a team: `usage`, and `page` of its jobs, the biggest first."""
    member = membership_or_404(request, handle)
    sized = quotas.with_sizes(Job.objects.filter(team=member.team)).select_related("figures")
    page = Paginator(sized.order_by("-size", "-created_at"), SCENES_A_PAGE)
    context = {
        "team": member.team,
        "usage": quotas.usage(member.team),
        "page": page.get_page(request.GET.get("page")),
        "can_change": member.may_edit,
    }
    return render(request, "recon/usage.html", context)


@require_safe
@signed_in
@never_cache
def log(request: SignedInRequest, handle: str) -> HttpResponse:
    """recon/team_log.html: `page` of what happened, and `log`, its lines."""
    member = membership_or_404(request, handle, as_owner=True)
    page = Paginator(log_of(member.team), LINES_A_PAGE).get_page(request.GET.get("page"))
    context = {"team": member.team, "page": page, "log": lines(list(page.object_list))}
    return render(request, "recon/team_log.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def delete(request: SignedInRequest, handle: str) -> HttpResponse:
    """recon/team_delete.html: `form` (handle), `scenes`, `running` and `shared` of what will be
    deleted, and how many `people` are in the team."""
    member = membership_or_404(request, handle, as_owner=True)
    form = DeleteForm(request.POST or None, team=member.team)
    if form.is_valid():
        team_rows.delete(member.team, by=request.user)
        said = gettext("The team “{team}” and all its scenes have been deleted.")
        messages.success(request, said.format(team=member.team.name))
        return redirect("recon:teams")
    wrong_fields.focus_first(form)
    scenes = Job.objects.filter(team=member.team)
    context = {
        "team": member.team,
        "form": form,
        "scenes": scenes.count(),
        "running": scenes.filter(status__in=Job.ACTIVE).count(),
        "shared": scenes.filter(share__is_on=True).count(),
        "people": member.team.memberships.count(),
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "recon/team_delete.html", context, status=status)
