"""What can be seen of a running job, by whom, and how the page learns of it."""

from __future__ import annotations

import io
import json
import shutil
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from recon.models import Job, Share
from recon.pipeline.workspace import Workspace
from recon.reporting import message
from recon.splats.snapshots import Snapshot, publish, remove_snapshots
from recon.web.running import cloud, curve, features_picture
from tests.reconstruction import FinishedRun
from tests.site.making import browser_of, job_of, person, photo_bytes, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

SPLAT = bytes(range(64))


def running(step: str = "GS_TRAIN", percent: float = 70.0, **fields: Any) -> Job:
    now = timezone.now()
    return job_of(
        person(),
        status=Job.Status.PROCESSING,
        step=step,
        percent=percent,
        started_at=now,
        shared=True,
        **fields,
    )


def placed(job: Job, run: FinishedRun) -> None:
    """Fills the job's folder with what the steps up to COLMAP_MAP leave."""
    made: Workspace = run.workspace
    shutil.copytree(made.colmap, job.workspace.colmap)
    shutil.copytree(made.photos, job.workspace.photos)
    shutil.copy(made.photos_json, job.workspace.photos_json)


def snapshot(job: Job, step: int = 300, photo: str = "a.jpg", **facts: Any) -> Snapshot:
    """Publishes a snapshot as training does."""
    folder = job.workspace.snapshot
    folder.mkdir(parents=True, exist_ok=True)
    splat, render = (
        folder / f"scene-{step:06d}-abc123.splat",
        folder / f"render-{step:06d}-abc123.jpg",
    )
    splat.write_bytes(SPLAT)
    render.write_bytes(photo_bytes(step))
    history = facts.pop("history", [(100, 1.0, 18.25), (step, 3.0, 22.5)])
    made = Snapshot(
        splat=splat,
        render=render,
        step=step,
        of=1200,
        start_seconds=1.0,
        seconds=3.0,
        gaussians=12_345,
        shown=2,
        psnr=22.5,
        photo=photo,
        held_out=True,
        spent_seconds=0.1,
        history=history,
    )
    publish(made)
    return made


def own(name: str, job: Job, *more: str) -> str:
    return reverse(f"recon:{name}", args=(job.pk, *more))


def link(name: str, job: Job, *more: str) -> str:
    return reverse(f"recon:public_{name}", args=(job.share.key, *more))


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else response.content


# --- Who may see it ---


@pytest.mark.parametrize("name", ["features", "cloud", "snapshot"])
def test_only_the_owner_and_staff_get_what_a_job_shows_while_it_runs(
    client: Client, finished_run: FinishedRun, name: str
) -> None:
    job = running()
    placed(job, finished_run)
    made = snapshot(job)
    address = own(name, job, *([made.splat.name] if name == "snapshot" else []))
    assert browser_of(job.owner).get(address).status_code == 200
    assert browser_of(supporter()).get(address).status_code == 200
    assert browser_of(person("bob@example.org")).get(address).status_code == 404
    assert client.get(address).status_code == 302  # to sign-in


@pytest.mark.parametrize("name", ["cloud", "snapshot"])
def test_a_link_shows_points_and_scene_while_it_is_shared(
    client: Client, finished_run: FinishedRun, name: str
) -> None:
    job = running()
    placed(job, finished_run)
    made = snapshot(job)
    address = link(name, job, *([made.render.name] if name == "snapshot" else []))
    response = client.get(address)
    assert response.status_code == 200
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-cache" in response["Cache-Control"]
    Share.objects.update(is_on=False)
    for browser in (client, browser_of(job.owner)):
        assert browser.get(address).status_code == 404


def test_a_shared_page_shows_progress_but_no_photo_and_no_features(
    client: Client, finished_run: FinishedRun
) -> None:
    job = running("COLMAP_MATCH", 35.0)
    placed(job, finished_run)
    shutil.rmtree(job.workspace.sparse)
    response = client.get(reverse("recon:public", args=(job.share.key,)))
    assert response.context["live"].shows == ""
    page = response.content.decode()
    assert 'data-shows=""' in page
    for secret in ("features.jpg", "photos/", str(job.pk), "of your photos", "secret garden"):
        assert secret not in page
    assert client.get(f"/v/{job.share.key}/live/features.jpg").status_code == 404


