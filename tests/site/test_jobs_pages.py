"""One job's page, its progress, and what its owner can do with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.jobs import queue
from recon.models import Job
from recon.pipeline.config import from_dict
from recon.pipeline.wishes import Wishes
from tests.site.making import FILES, browser_of, finished_job, job_of, person, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def at(name: str, job: Job) -> str:
    return reverse(f"recon:{name}", args=(job.pk,))


def said(response: Any) -> str:
    """The messages that the next page shows."""
    return " ".join(str(m) for m in response.wsgi_request._messages)


# --- The page ---


def test_a_waiting_job_shows_its_place_in_the_queue() -> None:
    ann = person()
    job_of(person("bob@example.org"))
    job = job_of(ann)
    response = browser_of(ann).get(at("job", job))
    assert response.status_code == 200
    assert response.context["queue_position"] == 2
    assert response.context["elapsed_seconds"] is None
    assert "metrics" not in response.context
    assert f'hx-get="{at("progress", job)}?v=' in response.content.decode()


def test_a_running_job_shows_steps_time_and_log() -> None:
    ann = person()
    job = job_of(
        ann,
        status=Job.Status.PROCESSING,
        step="COLMAP_MATCH",
        percent=33.0,
        started_at=timezone.now() - timedelta(seconds=20),
    )
    job.workspace.log.parent.mkdir()
    job.workspace.log.write_text("12:00:00 matched <b>7</b> pairs\n")
    response = browser_of(ann).get(at("job", job))
    states = {row["step"]: row["state"] for row in response.context["steps"]}
    assert len(states) == 10
    assert (states["COLMAP_FEAT"], states["COLMAP_MATCH"], states["COLMAP_MAP"]) == (
        "done",
        "now",
        "todo",
    )
    assert 20 <= response.context["elapsed_seconds"] < 80
    assert response.context["queue_position"] is None
    assert "matched &lt;b&gt;7&lt;/b&gt; pairs" in response.content.decode()


def test_a_finished_job_shows_scene_figures_downloads_and_photos() -> None:
    ann = person()
    job = finished_job(ann)
    response = browser_of(ann).get(at("job", job))
    page = response.content.decode()
    context = response.context
    assert [m["figure"] for m in context["metrics"]] == ["22.8 dB", "0.81", "0.41"]
    folded = {d["kind"]: d["folded"] for d in context["downloads"]}
    assert list(folded) == [
        "spz",
        "scene_ply",
        "turntable",
        "splat",
        "poster",
        "ply",
        "colmap",
        "results",
        "cameras",
    ], "and not filtered_ply, which is scene_ply here"
    assert list(folded.values()) == [False] * 3 + [True] * 6
    assert context["viewer"]["scene_url"] == reverse("recon:file", args=(job.pk, "splat"))
    assert context["viewer"]["bytes"] == 1024
    assert context["share_url"].endswith(f"/v/{job.share.key}")
    names = [photo["original_name"] for photo in context["photos"]]
    assert names == [f"secret garden {n}.jpg" for n in range(3)]
    assert all(download["url"] in page for download in context["downloads"])
    assert "data-splat-viewer" in page
    assert round(context["elapsed_seconds"]) == 90


def test_each_scene_is_offered_once_whichever_is_delivered() -> None:
    """If the filter removed nothing, all three PLYs are the same."""
    ann = person()
    job = finished_job(ann)
    job.artifacts.filter(kind="scene_ply").update(
        path=FILES["ply"][0], size=job.artifacts.get(kind="ply").size
    )
    downloads = browser_of(ann).get(at("job", job)).context["downloads"]
    plys = [d["kind"] for d in downloads if "ply" in d["kind"]]
    assert plys == ["scene_ply", "filtered_ply"]
    job.artifacts.filter(kind__endswith="ply").update(size=14)
    downloads = browser_of(ann).get(at("job", job)).context["downloads"]
    assert [d["kind"] for d in downloads if "ply" in d["kind"]] == ["scene_ply"]


def test_an_older_job_does_not_offer_what_it_lacks() -> None:
    ann = person()
    job = finished_job(ann)
    job.artifacts.filter(kind__in=("spz", "turntable", "colmap")).delete()
    response = browser_of(ann).get(at("job", job))
    kinds = {d["kind"] for d in response.context["downloads"]}
    assert kinds == {"scene_ply", "splat", "ply", "poster", "results", "cameras"}
    shown = [d["kind"] for d in response.context["downloads"] if not d["folded"]]
    assert shown == ["scene_ply", "splat"], "the smallest file that there is, and the PLY"
    for kind in ("spz", "turntable", "colmap"):
        assert reverse("recon:file", args=(job.pk, kind)) not in response.content.decode()


def test_a_finished_job_warns_of_photos_left_out() -> None:
    facts = {"count": 1, "total": 3, "photos": ["002.jpg"]}
    ann = person()
    job = finished_job(ann, warnings=[{"code": "photos_left_out", "facts": facts}])
    page = browser_of(ann).get(at("job", job)).content.decode()
    assert (
        "1 of 3 photos could not be placed and was left out: photo 3 (secret garden 2.jpg)." in page
    )


def test_a_failed_job_says_where_why_and_what_to_do() -> None:
    ann = person()
    job = job_of(
        ann,
        status=Job.Status.FAILED,
        step="COLMAP_MAP",
        error_code="too_few_registered",
        error_facts={"registered": 2, "total": 3},
        completed_at=timezone.now(),
    )
    response = browser_of(ann).get(at("job", job))
    page = response.content.decode()
    assert "Only 2 of 3 photos could be placed" in page
    assert "Neighbouring photos should share" in page
    assert [r["step"] for r in response.context["steps"] if r["state"] == "failed"] == [
        "COLMAP_MAP"
    ]
    assert at("again", job) in page


def test_an_untitled_job_has_something_to_be_called() -> None:
    ann = person()
    job = job_of(ann, title="")
    assert "Scene from" in browser_of(ann).get(at("job", job)).content.decode()


# --- Who may see and do what ---

PAGES = ("job", "progress")
ACTIONS = ("cancel", "delete", "again", "share")


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_for_the_owner_and_for_staff(client: Client, name: str) -> None:
    job = job_of(person())
    assert browser_of(job.owner).get(at(name, job)).status_code == 200
    staff = supporter()
    assert browser_of(staff).get(at(name, job)).status_code == 200
    assert browser_of(person("bob@example.org")).get(at(name, job)).status_code == 404
    response = client.get(at(name, job))
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('accounts:sign_in')}?next={at(name, job)}"


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_are_for_the_owner(client: Client, name: str) -> None:
    job = job_of(person())
    before = Job.objects.values().get()
    assert client.post(at(name, job), {"shared": "on"}).status_code == 302
    bob = browser_of(person("bob@example.org"))
    assert bob.post(at(name, job), {"shared": "on"}).status_code == 404
    assert Job.objects.values().get() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_are_not_done_by_following_a_link(name: str) -> None:
    job = job_of(person())
    assert browser_of(job.owner).get(at(name, job)).status_code == 302
    job.refresh_from_db()
    assert job.status == Job.Status.PENDING


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_need_the_forms_token(name: str) -> None:
    job = job_of(person())
    before = Job.objects.values().get()
    browser = browser_of(job.owner, enforce_csrf_checks=True)
    assert browser.post(at(name, job), {"shared": "on"}).status_code == 403
    assert Job.objects.values().get() == before


def test_a_job_that_is_not_there_says_so_in_words() -> None:
    response = browser_of(person()).get("/jobs/00000000-0000-4000-8000-000000000000/")
    assert response.status_code == 404
    assert "You have no such scene." in response.content.decode()


# --- Progress ---


def test_progress_is_the_fragment_alone() -> None:
    job = job_of(person())
    response = browser_of(job.owner).get(at("progress", job), headers={"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 200
    assert 'id="progress"' in page
    assert "<html" not in page
    assert "HX-Refresh" not in response
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("status", Job.ENDED)
def test_polling_stops_when_the_job_has_ended(status: Job.Status) -> None:
    facts = {"error_code": "no_features"} if status == Job.Status.FAILED else {}
    job = job_of(person(), status=status, completed_at=timezone.now(), **facts)
    response = browser_of(job.owner).get(at("progress", job))
    assert response.status_code == 286
    assert response["HX-Refresh"] == "true"
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "hx-get" not in page


def test_a_poll_after_the_session_ended_leads_to_sign_in(client: Client) -> None:
    job = job_of(person())
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{at('job', job)}"}
    response = client.get(at("progress", job), headers=headers)
    assert response.status_code == 401
    assert response["HX-Redirect"] == f"{reverse('accounts:sign_in')}?next={at('job', job)}"


def test_a_script_without_a_session_is_told_so(client: Client) -> None:
    response = client.get(at("progress", job_of(person())), headers={"Accept": "application/json"})
    assert response.status_code == 401
    assert "Sign in first" in response.json()["errors"][0]


# --- Actions ---


def test_staff_see_which_part_of_the_machine_is_broken_and_nobody_else() -> None:
    problem = "torch: does not load."
    ann = person()
    job = job_of(ann, status=Job.Status.FAILED, step="PREFLIGHT", error_code="environment_broken",
                 error_facts={"problem": problem})  # fmt: skip
    for is_staff in (False, True):
        ann.is_staff = is_staff
        ann.save()
        page = browser_of(ann).get(at("job", job)).content.decode()
        assert "Ask whoever runs this site" in page
        assert (problem in page) == is_staff


def test_cancelling_ends_a_waiting_job() -> None:
    job = job_of(person())
    response = browser_of(job.owner).post(at("cancel", job))
    job.refresh_from_db()
    assert job.status == Job.Status.CANCELLED
    assert response["Location"] == at("job", job)
    assert "was cancelled" in said(response)


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_job_leaves_the_queue(redis_queue: Any) -> None:
    old = finished_job(person())
    browser = browser_of(old.owner)
    browser.post(at("again", old))
    new = Job.objects.exclude(pk=old.pk).get()
    assert queue.carried_ids() == {new.queue_id}
    browser.post(at("cancel", new))
    assert queue.carried_ids() == set()


def test_cancelling_a_job_that_has_ended_changes_nothing() -> None:
    job = finished_job(person())
    response = browser_of(job.owner).post(at("cancel", job))
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED
    assert "had already finished" in said(response)


def test_deleting_removes_the_row_and_the_folder() -> None:
    job = finished_job(person(), shared=True)
    browser, folder = browser_of(job.owner), job.folder
    response = browser.post(at("delete", job))
    assert response["Location"] == reverse("recon:gallery")
    assert "was deleted" in said(response)
    assert not Job.objects.exists()
    assert not folder.exists()
    assert browser.get(at("job", job)).status_code == 404
    assert browser.get(reverse("recon:public_splat", args=(job.share.key,))).status_code == 404


def test_running_again_makes_a_new_job_on_the_same_photos() -> None:
    old = finished_job(person(), shared=True)
    response = browser_of(old.owner).post(at("again", old), {"preset": "high"})
    new = Job.objects.exclude(pk=old.pk).get()
    assert response["Location"] == at("job", new)
    assert (new.photos_from, new.wishes.preset, new.title) == (old, "high", old.title)
    assert (new.status, new.share.is_on) == (Job.Status.PENDING, False)
    assert [p.path.read_bytes() for p in new.photos.all()] == [
        p.path.read_bytes() for p in old.photos.all()
    ]


def test_running_again_without_a_choice_keeps_the_preset() -> None:
    old = finished_job(person(), wishes=Wishes("standard"))
    browser_of(old.owner).post(at("again", old))
    assert Job.objects.exclude(pk=old.pk).get().wishes.preset == "standard"


def test_running_again_with_an_unknown_preset_is_refused_in_words() -> None:
    old = finished_job(person())
    response = browser_of(old.owner).post(at("again", old), {"preset": "ultra"})
    assert response.status_code == 400
    assert "Preset: Select a valid choice. ultra is not one" in said(response)
    assert Job.objects.count() == 1


def test_running_again_with_all_wishes_changes_those_that_differ() -> None:
    old = finished_job(person(), wishes=Wishes("standard", original_resolution=True))
    wishes = {"all": "yes", "preset": "high", "outlier_filter": "never", "cross_validate": "on"}
    browser_of(old.owner).post(at("again", old), wishes)
    new = Job.objects.exclude(pk=old.pk).get()
    assert (new.wishes.preset, new.title) == ("high", old.title)
    assert not new.wishes.original_resolution, "browsers don't send unticked boxes"
    assert new.wishes.cross_validate
    assert from_dict(new.config).evaluate.outlier_filter == "never"


def test_running_again_with_a_wish_that_there_is_not_is_refused_in_words() -> None:
    old = finished_job(person())
    response = browser_of(old.owner).post(at("again", old), {"outlier_filter": "some"})
    assert "Outlier filter: Select a valid choice. some is not one" in said(response)
    assert Job.objects.count() == 1


def test_running_again_after_the_photos_are_gone_says_so() -> None:
    old = finished_job(person())
    (old.workspace.upload / "001.jpg").unlink()
    response = browser_of(old.owner).post(at("again", old))
    assert "“secret garden 1.jpg” can't be read" in said(response)
    assert Job.objects.count() == 1


def test_staff_find_the_administration_and_others_do_not_see_it() -> None:
    for staff in (True, False):
        user = person(f"staff-{staff}@example.org", is_staff=staff)
        page = browser_of(user).get("/jobs/").content.decode()
        assert ("Administration" in page) is staff
