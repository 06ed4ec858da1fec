"""Scenes of teams: made in one, moved, found, counted for its limits."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs import submit, tags, titles
from recon.jobs.drafts import drafts
from recon.jobs.people import quotas
from recon.jobs.teams import members, moving
from recon.models import Job, Team, TeamEvent
from recon.pipeline.errors import UserError
from tests.site.making import browser_of, finished_job, job_of, person, photo, photos, team_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

MB = 2**20


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def bob() -> User:
    return person("bob@example.org")


@pytest.fixture
def team(ann: User, bob: User) -> Team:
    return team_of(ann, editor=bob)


def said(page: Any) -> str:
    return " ".join(page.content.decode().split())


def refused(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    return caught.value.code


# --- Made in a team ---


def test_a_new_scene_goes_where_its_maker_says(team: Team, bob: User) -> None:
    browser = browser_of(bob)
    page = browser.get("/jobs/new/?team=acme")
    assert '<option value="acme" selected>Acme</option>' in said(page)
    form = {"photos": photos(3), "preset": "quick", "team": "acme"}
    assert browser.post("/jobs/new/", form).status_code == 302
    job = Job.objects.get()
    assert (job.owner, job.team) == (bob, team)
    draft = browser.post("/jobs/drafts/", {"preset": "quick", "team": "acme"}, follow=True)
    assert '<option value="acme" selected>Acme</option>' in said(draft)
    assert Job.objects.get(status="DRAFT").team == team


def test_a_draft_goes_where_it_is_said_at_its_start(team: Team, bob: User) -> None:
    draft = job_of(bob, status=Job.Status.DRAFT, edited_at=timezone.now())
    where = reverse("recon:start", args=[draft.pk])
    browser = browser_of(bob)
    wrong = browser.post(where, {"preset": "quick", "team": "other"})
    assert wrong.status_code == 400
    assert "You have no team “other” in which you could make scenes." in said(wrong)
    assert browser.post(where, {"preset": "quick", "team": "acme"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.team) == ("PENDING", team)


def test_who_is_in_no_team_is_asked_nothing(team: Team) -> None:
    carl = person("carl@example.org")
    viewer = person("viewer@example.org")
    members.join(team, viewer, "viewer")
    for user in (carl, viewer):
        browser = browser_of(user)
        assert 'name="team"' not in said(browser.get("/jobs/new/"))
        form = {"photos": photos(3), "preset": "quick", "team": "acme"}
        page = browser.post("/jobs/new/", form)
        assert page.status_code == 400
        assert "no team “acme” in which you could make scenes" in said(page)
    assert not Job.objects.exists()


def test_another_run_is_whose_wish_it_is(team: Team, ann: User, bob: User) -> None:
    job = submit.create_job(bob, photos(3), team=team, title="Fern")
    Job.objects.update(status=Job.Status.FAILED)
    browser_of(ann).post(reverse("recon:again", args=[job.pk]))
    again = Job.objects.exclude(pk=job.pk).get()
    assert (again.owner, again.team, again.title) == (ann, team, "Fern")
    browser_of(ann).post(reverse("recon:draft_from", args=[job.pk]))
    draft = Job.objects.get(status="DRAFT")
    assert (draft.owner, draft.team) == (ann, team)


def test_titles_and_tags_are_the_team_s(team: Team, ann: User, bob: User) -> None:
    own = job_of(ann)
    tags.put(own, ["GARDEN"])
    new = submit.new_job(ann, team=team)
    assert titles.unused_title(new, own.title) == own.title, "it is Ann's alone"
    job_of(bob, team=team)
    assert titles.unused_title(new, own.title) == f"{own.title} (2)"
    one, other = job_of(ann, team=team), job_of(bob, team=team)
    tags.put(one, ["Garden"])
    tags.put(other, ["garden"])
    assert tags.names_of(other) == ["Garden"]
    page = browser_of(bob).get("/jobs/?team=acme&tag=garden")
    assert page.context["total"] == 2
    assert [(tag["name"], tag["count"]) for tag in page.context["tags"]] == [("Garden", 2)]
    assert "/jobs/?team=acme&amp;tag=garden" in said(browser_of(bob).get(one.get_absolute_url()))


# --- Moved ---


def test_its_owner_moves_a_scene_into_a_team_and_back(team: Team, ann: User, bob: User) -> None:
    bob.gallery_open, bob.handle = True, "bob"
    bob.save()
    job = finished_job(bob, shared=True, in_gallery=True, title="Fern")
    tags.put(job, ["garden"])
    tags.put(job_of(ann, team=team), ["Garden"])
    where, browser = reverse("recon:move", args=[job.pk]), browser_of(bob)
    page = browser.post(where, {"team": "acme"}, follow=True)
    assert "“Fern” belongs to the team “Acme” now." in said(page)
    assert browser_of(ann).get(job.get_absolute_url()).status_code == 200
    assert "Fern" not in said(browser.get("/u/bob/")), "a team's scene is on no public page"
    assert 'name="in_gallery"' not in said(page)
    assert tags.names_of(Job.objects.get(pk=job.pk)) == ["Garden"]
    assert browser.post(where, {"team": "acme"}).status_code == 302, "twice does no harm"
    page = browser.post(where, {"team": ""}, follow=True)
    assert "“Fern” is yours alone now." in said(page)
    assert browser_of(ann).get(job.get_absolute_url()).status_code == 404
    kinds = [event.kind for event in TeamEvent.objects.filter(job_id=job.pk)]
    assert kinds == ["scene_taken", "scene_added"]


def test_nobody_else_moves_it(team: Team, ann: User, bob: User) -> None:
    job = finished_job(bob, team=team)
    page = browser_of(ann).post(reverse("recon:move", args=[job.pk]), {"team": ""})
    assert page.status_code == 403
    assert "Only the person whose scene this is can move it." in said(page)
    assert "Where it belongs" not in said(browser_of(ann).get(job.get_absolute_url()))
    members.change_role(team, bob.pk, "viewer", by=ann)
    assert refused(moving.team_called, bob, "acme") == "no_such_team"
    job.refresh_from_db()
    assert job.team == team


# --- Found ---


def test_the_gallery_changes_between_mine_and_each_team(team: Team, ann: User, bob: User) -> None:
    other = team_of(bob, "bees")
    mine, shared = job_of(bob, title="Mine"), job_of(ann, team=team, title="Ours")
    browser = browser_of(bob)
    page = browser.get("/jobs/")
    assert [job.title for job in page.context["page"]] == ["Mine"]
    assert [one["name"] for one in page.context["shelves"]] == ["Mine", "Acme", "Bees"]
    page = browser.get("/jobs/?team=acme&sort=title&q=ours")
    assert [job.title for job in page.context["page"]] == ["Ours"]
    assert "by ann@example.org" in said(page)
    assert browser.get("/jobs/?team=bees").context["total"] == 0
    assert "/jobs/new/?team=bees" in said(browser.get("/jobs/?team=bees"))
    nowhere = browser_of(ann).get("/jobs/?team=bees")
    assert nowhere.status_code == 404
    assert "You are in no such team." in said(nowhere)
    assert browser_of(person("carl@example.org")).get("/jobs/").context["shelves"] == []
    assert {mine.team, shared.team, other.handle} == {None, team, "bees"}


def test_several_scenes_at_once(team: Team, ann: User, bob: User) -> None:
    viewer = person("viewer@example.org")
    members.join(team, viewer, "viewer")
    jobs = [finished_job(bob, team=team, title=f"Fern {n}") for n in range(2)]
    sent = {"job": [str(job.pk) for job in jobs], "back": "team=acme"}
    where = reverse("recon:selected")
    page = browser_of(viewer).post(where, sent | {"act": "delete-for-good"}, follow=True)
    assert page.redirect_chain == [("/jobs/?team=acme", 302)]
    assert "You can look at this team’s scenes, but not change them." in said(page)
    zipped = browser_of(viewer).post(where, sent | {"act": "download"})
    assert zipped["Content-Type"] == "application/zip"
    assert b"".join(zipped.streaming_content)  # type: ignore[arg-type]
    browser_of(ann).post(where, sent | {"act": "share"})
    assert Job.objects.filter(share__is_on=True).count() == 2
    browser_of(ann).post(where, sent | {"act": "delete-for-good"})
    assert not Job.objects.exists()
    lines = TeamEvent.objects.filter(kind="scene_deleted").values_list("person_email", "facts")
    assert sorted(facts["scene"] for _, facts in lines) == ["Fern 0", "Fern 1"]
    assert {email for email, _ in lines} == {"ann@example.org"}


def test_a_team_s_pages_ask_the_database_seldom(team: Team, ann: User, bob: User) -> None:
    for number in range(20):
        tags.put(finished_job(bob, team=team, title=f"Fern {number}"), [f"tag {number}"])
        members.join(team, person(f"{number}@example.org"), "viewer")
    browser, asked = browser_of(ann), {}
    job = Job.objects.first()
    assert job is not None
    pages = ("/jobs/?team=acme", "/jobs/?team=acme&sort=quality", "/teams/", "/teams/acme/",
             "/teams/acme/usage/", "/teams/acme/log/", job.get_absolute_url())  # fmt: skip
    for page in pages:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page).status_code == 200
        asked[page] = len(queries)
    assert {page: count for page, count in asked.items() if count > 15} == {}


def test_two_runs_of_a_team_are_compared_and_no_others(team: Team, ann: User, bob: User) -> None:
    of_ann, of_bob = finished_job(ann, team=team), finished_job(bob, team=team)
    own = finished_job(ann)
    browser = browser_of(ann)
    where = [reverse("recon:compare", args=[of_ann.pk, other.pk]) for other in (of_bob, own)]
    assert [browser.get(one).status_code for one in where] == [200, 404]


# --- Limits ---


def test_a_team_s_scenes_count_for_the_team(team: Team, bob: User) -> None:
    job_of(bob, team=team, status=Job.Status.FAILED, stored_bytes=5 * MB)
    job_of(bob, status=Job.Status.FAILED, stored_bytes=2 * MB)
    submit.create_job(bob, photos(3), team=team)
    used, own = quotas.usage(Team.objects.get()), quotas.usage(User.objects.get(pk=bob.pk))
    assert (used.stored.used // MB, used.active.used, used.today.used) == (5, 1, 1)
    assert (own.stored.used // MB, own.active.used, own.today.used) == (2, 0, 0)
    page = said(browser_of(bob).get("/teams/acme/usage/"))
    assert "The team’s scenes, the biggest first" in page
    assert "1 of 10 scenes" in page


@pytest.mark.parametrize(
    ("limits", "code", "status", "sentence"),
    [
        ({"quota_active_jobs": 0}, "team_quota_active_jobs", 429, "“Acme” can have 0 scenes"),
        ({"quota_jobs_a_day": 0}, "team_quota_jobs_a_day", 429, "“Acme” can start 0 scenes"),
        ({"quota_stored_mb": 0}, "team_quota_stored", 413, "it can store 0 kB"),
    ],
)
def test_a_team_s_limit_is_said_with_its_status(
    team: Team, bob: User, limits: dict[str, int], code: str, status: int, sentence: str
) -> None:
    draft = job_of(bob, status=Job.Status.DRAFT, edited_at=timezone.now(), team=team)
    draft.photos.update(size=MB)
    Team.objects.update(**limits)
    assert refused(submit.create_job, bob, photos(3), team=team) == code
    page = browser_of(bob).post(reverse("recon:start", args=[draft.pk]), {"preset": "quick"})
    assert page.status_code == status
    assert sentence in said(page)
    assert submit.create_job(bob, photos(3)).team is None, "their own limits are others"


def test_a_full_team_takes_no_scene_in(team: Team, bob: User, settings: Any) -> None:
    Team.objects.update(quota_stored_mb=1, quota_active_jobs=0)
    big = job_of(bob, status=Job.Status.FAILED, stored_bytes=2 * MB)
    waiting, small = job_of(bob), job_of(bob, status=Job.Status.FAILED, stored_bytes=1)
    assert refused(moving.move, big, team, by=bob) == "team_quota_stored"
    assert refused(moving.move, waiting, team, by=bob) == "team_quota_active_jobs"
    assert moving.move(small, team, by=bob)
    settings.QUOTA_STORED_MB = 0
    assert refused(moving.move, small, None, by=bob) == "quota_stored", "nor back"
    settings.QUOTA_STORED_MB, settings.MAX_DRAFTS = 1, 0
    assert refused(drafts.create_draft, bob, team=team) == "team_too_many_drafts"


def test_who_has_left_adds_nothing(team: Team, ann: User, bob: User) -> None:
    """Also by a request that was on its way."""
    draft = drafts.create_draft(bob, team=team)
    late = Job.objects.get(pk=draft.pk)
    members.remove(team, bob.pk, by=ann)
    assert refused(submit.create_job, bob, photos(3), team=team) == "not_in_team"
    drafts.add_photo(late, photo("a.jpg"))  # the draft is Ann's now
    assert Job.objects.get(pk=draft.pk).owner == ann
