"""Share links: what they show, what they never show, and how they end."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.models import Job
from recon.pipeline.words.reasons import Reason
from tests.site import outcomes
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

NAMES = (
    "public", "public_progress", "public_ply", "public_splat", "public_spz", "public_turntable",
    "public_poster", "public_preview", "public_views",
)  # fmt: skip


def link(name: str, job: Job) -> str:
    return reverse(f"recon:{name}", args=(job.share.key,))


def switch(browser: Client, job: Job, wish: str) -> Any:
    return browser.post(reverse("recon:share", args=(job.pk,)), {"shared": wish})


def text_of(response: Any) -> str:
    return b"".join(response).decode() if response.streaming else response.content.decode()


def test_a_link_opens_without_an_account(client: Client) -> None:
    job = finished_job(person(), shared=True)
    response = client.get(f"/v/{job.share.key}")
    page = response.content.decode()
    assert response.status_code == 200
    assert "Fern in the hall" in page
    assert "22.8 dB" in page
    assert f'data-scene="{link("public_splat", job)}"' in page
    assert [d["url"] for d in response.context["downloads"]] == [
        f"/recon/pub/{job.share.key}/cloud.ply",
        f"/recon/pub/{job.share.key}/scene.splat",
        f"/recon/pub/{job.share.key}/scene.spz",
        f"/recon/pub/{job.share.key}/turntable.mp4",
    ]


def test_a_link_serves_the_scene_as_shown(client: Client) -> None:
    job = finished_job(person(), shared=True)
    assert text_of(client.get(link("public_ply", job))) == "ply filtered"
    assert b"".join(client.get(link("public_splat", job))) == bytes(range(256)) * 4
    assert client.get(link("public_poster", job))["Content-Type"] == "image/jpeg"
    assert text_of(client.get(link("public_spz", job))) == "spz" * 1000
    assert client.get(link("public_turntable", job))["Content-Type"] == "video/mp4"


def test_a_link_does_not_offer_what_names_photos(client: Client) -> None:
    job = finished_job(person(), shared=True)
    response = client.get(link("public", job))
    kinds = {d["kind"] for d in response.context["downloads"]}
    assert kinds == {"scene_ply", "splat", "spz", "turntable"}
    for name in ("colmap_model.zip", "model.zip", "cameras.json", "colmap"):
        assert client.get(f"/recon/pub/{job.share.key}/{name}").status_code == 404


def test_a_link_to_an_older_scene_does_not_offer_what_it_lacks(client: Client) -> None:
    job = finished_job(person(), shared=True)
    job.artifacts.filter(kind__in=("spz", "turntable", "colmap")).delete()
    page = client.get(link("public", job)).content.decode()
    assert "cloud.ply" in page
    assert "scene.spz" not in page
    assert "turntable" not in page
    for name in ("public_spz", "public_turntable"):
        assert client.get(link(name, job)).status_code == 404


def test_a_shared_video_can_be_played_from_any_place(client: Client) -> None:
    """Safari only plays what it can request in parts."""
    job = finished_job(person(), shared=True)
    part = client.get(link("public_turntable", job), headers={"Range": "bytes=0-1"})
    assert part.status_code == 206
    assert part["Content-Range"] == "bytes 0-1/2100"
    assert part["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("name", NAMES)
def test_a_link_keeps_out_of_search_engines_and_referrers(client: Client, name: str) -> None:
    response = client.get(link(name, finished_job(person(), shared=True)))
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("name", NAMES)
def test_a_private_job_has_no_link_not_even_for_its_owner(client: Client, name: str) -> None:
    job = finished_job(person())
    for browser in (client, browser_of(job.owner), browser_of(person("bob@example.org"))):
        assert browser.get(link(name, job)).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_link_is_not_there(client: Client, name: str) -> None:
    response = client.get(
        reverse(f"recon:{name}", args=("x" * 32,)), headers={"Accept": "text/html"}
    )
    assert response.status_code == 404
    assert "Its owner may have switched it off, or it has expired." in response.content.decode()


def test_programs_get_the_missing_file_as_json(client: Client) -> None:
    for accept in ("*/*", "application/json"):
        response = client.get("/recon/pub/nothing/cloud.ply", headers={"Accept": accept})
        assert response.status_code == 404
        assert "nothing at this link" in response.json()["detail"]


def test_sharing_is_switched_on_and_off_by_its_owner(client: Client) -> None:
    job = finished_job(person())
    browser = browser_of(job.owner)
    switch(browser, job, "on")
    first = client.get(link("public_splat", job))
    assert first.status_code == 200
    switch(browser, job, "off")
    assert client.get(link("public", job)).status_code == 404
    # A browser must check its cached copy with us again, and it is no longer confirmed.
    assert "no-cache" in first["Cache-Control"]
    condition = {"If-None-Match": first["ETag"]}
    assert client.get(link("public_splat", job), headers=condition).status_code == 404


def test_a_new_link_ends_the_old_one_for_good(client: Client) -> None:
    job = finished_job(person(), shared=True)
    switch(browser_of(job.owner), job, "new")
    new = Job.objects.get()
    assert new.share.key != job.share.key
    assert client.get(link("public", job)).status_code == 404
    assert client.get(link("public", new)).status_code == 200


def test_another_word_than_on_or_off_changes_nothing() -> None:
    job = finished_job(person(), shared=True)
    switch(browser_of(job.owner), job, "perhaps")
    assert Job.objects.get().share.is_on


def test_a_link_holds_at_least_128_random_bits() -> None:
    keys = {job_of(person(f"{n}@example.org")).share.key for n in range(5)}
    assert len(keys) == 5
    assert all(len(key) * 6 >= 128 for key in keys)


def test_before_the_end_a_link_shows_the_progress(client: Client) -> None:
    job = job_of(person(), shared=True, status=Job.Status.PROCESSING, step="GS_TRAIN", percent=70.0)
    response = client.get(link("public", job))
    page = response.content.decode()
    assert response.status_code == 200
    assert f'hx-get="{link("public_progress", job)}?v=' in page
    assert str(job.pk) not in page
    fragment = client.get(link("public_progress", job))
    assert fragment.status_code == 200
    assert "<html" not in fragment.content.decode()
    assert client.get(link("public_ply", job)).status_code == 404


def test_polling_a_link_stops_at_the_end(client: Client) -> None:
    job = finished_job(person(), shared=True)
    response = client.get(link("public_progress", job))
    assert response.status_code == 286
    assert response["HX-Refresh"] == "true"


WHY = Reason("unforeseen", "secret garden 1.jpg could not be compared")


def quoting(status: Job.Status) -> dict[str, Any]:
    """Everything in a job that may mention a photo's name."""
    names = {"count": 1, "total": 3, "photos": ["002.jpg"]}
    facts: dict[str, Any] = {
        "status": status,
        "shared": True,
        "progress": {"code": "photo_loaded", "facts": {"name": "secret garden 0.jpg"}},
        "warnings": [
            {"code": "photos_left_out", "facts": names},
            {"code": "metrics_absent", "facts": {"reason": WHY.to_dict()}},
        ],
    }
    if status == Job.Status.FAILED:
        facts |= {"error_code": "photo_unreadable", "error_facts": {"name": "secret garden 0.jpg"}}
    return facts


