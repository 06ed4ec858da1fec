"""Members: their roles, taken out, leaving, invited, joining."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.requests import SignedInRequest
from instarecon_site import wrong_fields
from recon.jobs.teams import invitations, members
from recon.models import Membership, TeamInvitation
from recon.pipeline.errors import UserError
from recon.web.access import signed_in, unlisted
from recon.web.teams.forms import InviteForm, RoleForm
from recon.web.teams.page import acts_on_team, page


@acts_on_team()
def change_role(request: SignedInRequest, member: Membership, number: int) -> HttpResponse:
    """`role` of the member with this number."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        return page(request, member, problems=[gettext("Choose one of the roles.")], status=400)
    whom = _user_of(member, number)
    role = form.cleaned_data["role"]
    changed = members.change_role(member.team, whom, role, by=request.user)
    if changed is None:
        return _gone(request, member)
    said = gettext("{whom} has this role now: {role}.")
    label = Membership.Role(changed.role).label
    messages.success(request, said.format(whom=changed.user.email, role=label))
    return redirect(member.team)


@acts_on_team()
def remove(request: SignedInRequest, member: Membership, number: int) -> HttpResponse:
    """Takes somebody out of the team; their scenes stay."""
    removed = members.remove(member.team, _user_of(member, number), by=request.user)
    if removed is None:
        return _gone(request, member)
    if removed.user_id == request.user.pk:
        return _left(request, member)
    said = gettext("{whom} is no longer in the team. Their scenes in it are yours now.")
    messages.success(request, said.format(whom=removed.user.email))
    return redirect(member.team)


@acts_on_team(as_owner=False)
def leave(request: SignedInRequest, member: Membership) -> HttpResponse:
    members.remove(member.team, request.user.pk, by=request.user)
    return _left(request, member)


@acts_on_team()
def invite(request: SignedInRequest, member: Membership) -> HttpResponse:
    """Raises TooMany."""
    form = InviteForm(request.POST, team=member.team)
    if not form.is_valid():
        wrong_fields.focus_first(form)
        return page(request, member, status=400, invite_form=form)
    try:
        made = invitations.invite(member.team, **form.cleaned_data, by=request.user)
    except invitations.TooManyOpen:
        said = gettext("At most {most} invitations can be open at a time. Withdraw some first.")
        form.add_error(None, said.format(most=invitations.MOST))
        return page(request, member, status=409, invite_form=form)
    if made.mail_due_at:
        said = gettext("The invitation for {email} is on its way. You can also hand on its link.")
    elif made.email:
        said = gettext("The invitation for {email} is ready. Hand on its link, below.")
    else:
        said = gettext("The invitation is ready. Hand on its link, below.")
    messages.success(request, said.format(email=made.email))
    return redirect(reverse("recon:team", args=(member.team.handle,)) + "#invitations")


@acts_on_team()
def withdraw(request: SignedInRequest, member: Membership, number: int) -> HttpResponse:
    """Doing it twice does no harm."""
    invitations.withdraw(member.team, number, by=request.user)
    messages.success(request, gettext("The invitation no longer works."))
    return redirect(reverse("recon:team", args=(member.team.handle,)) + "#invitations")


@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
@never_cache
def join(request: HttpRequest, link: str) -> HttpResponse:
    """recon/team_join.html: `invitation`, if its link still works. A POST accepts it; with
    `answer=no` the person whom it was made for declines."""
    invitation = TeamInvitation.behind(link)
    if request.method != "POST" or invitation is None:
        context = {"invitation": invitation}
        status = 200 if invitation else 410
        return render(request, "recon/team_join.html", context, status=status)
    return _answer(request, invitation)  # type: ignore[arg-type, return-value]


@signed_in
def _answer(request: SignedInRequest, invitation: TeamInvitation) -> HttpResponse:
    if request.POST.get("answer") == "no":
        invitations.decline(invitation, request.user)
        messages.success(request, gettext("You declined the invitation."))
        return redirect("recon:teams")
    try:
        has_joined = invitations.accept(invitation, request.user)
    except UserError:
        has_joined = False
    if not has_joined:
        return render(request, "recon/team_join.html", {"invitation": None}, status=410)
    said = gettext("You are in the team “{team}” now.").format(team=invitation.team)
    messages.success(request, said)
    return redirect(invitation.team)


def _user_of(member: Membership, number: int) -> int:
    """Whose place in the team has this number; 0 where there is none (any more)."""
    found = Membership.objects.filter(team=member.team, pk=number).first()
    return found.user_id if found else 0


def _gone(request: SignedInRequest, member: Membership) -> HttpResponse:
    said = gettext("They are not in the team any more.")
    return page(request, member, problems=[said], status=409)


def _left(request: SignedInRequest, member: Membership) -> HttpResponse:
    said = gettext("You left the team “{team}”.").format(team=member.team)
    messages.success(request, said)
    return redirect("recon:teams")
