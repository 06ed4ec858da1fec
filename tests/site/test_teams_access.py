"""Who may do what with a team's scene: every address, for each role, an outsider and staff."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.models import AuditEntry, Job, Membership, Team
from recon.web.access import OnlyLooks
from tests.site import test_access as pages
from tests.site import test_api_v1_access as v1
from tests.site.making import browser_of, finished_job, job_of, person, photo, supporter, team_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

FORBIDDEN, MISSING = 403, 404

#: What each address of a job answers to its owner; those that are for everybody are left out.
OF_A_JOB = {
    name: (method, for_owner)
    for name, (method, for_owner, for_other, _) in pages.EXPECTED.items()
    if for_owner != for_other and name.removeprefix("recon:") not in pages.OF_TEAM
    and name not in ("recon:role", "recon:remove_member", "recon:withdraw_invitation")
}  # fmt: skip
#: What a viewer may send: that a notice is read.
HARMLESS = ("recon:read_notice",)
#: A draft that an outsider may not see either, for methods that need the job's own body.
V1_OF_A_JOB = {name: one for name, one in v1.EXPECTED.items() if one[1] != one[2]}


@pytest.fixture
def bob() -> User:
    """Whose scenes these are; the team is Ann's."""
    return person("bob@example.org")


@pytest.fixture
def team(bob: User) -> Team:
    return team_of(person(), editor=bob)


def member(team: Team, role: str) -> Client:
    user = person(f"{role}@example.org")
    Membership.objects.create(team=team, user=user, role=role)
    return browser_of(user)


def test_most_addresses_are_about_a_job() -> None:
    assert len(OF_A_JOB) > 40
    assert len(V1_OF_A_JOB) > 20


def test_editors_may_do_all_that_its_owner_may(team: Team, bob: User) -> None:
    browser, wrong = member(team, "editor"), {}
    for name, (method, expected) in OF_A_JOB.items():
        if name == "recon:move":  # only the person whose it is
            expected = FORBIDDEN
        job = finished_job(bob, team=team)
        answer = getattr(browser, method)(pages.address(name, job))
        if answer.status_code != expected:
            wrong[name] = answer.status_code
    for name, (_, expected, _) in V1_OF_A_JOB.items():
        answer = v1.call(browser, name, finished_job(bob, team=team))
        if answer.status_code != expected:
            wrong[name] = answer.status_code
    assert wrong == {}


def test_viewers_look_and_download_and_change_nothing(team: Team, bob: User) -> None:
    browser, wrong = member(team, "viewer"), {}
    job = finished_job(bob, team=team)
    for name, (method, expected) in OF_A_JOB.items():
        answer = getattr(browser, method)(pages.address(name, job))
        may = method == "get" or name in HARMLESS
        if answer.status_code != (expected if may else FORBIDDEN):
            wrong[name] = answer.status_code
    for name, (_, expected, _) in V1_OF_A_JOB.items():
        answer = v1.call(browser, name, job)
        is_look = v1.operations()[name][0] == "get"
        if answer.status_code != (expected if is_look else FORBIDDEN):
            wrong[name] = answer.status_code
    assert wrong == {}
    assert Job.objects.get() == job


def test_who_made_it_and_left_finds_nothing(team: Team) -> None:
    """What outsiders find, for whom the other tests try every address."""
    job = finished_job(person("left@example.org"), team=team)
    browser = browser_of(job.owner)
    for name in ("job", "cancel", "delete", "move", "read_notice"):
        method, _ = OF_A_JOB[f"recon:{name}"]
        where = pages.address(f"recon:{name}", job)
        assert getattr(browser, method)(where).status_code == MISSING, name
    for name in ("get_job", "get_artifact", "delete_job"):
        assert v1.call(browser, name, job).status_code == MISSING, name
    assert browser.get("/jobs/").context["total"] == 0
    assert Job.objects.get() == job