def test_a_link_shows_no_figures_of_a_growing_scene_that_its_owner_keeps_back() -> None:
    job = running()
    snapshot(job)
    for shows in (True, False):
        Share.objects.update(shows_figures=shows)
        for name in ("recon:public", "recon:public_progress"):
            page = Client().get(reverse(name, args=(job.share.key,))).content.decode()
            assert "As it looks after" in page
            assert "12,345" not in page, "training figures are for the log"
            found = [figure for figure in ("22.5 dB", "18.2", "PSNR went from") if figure in page]
            assert len(found) == (3 if shows else 0), (name, found)
    own_page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "22.5 dB" in own_page


def test_no_photo_s_name_is_in_what_a_link_serves(
    client: Client, finished_run: FinishedRun
) -> None:
    job = running()
    placed(job, finished_run)
    name = read_names(job)[0]
    snapshot(job, photo=name)
    page = client.get(reverse("recon:public", args=(job.share.key,))).content.decode()
    points = body(client.get(link("cloud", job))).decode()
    assert 'data-shows="scene"' in page
    assert all(name not in page and name not in points for name in read_names(job))


def read_names(job: Job) -> list[str]:
    return [p["name"] for p in json.loads(job.workspace.photos_json.read_text())["photos"]]


@pytest.mark.parametrize("name", ["features", "cloud"])
def test_before_there_is_anything_it_is_not_there(name: str) -> None:
    job = running("PREFLIGHT", 6.0)
    response = browser_of(job.owner).get(own(name, job), headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert "may still be running" in response.content.decode()


@pytest.mark.parametrize(
    "name", ["snapshot.json", "scene-x.splat", "..%2F..%2Fupload%2Fimages%2F000.jpg", "scene-0.ply"]
)
def test_no_other_file_comes_out_of_the_snapshots_folder(name: str) -> None:
    job = running()
    snapshot(job)
    assert browser_of(job.owner).get(f"/jobs/{job.pk}/live/{name}").status_code == 404


def test_instead_of_a_snapshot_that_is_gone_comes_the_newest() -> None:
    """A phone may need longer to fetch one than training to make the next two."""
    job = running()
    old = snapshot(job, 100)
    for step in (200, 300, 400):
        newest = snapshot(job, step)
    newest.splat.write_bytes(SPLAT * 2)
    browser = browser_of(job.owner)
    assert body(browser.get(own("snapshot", job, old.splat.name))) == SPLAT * 2
    picture = body(browser.get(own("snapshot", job, old.render.name)))
    assert picture == newest.render.read_bytes()


def test_after_the_last_snapshot_comes_the_finished_scene(finished_run: FinishedRun) -> None:
    """A page may ask for one just as the job ends: its viewer pauses between two scenes."""
    job = running()
    old = snapshot(job, 100)
    remove_snapshots(job.workspace.snapshot)
    scene, picture = own("snapshot", job, old.splat.name), own("snapshot", job, old.render.name)
    browser = browser_of(job.owner)
    assert {browser.get(address).status_code for address in (scene, picture)} == {404}
    shutil.copytree(finished_run.workspace.output, job.workspace.output)
    made = job.workspace
    (delivered,) = made.point_cloud.glob("*/scene.splat")
    assert body(browser.get(scene)) == delivered.read_bytes()
    assert body(browser.get(picture)) == made.poster.read_bytes()


# --- What it looks like ---


def test_features_are_drawn_on_a_photo_without_its_metadata(finished_run: FinishedRun) -> None:
    job = running("COLMAP_MATCH", 35.0)
    placed(job, finished_run)
    response = browser_of(job.owner).get(own("features", job))
    assert response["Content-Type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(body(response)))
    assert max(picture.size) <= features_picture.SIDE
    assert not picture.getexif()
    # Rings are light blue; the rendered photos have hardly a pixel of that colour.
    blue = sum(
        b > 200 and g > 180 and r < 190 for r, g, b in picture.convert("RGB").get_flattened_data()
    )
    assert blue > 200


def test_the_picture_is_drawn_once(finished_run: FinishedRun) -> None:
    job = running("COLMAP_MATCH", 35.0)
    placed(job, finished_run)
    first = features_picture.features_of(job)
    assert first is not None
    made = first.stat().st_mtime_ns
    second = features_picture.features_of(job)
    assert second == first
    assert second.stat().st_mtime_ns == made


def test_a_damaged_database_or_a_photo_that_is_gone_is_no_picture(
    finished_run: FinishedRun,
) -> None:
    job = running("COLMAP_MATCH", 35.0)
    placed(job, finished_run)
    shutil.rmtree(job.workspace.photos)
    assert features_picture.features_of(job) is None
    job.workspace.database.write_bytes(b"no database")
    assert features_picture.features_of(job) is None


def test_the_cloud_holds_points_colours_and_every_camera(finished_run: FinishedRun) -> None:
    job = running("COLMAP_UNDIST", 58.0)
    placed(job, finished_run)
    content = json.loads(body(browser_of(job.owner).get(own("cloud", job))))
    assert 50 < len(content["points"]) == len(content["colours"]) <= cloud.MOST_POINTS
    assert len(content["cameras"]) == finished_run.result.outcome["registered"]
    sizes = sorted(sum(value**2 for value in point) ** 0.5 for point in content["points"])
    assert 0 < sizes[len(sizes) // 2] < 1000
    assert all(sum(v**2 for v in camera["position"]) <= 1002**2 for camera in content["cameras"])
    assert all(0 <= value <= 255 for colour in content["colours"] for value in colour)
    assert len(json.dumps(content)) < 200_000


def test_a_damaged_model_is_no_cloud(finished_run: FinishedRun) -> None:
    job = running("COLMAP_UNDIST", 58.0)
    placed(job, finished_run)
    (job.workspace.sparse / "images.bin").write_bytes(b"\1")
    assert browser_of(job.owner).get(own("cloud", job)).status_code == 404


def test_the_viewer_starts_where_the_snapshot_s_photo_was_taken(finished_run: FinishedRun) -> None:
    job = running(config={"train": {"max_image_size": 240}})
    placed(job, finished_run)
    cameras = json.loads(finished_run.workspace.cameras_json.read_text())
    view = cloud.view_from(job.workspace, cameras[0]["img_name"], 240)
    assert view is not None
    assert view.position == pytest.approx(cameras[0]["position"], abs=1e-3)
    assert 20 < view.fov_y_degrees < 90
    assert view.trained_height == 180
    assert view.aspect == pytest.approx(4 / 3)
    assert cloud.view_from(job.workspace, "nobody.jpg", None) is None


# --- How the page learns of it ---


def shows(response: Any) -> str:
    return str(response.context["live"].shows)


def test_the_page_shows_features_then_points_then_the_scene(finished_run: FinishedRun) -> None:
    job = running("COLMAP_FEAT", 20.0)
    browser = browser_of(job.owner)
    assert shows(browser.get(own("job", job))) == ""
    placed(job, finished_run)
    model = job.workspace.sparse.rename(job.folder / "later")
    page = browser.get(own("job", job))
    assert (shows(page), own("features", job) in page.content.decode()) == ("features", True)
    model.rename(job.workspace.sparse)
    page = browser.get(own("job", job))
    assert (shows(page), own("cloud", job) in page.content.decode()) == ("cloud", True)
    made = snapshot(job)
    page = browser.get(own("job", job))
    text = page.content.decode()
    assert shows(page) == "scene"
    assert own("snapshot", job, made.splat.name) in text
    assert own("snapshot", job, made.render.name) in text  # the picture, without JavaScript too
    assert "As it looks after 300 of 1,200 training steps." in text


def test_a_waiting_or_finished_job_has_nothing_to_look_at(finished_run: FinishedRun) -> None:
    job = running()
    placed(job, finished_run)
    snapshot(job)
    for status in (Job.Status.PENDING, Job.Status.FAILED):
        Job.objects.update(status=status, error_code="internal")
        assert shows(browser_of(job.owner).get(own("job", job))) == ""


def test_the_curve_is_drawn_and_said_in_words(finished_run: FinishedRun) -> None:
    job = running()
    snapshot(job, history=[(100, 1.0, 18.25), (200, 2.0, None), (300, 3.0, 22.5)])
    page = browser_of(job.owner).get(own("job", job)).content.decode()
    assert "PSNR went from 18.2 dB at step 100 to 22.5 dB at step 300." in page
    assert '<polyline class="curve-line" points="26.7,' in page
    assert "that it never saw" in page


def test_one_measurement_is_no_curve_yet() -> None:
    job = running()
    assert curve.of(snapshot(job, history=[(300, 3.0, 22.5)])) is None
    assert curve.of(snapshot(job, history=[(200, 2.0, None), (300, 3.0, None)])) is None


def test_a_flat_curve_stays_inside_its_frame() -> None:
    drawn = curve.of(snapshot(running(), history=[(100, 1.0, 20.0), (300, 3.0, 20.0)]))
    assert drawn is not None
    heights = [float(point.split(",")[1]) for point in drawn.points.split()]
    assert all(0 <= height <= curve.HEIGHT for height in heights)


# --- Without scripts ---


@pytest.mark.parametrize("shared", [False, True])
def test_a_page_reloads_itself_until_it_is_held_still(shared: bool) -> None:
    job = running()
    address = reverse("recon:public", args=(job.share.key,)) if shared else own("job", job)
    browser = browser_of(job.owner)
    page = browser.get(address).content.decode()
    assert f'<noscript><meta http-equiv="refresh" content="5; url={address}"></noscript>' in page
    assert f'href="{address}?still=1"' in page
    held = browser.get(address, {"still": "1"}).content.decode()
    assert 'http-equiv="refresh"' not in held
    assert f'<a href="{address}">Resume reloading</a>' in held


# --- Polls ---


def poll(browser: Client, job: Job, version: str = "") -> Any:
    return browser.get(own("progress", job), {"v": version})


def test_a_poll_is_answered_204_until_something_changes() -> None:
    job = running()
    browser = browser_of(job.owner)
    version = browser.get(own("job", job)).context["version"]
    same = poll(browser, job, version)
    assert (same.status_code, same.content) == (204, b"")
    Job.objects.update(percent=71.5)
    news = poll(browser, job, version)
    assert news.status_code == 200
    assert f"?v={news.context['version']}" in news.content.decode()
    assert poll(browser, job, news.context["version"]).status_code == 204


@pytest.mark.parametrize("change", ["progress", "log", "snapshot", "step"])
def test_whatever_the_page_shows_makes_a_new_version(change: str) -> None:
    job = running()
    browser = browser_of(job.owner)
    version = browser.get(own("job", job)).context["version"]
    if change == "progress":
        Job.objects.update(progress=message("training_step", {"step": 500, "total": 1200}))
    elif change == "log":
        job.workspace.log.parent.mkdir()
        job.workspace.log.write_text("12:00:00 a line\n")
    elif change == "snapshot":
        snapshot(job)
    else:
        Job.objects.update(step="EVALUATION", percent=85.0)
    assert poll(browser, job, version).status_code == 200


def test_a_poll_through_a_link_is_answered_204_too(client: Client) -> None:
    job = running()
    version = client.get(reverse("recon:public", args=(job.share.key,))).context["version"]
    address = reverse("recon:public_progress", args=(job.share.key,))
    assert client.get(address, {"v": version}).status_code == 204
    # The page behind a link does not show it.
    Job.objects.update(progress=message("photo_loaded", {"name": "secret garden 0.jpg"}))
    assert client.get(address, {"v": version}).status_code == 204
    Job.objects.update(percent=80.0)
    assert client.get(address, {"v": version}).status_code == 200


def test_a_poll_brings_the_words_of_the_stage_along() -> None:
    job = running()
    made = snapshot(job)
    fragment = poll(browser_of(job.owner), job).content.decode()
    assert 'id="stage-said"' in fragment
    assert 'hx-swap-oob="true"' in fragment
    assert made.splat.name in fragment
    page = browser_of(job.owner).get(own("job", job)).content.decode()
    assert "hx-swap-oob" not in page


def test_at_the_end_the_page_is_told_to_stop_whatever_version_it_has() -> None:
    job = running()
    browser = browser_of(job.owner)
    Job.objects.update(status=Job.Status.CANCELLED)
    version = poll(browser, job).context["version"]
    response = poll(browser, job, version)
    assert (response.status_code, response["HX-Refresh"]) == (286, "true")


def test_polls_are_for_the_owner_alone(client: Client) -> None:
    job = running()
    assert poll(browser_of(person("bob@example.org")), job).status_code == 404
    assert poll(client, job).status_code == 302
