"""Teams: made, changed, left, deleted; who is in them, and the log of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs import account_deletion
from recon.jobs.people import team_log
from recon.jobs.reconcile import reconcile
from recon.jobs.teams import members, teams
from recon.models import Job, Membership, Notice, Team, TeamEvent
from recon.pipeline.errors import UserError
from tests.site.making import PASSWORD, browser_of, finished_job, job_of, person, team_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

Role = Membership.Role


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def bob() -> User:
    return person("bob@example.org")


@pytest.fixture
def team(ann: User, bob: User) -> Team:
    return team_of(ann, editor=bob)


def place_of(user: User, team: Team) -> int:
    return Membership.objects.get(user=user, team=team).pk


def act(browser: Client, view: str, /, *args: Any, **sent: Any) -> Any:
    return browser.post(reverse(f"recon:{view}", args=["acme", *args]), sent, follow=True)


def said(page: Any) -> str:
    return " ".join(page.content.decode().split())


def kinds(team: Team) -> list[str]:
    return [event.kind for event in TeamEvent.objects.filter(team=team)]


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    return caught.value.code


def test_somebody_makes_a_team_and_owns_it(ann: User) -> None:
    browser = browser_of(ann)
    page = browser.post("/teams/new/", {"name": "Acme", "handle": "acme"}, follow=True)
    assert page.redirect_chain == [("/teams/acme/", 302)]
    assert Membership.objects.get().is_owner
    assert "Acme" in said(browser.get("/teams/"))
    assert kinds(Team.objects.get()) == ["team_made"]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"name": "", "handle": "other"}, "This field is required."),
        ({"name": "B", "handle": "No Spaces"}, "lower-case letters"),
        ({"name": "B", "handle": "acme"}, "Another team has this address."),
        ({"name": "B", "handle": "join"}, "Another team has this address."),
    ],
)
def test_a_wrong_name_or_address_is_said_at_its_field(
    team: Team, ann: User, sent: dict[str, str], why: str
) -> None:
    browser = browser_of(ann)
    page = browser.post("/teams/new/", sent)
    assert page.status_code == 400
    assert why in said(page)
    if sent["handle"] != "acme":
        again = act(browser, "edit_team", **sent)
        assert again.status_code == 400
        assert why in said(again)
    assert Team.objects.get() == team


def test_nobody_makes_teams_without_end(team: Team, ann: User, settings: Any) -> None:
    settings.MAX_TEAMS = 1
    page = browser_of(ann).post("/teams/new/", {"name": "B", "handle": "bees"})
    assert page.status_code == 409
    assert "You can own at most 1 team, and you already do." in said(page)
    settings.MAX_TEAMS = 0
    assert "Make a team" not in said(browser_of(ann).get("/teams/"))
    ann.is_staff = True
    ann.save()
    assert browser_of(ann).post("/teams/new/", {"name": "B", "handle": "bees"}).status_code == 302


def test_another_name_and_address(team: Team, ann: User) -> None:
    browser = browser_of(ann)
    page = act(browser, "edit_team", name="Acme Ltd", handle="acme-ltd")
    assert page.redirect_chain == [("/teams/acme-ltd/", 302)]
    assert browser.get("/teams/acme/").status_code == 404
    assert "called the team “Acme Ltd”, with the address acme-ltd" in said(page)


def test_an_owner_changes_roles_and_removes_people(team: Team, ann: User, bob: User) -> None:
    browser, job = browser_of(ann), finished_job(bob, team=team)
    page = act(browser, "role", place_of(bob, team), role="viewer")
    assert "changed the role of bob@example.org from Editor to Viewer" in said(page)
    assert not Membership.objects.get(user=bob).may_edit
    number = place_of(bob, team)
    page = act(browser, "remove_member", number)
    assert "bob@example.org is no longer in the team" in said(page)
    job.refresh_from_db()
    assert (job.owner, job.team) == (ann, team), "the scene stays"
    assert act(browser, "remove_member", number).status_code == 409, "another tab was first"
    assert act(browser, "role", number, role="owner").status_code == 409
    assert act(browser, "role", place_of(ann, team), role="boss").status_code == 400
    assert kinds(team) == ["removed", "role_changed", "team_made"]


def test_somebody_leaves_and_their_scenes_stay(team: Team, ann: User, bob: User) -> None:
    job, own = job_of(bob, team=team), job_of(bob)
    for each in (job, own):
        Notice.objects.create(user=bob, job=each)
    page = act(browser_of(bob), "leave_team")
    assert [notice.job for notice in Notice.objects.all()] == [own]
    assert page.redirect_chain == [("/teams/", 302)]
    assert list(Job.objects.visible_to(bob)) == [own]
    job.refresh_from_db()
    assert job.owner == ann
    assert kinds(team)[0] == "left"


def test_the_last_owner_stays(team: Team, ann: User, bob: User) -> None:
    browser = browser_of(ann)
    number = place_of(ann, team)
    for name, args, sent in (
        ("leave_team", (), {}),
        ("remove_member", (number,), {}),
        ("role", (number,), {"role": "editor"}),
    ):
        page = act(browser, name, *args, **sent)
        assert page.status_code == 409
        assert "Nobody else is an owner of “Acme”." in said(page)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert code_of(members.remove, team, ann.pk, by=ann) == "last_team_owner", "nobody to manage it"
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert act(browser, "leave_team").status_code == 200
    assert not Membership.objects.filter(user=ann).exists()


def test_an_account_is_deleted_and_what_it_made_in_the_team_stays(
    team: Team, ann: User, bob: User
) -> None:
    shared, own = finished_job(bob, team=team), finished_job(bob)
    browser = browser_of(bob)
    page = said(browser.get("/accounts/delete/"))
    assert "1 scene with all its photos" in page
    assert "What you made in teams stays there" in page
    assert browser.post("/accounts/delete/", {"password": PASSWORD}).status_code == 302
    assert list(Job.objects.all()) == [shared]
    shared.refresh_from_db()
    assert shared.owner == ann
    assert (shared.folder.exists(), own.folder.exists()) == (True, False)
    log = TeamEvent.objects.filter(team=team).first()
    assert log is not None
    assert (log.kind, log.person, log.person_email) == ("left", None, "bob@example.org")


def test_the_last_owner_s_account_is_not_deleted(team: Team, ann: User, bob: User) -> None:
    page = browser_of(ann).post("/accounts/delete/", {"password": PASSWORD})
    assert page.status_code == 409
    assert "Nobody else is an owner of “Acme”. First make somebody else an owner" in said(page)
    ann.refresh_from_db()
    assert ann.is_active
    assert Membership.objects.filter(user=ann).exists()
    members.change_role(team, bob.pk, Role.OWNER, by=ann)
    account_deletion.delete_account(ann)
    assert not User.objects.filter(pk=ann.pk).exists()


def test_a_team_is_deleted_with_its_scenes(team: Team, ann: User, bob: User) -> None:
    job, own = finished_job(bob, team=team, shared=True), finished_job(bob)
    waiting = job_of(bob, team=team)
    browser = browser_of(ann)
    page = browser.get("/teams/acme/delete/")
    assert "2 scenes with all their photos and files; 1 still waiting or running" in said(page)
    wrong = browser.post("/teams/acme/delete/", {"handle": "acne"})
    assert wrong.status_code == 400
    assert "Type “acme” if you want to delete this team." in said(wrong)
    done = browser.post("/teams/acme/delete/", {"handle": "acme"}, follow=True)
    assert "The team “Acme” and all its scenes have been deleted." in said(done)
    assert list(Job.objects.all()) == [own]
    assert not job.folder.exists()
    assert not waiting.folder.exists()
    last = TeamEvent.objects.first()
    assert last is not None
    assert (last.kind, last.team, last.team_handle) == ("team_deleted", None, "acme")


def test_a_deletion_that_died_is_finished(team: Team, ann: User, bob: User) -> None:
    job = finished_job(bob, team=team)
    Team.objects.update(closing_since=timezone.now() - teams.PATIENCE)
    assert browser_of(ann).get("/teams/acme/").status_code == 404, "nobody finds it any more"
    assert code_of(members.join, team, person("new@example.org"), "editor") == "team_closing"
    assert reconcile().accounts == 1
    assert not Team.objects.exists()
    assert not job.folder.exists()


def test_the_log_is_kept_for_so_long_and_has_pages(team: Team, ann: User, settings: Any) -> None:
    for _ in range(60):
        team_log.note(team, TeamEvent.Kind.WITHDRAWN, ann, whom="")
    page = browser_of(ann).get("/teams/acme/log/?page=2")
    assert len(page.context["log"]) == 11
    assert "withdrew the invitation for whoever has the link" in said(page)
    settings.AUDIT_DAYS = 0
    assert team_log.forget_old() == 61


def test_every_kind_of_line_is_a_sentence(team: Team, ann: User) -> None:
    facts = {"name": "N", "handle": "h", "whom": "W", "role": "viewer", "was": "owner"}
    for kind in TeamEvent.Kind:
        team_log.note(team, kind, ann, **facts, scene="S")
    lines = [one["said"] for one in browser_of(ann).get("/teams/acme/log/").context["log"]]
    assert len(set(lines)) == len(TeamEvent.Kind) + 1, "the fixture's has another name"
    assert all(line.startswith("ann@example.org ") and line.endswith(".") for line in lines)


def test_staff_see_teams_and_give_them_limits(team: Team, bob: User) -> None:
    job = finished_job(bob, team=team)
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    browser = browser_of(boss)
    for name in ("team", "teamevent"):
        assert browser.get(reverse(f"admin:recon_{name}_changelist")).status_code == 200
    where = reverse("admin:recon_team_change", args=[team.pk])
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    sent = {"name": "Acme", "handle": "acme", "quota_stored_mb": 7} | inline
    assert browser.post(where, sent).status_code == 302
    assert Team.objects.get().quota_stored_mb == 7
    gone = reverse("admin:recon_team_delete", args=[team.pk])
    assert browser.get(gone).status_code == 200
    assert browser.post(gone, {"post": "yes"}).status_code == 302
    assert not job.folder.exists()
    assert TeamEvent.objects.latest("pk").person == boss
