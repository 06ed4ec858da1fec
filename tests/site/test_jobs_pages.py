"""One job's page, its progress, and what its owner can do with it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.jobs import queue
from recon.models import Figures, Job
from recon.pipeline.config import from_dict
from recon.pipeline.wishes import Wishes
from recon.pipeline.words.reasons import Reason
from recon.web.result.measures import measures_of
from recon.web.result.metrics import metrics_of
from tests.site import outcomes
from tests.site.making import FILES, browser_of, finished_job, job_of, person, supporter
from tests.site.outcomes import PhotoFigures

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


# --- Figures in words ---


def test_a_figure_says_what_it_is_and_leaves_the_word_to_the_scene() -> None:
    job = finished_job(person())
    assert [(m["figure"], m["said"].rpartition(". ")[2]) for m in metrics_of(job)] == [
        ("22.8 dB", "Higher is better."),
        ("0.81", "Higher is better."),
        ("0.41", "Lower is better."),
    ]


def test_the_quality_tab_says_what_the_word_is_made_of() -> None:
    job = finished_job(person(), confirmed=0.15)
    assert [(one.figure, one.word) for one in measures_of(job)] == [
        ("3 of 3", "excellent"),
        ("15%", "usable"),
        ("20.4 dB", "good"),
        ("0.74", "good"),
    ]
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "Depth that photos confirm for each other" in page
    assert '<td class="number">15%</td><td><span class="chip usable">Usable</span></td>' in page
    assert "confirm for each other" not in Client().get(f"/v/{job.share.key}").content.decode()


def test_an_absent_figure_is_shown_to_staff_only_with_its_reason() -> None:
    ann = person()
    job = finished_job(ann, lpips=None)
    reason = {"code": "lpips_offline", "detail": "the weights can't be downloaded (refused)"}
    view = {"001.jpg": (22.84, 0.813, None)}
    outcomes.results(view, lpips_reason=Reason(**reason)).write(job.workspace)
    assert [metric["key"] for metric in metrics_of(job)] == ["psnr", "ssim"]
    assert 'metric-label">LPIPS' not in browser_of(ann).get(at("job", job)).content.decode()
    page = browser_of(supporter()).get(at("job", job)).content.decode()
    assert "The weights that LPIPS needs can’t be downloaded here. (the weights can" in page


def test_figures_that_could_not_be_had_at_all_say_why_to_staff() -> None:
    job = finished_job(person(), psnr=None, ssim=None, lpips=None)
    assert metrics_of(job) == []
    recorded = {
        Reason.of(ValueError("no photo")): "Something unexpected went wrong; "
        "the log has the details. (ValueError: no photo)",
        None: "It was not measured for this scene.",
    }
    for reason, said in recorded.items():
        outcomes.not_measured(reason).write(job.workspace)
        assert {metric["reason"] for metric in metrics_of(job, for_staff=True)} == {said}


def test_a_figure_says_at_which_size_it_was_taken_and_what_it_is_at_the_photos_own() -> None:
    """A quick scene is scored at the small size at which it was trained, so it says so."""
    job = finished_job(person(), shared=True)
    measured(job, held_out=1, in_training=3, photo_size=1600)
    pages = [
        browser_of(job.owner).get(at("job", job)).content.decode(),
        Client().get(f"/v/{job.share.key}").content.decode(),
    ]
    for page in pages:
        assert "1 of 4 photos was kept aside" in page
        for said in ("22.8 dB", "at 400 px", "20.6 dB", "at the photos’ own size, 1600 px"):
            assert said in page
        assert "pixel by pixel" not in page
    big = re.findall(r'metric-figure number">([^<]*)<', pages[0])
    assert big == ["22.8 dB", "20.6 dB", "0.81", "0.70", "0.41"], "both are as prominent"


@pytest.mark.parametrize("record", [{"photo_size": 400}, {"own": None}, {"max_image_size": None}])
def test_where_there_is_one_size_no_other_is_spoken_of(record: dict[str, Any]) -> None:
    job = finished_job(person())
    measured(job, held_out=1, in_training=3, **record)
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "22.8 dB" in page
    assert "own size" not in page
    assert "at 400 px" not in page


def measured(
    job: Job,
    held_out: int,
    in_training: int,
    own: PhotoFigures | None = (20.61, 0.7, None),
    folded_own: PhotoFigures | None = None,
    **more: Any,
) -> None:
    """Writes the evaluation's record: every photo has the job's figures, and `own` at its own size;
    with `folded_own`, each photo was held out once and has these at its own size."""
    names = [f"{number}.jpg" for number in range(held_out + in_training)]
    figures = (job.figures.psnr, job.figures.ssim, job.figures.lpips)
    if folded_own:
        more |= {
            "folded": dict.fromkeys(names, figures),
            "folded_at_photo": dict.fromkeys(names, folded_own),
        }
    test, train = names[:held_out], names[held_out:]
    outcomes.results(
        dict.fromkeys(test, figures),
        at_photo=dict.fromkeys(test, own) if own else None,
        split=(train, test),
        **more,
    ).write(job.workspace)


def test_the_exposure_matched_figure_stands_beside_the_raw_one() -> None:
    job = finished_job(person(), psnr=24.1, psnr_corrected=26.0)
    psnr, ssim, lpips = metrics_of(job)
    assert (psnr["figure"], psnr["corrected"]) == ("24.1 dB", "26.0 dB")
    assert (ssim["figure"], ssim["corrected"], lpips["corrected"]) == ("0.81", "0.83", "")
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "26.0 dB when each photo’s exposure is matched" in page
    assert "expose one photo a little brighter" in page
    job.figures.psnr_corrected = 24.13  # no difference that a person could read
    assert metrics_of(job)[0]["corrected"] == ""


def test_without_a_matched_figure_the_page_does_not_explain_it() -> None:
    job = finished_job(person(), psnr_corrected=None, ssim_corrected=None)
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "exposure" not in page


@pytest.mark.parametrize(
    ("refined", "ending"),
    [
        (True, "The scene that you see was then finished with all 20 photos."),
        (False, "The scene that you see is made without them."),
    ],
)
def test_the_page_says_which_photos_were_held_out_and_what_the_scene_is_made_of(
    refined: bool, ending: str
) -> None:
    job = finished_job(person(), refined=refined, shared=True)
    measured(job, held_out=4, in_training=16)
    said = "4 of 20 photos were kept aside: the figures come from a scene made without them. "
    assert said + ending in browser_of(job.owner).get(at("job", job)).content.decode()
    assert said in Client().get(f"/v/{job.share.key}").content.decode()


@pytest.mark.parametrize(
    ("refined", "ending"),
    [
        (True, "The scene that you see was then finished with all 8 photos."),
        (False, "The scene that you see is made without 2 of them."),
    ],
)
def test_the_page_says_that_each_photo_was_held_out_once(refined: bool, ending: str) -> None:
    spread = {"psnr": 1.24, "ssim": 0.051, "lpips": None}
    job = finished_job(
        person(), protocol="cross-validation", spread=spread, refined=refined, shared=True
    )
    measured(job, held_out=2, in_training=6, folded_own=(19.04, 0.7, None))
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert (
        "Each of the 8 photos was kept aside once: every figure comes from a scene made without "
        f"the photo that it is compared with. {ending}"
    ) in page
    assert "± 1.2<" in page
    assert "± 0.05<" in page
    assert "19.0 dB" in page
    shared = Client().get(f"/v/{job.share.key}").content.decode()
    assert "Each of the 8 photos was kept aside once" in shared
    assert "± 1.2<" in shared


def test_where_the_record_is_gone_the_page_still_says_what_it_knows() -> None:
    job = finished_job(person(), spread={"psnr": 1.0})
    job.workspace.results_json.unlink()
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "Some photos were kept aside" in page
    assert "finished with all photos." in page
    Figures.objects.filter(job=job.pk).update(protocol="cross-validation", refined=False)
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "Each photo was kept aside once" in page
    assert "made without some of them" in page


def test_a_scene_that_was_not_measured_speaks_of_no_held_out_photos() -> None:
    job = finished_job(person(), psnr=None, ssim=None, lpips=None)
    page = browser_of(job.owner).get(at("job", job)).content.decode()
    assert "the figures come from" not in page


def test_staff_find_the_administration_and_others_do_not_see_it() -> None:
    for staff in (True, False):
        user = person(f"staff-{staff}@example.org", is_staff=staff)
        page = browser_of(user).get("/jobs/").content.decode()
        assert ("Administration" in page) is staff