@pytest.mark.parametrize("status", [s for s in Job.Status if s != Job.Status.DRAFT])
def test_a_link_never_tells_of_photos_or_people(client: Client, status: Job.Status) -> None:
    owner = person("ann.secret@example.org")
    make = finished_job if status == Job.Status.COMPLETED else job_of
    job = make(owner, **(quoting(status) | {"completed_at": timezone.now(), "lpips": None}))
    job.workspace.output.mkdir(exist_ok=True)
    outcomes.not_measured(WHY).write(job.workspace)
    job.workspace.log.parent.mkdir(exist_ok=True)
    job.workspace.log.write_text("12:00:00 read secret garden 1.jpg\n")
    for name in ("public", "public_progress"):
        response = client.get(link(name, job))
        assert response.status_code in (200, 286)
        page = response.content.decode()
        assert "secret" not in page
        assert str(job.pk) not in page
        assert "photos/" not in page


def test_a_link_opens_no_file_but_the_scene(client: Client) -> None:
    job = finished_job(person(), shared=True)
    for kind in ("results", "cameras", "ply"):
        own = client.get(reverse("recon:file", args=(job.pk, kind)))
        assert own.status_code == 302  # to sign-in
    for path in ("results.json", "cameras.json", "photos/000.jpg", "../../upload/images/000.jpg"):
        assert client.get(f"/recon/pub/{job.share.key}/{path}").status_code == 404