def test_who_may_only_look_is_told_whom_to_ask(team: Team, bob: User) -> None:
    browser, job = member(team, "viewer"), finished_job(bob, team=team)
    page = browser.post(reverse("recon:cancel", args=[job.pk]))
    assert "One of the team’s owners can make you an editor." in page.content.decode()
    told = v1.call(browser, "cancel_job", job).json()
    assert (told["code"], told["detail"]) == ("viewer", str(OnlyLooks.sentence))


def test_what_a_viewer_may_not_do_is_not_on_their_pages(team: Team, bob: User) -> None:
    viewer, editor = member(team, "viewer"), member(team, "editor")
    states = (
        finished_job(bob, team=team),
        job_of(bob, team=team, status="FAILED", error_code="internal"),
        job_of(bob, team=team, status="PENDING"),
        job_of(bob, team=team, status="DRAFT"),
    )
    for job in states:
        where = job.get_absolute_url()
        seen, made = (who.get(where).content.decode() for who in (viewer, editor))
        forms = [line for line in seen.split("<form")[1:] if 'method="post"' in line[:80]]
        assert [one for one in forms if f"/jobs/{job.pk}/" in one.partition(">")[0]] == []
        assert f'action="/jobs/{job.pk}/' in made
    gallery = viewer.get("/jobs/?team=acme").content.decode()
    assert 'value="download"' in gallery
    assert 'value="delete"' not in gallery


def test_staff_look_as_before_and_it_is_logged(team: Team, bob: User) -> None:
    job = finished_job(bob, team=team)
    staff = browser_of(supporter())
    assert staff.get(job.get_absolute_url()).status_code == 200
    assert AuditEntry.objects.get().job_id == job.pk
    assert staff.post(reverse("recon:keep", args=[job.pk])).status_code == MISSING
    assert staff.get(team.get_absolute_url()).status_code == MISSING
    assert staff.get("/jobs/?team=acme").status_code == MISSING


OWNERS_ONLY = ("edit_team", "delete_team", "invite", "team_log")


def test_only_owners_manage_a_team(team: Team) -> None:
    for role in ("editor", "viewer"):
        browser = member(team, role)
        for name in ("team", "team_usage"):
            assert browser.get(reverse(f"recon:{name}", args=["acme"])).status_code == 200
        for name in OWNERS_ONLY:
            ask = browser.get if name in ("delete_team", "team_log") else browser.post
            assert ask(reverse(f"recon:{name}", args=["acme"])).status_code == FORBIDDEN, name
        for name in ("role", "remove_member", "withdraw_invitation"):
            where = reverse(f"recon:{name}", args=["acme", 1])
            assert browser.post(where).status_code == FORBIDDEN
        page = browser.get(team.get_absolute_url()).content.decode()
        assert "/invitations/" not in page
        assert "/role/" not in page


def test_a_visit_by_the_team_is_not_counted(team: Team, bob: User) -> None:
    job = finished_job(bob, team=team, shared=True)
    where = reverse("recon:visit", args=[job.share.key])
    member(team, "viewer").post(where)
    job.share.refresh_from_db()
    assert job.share.views == 0
    Client().post(where)
    job.share.refresh_from_db()
    assert job.share.views == 1


def test_others_photos_are_not_looked_up_by_digest(team: Team, bob: User) -> None:
    """In a team's draft those of the team are, and nobody else's."""
    of_team = job_of(bob, team=team)
    own = job_of(bob)
    draft = job_of(bob, team=team, status="DRAFT")
    draft.photos.all().delete()
    editor = member(team, "editor")
    where = reverse("recon:known_photo", args=[draft.pk])
    digests = [job.photos.first().sha256 for job in (own, of_team)]
    answers = [editor.post(where, {"sha256": one}).status_code for one in digests]
    assert answers == [204, 201]
    assert editor.post(where, {"sha256": "0" * 64, "name": photo().name}).status_code == 204
