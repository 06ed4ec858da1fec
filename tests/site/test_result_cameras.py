"""Where the photos were taken: for the owner with their pictures, for links without."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from recon.models import Artifact, Job, Share
from recon.web.scene import own_viewer, public_viewer
from tests.site import outcomes
from tests.site.making import browser_of, exif_with_gps, finished_job, person, photo_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

#: A quarter turn about y: the camera looks along the world's x. Its place is (1, 2, 3).
CAMERA = {
    "id": 0,
    "img_name": "000.jpg",
    "width": 120,
    "height": 90,
    "position": [1.0, 2.0, 3.0],
    "rotation": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]],
    "fx": 100.0,
    "fy": 101.0,
    "cx": 62.5,
    "cy": 44.0,
}


@pytest.fixture
def job() -> Job:
    job = finished_job(person(), shared=True)
    write_cameras(job, [CAMERA | {"id": n, "img_name": f"{n:03}.jpg"} for n in range(3)])
    return job


def write_cameras(job: Job, cameras: Any) -> None:
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(json.dumps(cameras))


def own(job: Job) -> str:
    return reverse("recon:views", args=(job.pk,))


def public(job: Job) -> str:
    return reverse("recon:public_views", args=(job.share.key,))


def test_cameras_are_told_camera_from_world(client: Client, job: Job) -> None:
    answer = client.get(public(job)).json()
    assert "cam_from_world" in answer["about"]
    view = answer["views"][0]
    assert len(answer["views"]) == 3
    # World-from-camera takes the camera's z to the world's x; the inverse takes x to z.
    assert view["cam_from_world"] == [
        [0.0, 0.0, -1.0, 3.0],
        [0.0, 1.0, 0.0, -2.0],
        [1.0, 0.0, 0.0, -1.0],
    ]
    assert [view[name] for name in ("width", "height", "fx", "fy", "cx", "cy")] == [
        120, 90, 100.0, 101.0, 62.5, 44.0,
    ]  # fmt: skip


def test_a_link_tells_nothing_of_the_photos(client: Client, job: Job) -> None:
    response = client.get(public(job))
    for view in response.json()["views"]:
        assert set(view) == {"width", "height", "fx", "fy", "cx", "cy", "cam_from_world"}
    text = response.content.decode()
    assert "secret" not in text
    assert ".jpg" not in text
    assert str(job.pk) not in text


def test_the_owner_gets_names_and_pictures(job: Job) -> None:
    browser = browser_of(job.owner)
    view = browser.get(own(job)).json()["views"][1]
    assert view["name"] == "secret garden 1.jpg"
    assert view["thumb"] == reverse("recon:thumb", args=(job.pk, "001.jpg"))
    assert view["photo"] == reverse("recon:view_photo", args=(job.pk, 2))
    assert browser.get(view["thumb"]).status_code == 200


def test_a_photo_is_found_by_the_name_it_is_stored_under(job: Job) -> None:
    """COLMAP has its own names, those of JPEGs, which need not resemble them."""
    job.photos.filter(name="001.jpg").update(name="007-gate.png")
    names = {"000.jpg": "000.jpg", "001.jpg": "007-gate.png", "002.jpg": "002.jpg"}
    outcomes.write_prepared(job, names)
    views = browser_of(job.owner).get(own(job)).json()["views"]
    assert views[1]["thumb"].endswith("/007-gate.png")
    assert views[1]["name"] == "secret garden 1.jpg"


def test_names_that_only_look_alike_are_not_one_photo(job: Job) -> None:
    job.photos.filter(name="001.jpg").update(name="001.png")
    outcomes.write_prepared(job, {"000.jpg": "000.jpg", "001.jpg": "gone.jpg"})
    first, second, _ = browser_of(job.owner).get(own(job)).json()["views"]
    assert "thumb" in first
    assert "thumb" not in second


def test_without_the_record_of_names_the_views_have_no_pictures(job: Job) -> None:
    job.workspace.photos_json.unlink()
    views = browser_of(job.owner).get(own(job)).json()["views"]
    assert [set(view) & {"name", "thumb", "photo"} for view in views] == [set()] * 3


def test_a_camera_whose_photo_is_gone_has_no_pictures(job: Job) -> None:
    job.photos.filter(name="002.jpg").delete()
    views = browser_of(job.owner).get(own(job)).json()["views"]
    assert "photo" in views[0]
    assert "photo" not in views[2]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"img_name": "000.jpg"}]', "[null]"])
def test_a_broken_file_of_cameras_means_no_views(client: Client, job: Job, content: str) -> None:
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(content)
    assert client.get(public(job)).json()["views"] == []
    assert browser_of(job.owner).get(own(job)).json()["views"] == []


def test_a_file_of_cameras_that_is_gone_means_no_views(client: Client, job: Job) -> None:
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.unlink()
    assert client.get(public(job)).json()["views"] == []
    job.artifacts.filter(kind=Artifact.Kind.CAMERAS).delete()
    assert client.get(public(job)).json()["views"] == []


def test_a_job_that_is_not_done_has_no_views(client: Client, job: Job) -> None:
    Job.objects.update(status=Job.Status.PROCESSING)
    assert client.get(public(job)).json()["views"] == []
    assert browser_of(job.owner).get(own(job)).json()["views"] == []


def test_views_are_their_owners(client: Client, job: Job) -> None:
    bob = browser_of(person("bob@example.org"))
    for address in (own(job), reverse("recon:view_photo", args=(job.pk, 1))):
        assert bob.get(address).status_code == 404
        assert client.get(address).status_code == 302
        assert bob.post(address).status_code == 405
    Share.objects.update(is_on=False)
    assert client.get(public(job)).status_code == 404


# --- Which file the viewer gets ---


def test_the_viewer_gets_the_smallest_format_that_there_is(job: Job) -> None:
    viewer = own_viewer(job)
    assert viewer is not None
    assert viewer["scene_url"] == reverse("recon:file", args=(job.pk, "splat"))
    Artifact.objects.filter(kind="spz").update(size=7)
    viewer = own_viewer(job)
    assert viewer is not None
    assert viewer["scene_url"] == reverse("recon:file", args=(job.pk, "spz"))
    assert viewer["bytes"] == 7


def test_a_link_gives_its_viewer_the_smallest_format_too(job: Job) -> None:
    Artifact.objects.filter(kind="spz").update(size=7)
    viewer = public_viewer(job)
    assert viewer is not None
    assert viewer["scene_url"] == reverse("recon:public_spz", args=(job.share.key,))
    Artifact.objects.filter(kind="spz").delete()
    viewer = public_viewer(job)
    assert viewer is not None
    assert viewer["scene_url"] == reverse("recon:public_splat", args=(job.share.key,))


# --- The photo that is laid over the scene ---


def write_training_photo(
    job: Job, size: tuple[int, int] = (2000, 1500), name: str = "000.jpg"
) -> None:
    job.workspace.images.mkdir(parents=True, exist_ok=True)
    (job.workspace.images / name).write_bytes(photo_bytes(5, size, exif=exif_with_gps()))


def test_the_photo_is_the_one_trained_on_smaller_and_free_of_metadata(job: Job) -> None:
    write_training_photo(job)
    browser = browser_of(job.owner)
    address = reverse("recon:view_photo", args=(job.pk, 1))
    response: Any = browser.get(address)
    assert response["Content-Type"] == "image/jpeg"
    assert "no-cache" in response["Cache-Control"]
    image = Image.open(io.BytesIO(b"".join(response)))
    assert image.size == (1600, 1200)
    assert not image.getexif()
    (job.workspace.images / "000.jpg").unlink()
    assert browser.get(address).status_code == 404, "the copy does not outlive its photo"


@pytest.mark.parametrize("number", [0, 1, 4, 99])
def test_a_photo_that_is_not_there_says_so(job: Job, number: int) -> None:
    address = reverse("recon:view_photo", args=(job.pk, number))
    assert browser_of(job.owner).get(address).status_code == 404


def test_a_name_that_leads_out_of_the_folder_is_refused(job: Job) -> None:
    write_training_photo(job)
    write_cameras(job, [CAMERA | {"img_name": "../../upload/images/000.jpg"}])
    address = reverse("recon:view_photo", args=(job.pk, 1))
    assert browser_of(job.owner).get(address).status_code == 404
