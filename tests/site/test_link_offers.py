"""What an owner lets a link offer: which files may be downloaded, and whether figures are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.jobs import sharing
from recon.models import Artifact, Job
from recon.web.urls import PUBLIC_FILES
from tests.site.making import (
    FILES,
    browser_of,
    finished_job,
    job_of,
    measured_job,
    person,
    with_first_part,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

ALLOW = "Access-Control-Allow-Origin"
PAGE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}

#: Which addresses may be downloaded from, by the owner's choice.
OFFERED = {
    "nothing": set(),
    "splat": {"splat", "spz"},
    "all": {"ply", "splat", "spz", "turntable", "poster"},
}
CHOICES = pytest.mark.parametrize("choice", OFFERED)


def shared(choice: str = "all", **fields: Any) -> Job:
    return finished_job(person(), shared=True, share_downloads=choice, **fields)


def at(job: Job, name: str, *more: str) -> str:
    return reverse(f"recon:{name}", args=(job.share.key, *more))


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


# --- Downloads ---


def test_without_a_word_everything_is_offered_and_shown() -> None:
    """As it was before owners could choose."""
    job = finished_job(person(), shared=True)
    assert (job.share.downloads, job.share.shows_figures) == ("all", True)


@CHOICES
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_only_what_is_offered_is_handed_out_or_read_by_other_sites(
    client: Client, choice: str, method: str
) -> None:
    job = shared(choice)
    for name, _, kind in PUBLIC_FILES:
        ask = getattr(client, method)
        answer = ask(at(job, f"public_{name}"), headers={"Origin": "https://viewer.example"})
        is_offered = name in OFFERED[choice]
        if is_offered or name == "poster":  # the picture on the page and in previews of the link
            assert answer.status_code == (204 if method == "options" else 200)
        else:
            assert answer.status_code == 403
            assert FILES[kind][1] not in answer.content
        assert (ALLOW in answer.headers) == is_offered, name
        assert ("Cross-Origin-Resource-Policy" in answer.headers) == is_offered, name


def test_a_refusal_says_why_to_programs_and_to_people(client: Client) -> None:
    job = shared("splat")
    said = "The owner of this scene does not offer this file for download."
    assert client.get(at(job, "public_ply")).json() == {"detail": said}
    page = client.get(at(job, "public_ply"), headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert said in page.content.decode()


def test_a_part_or_a_known_copy_is_no_way_around(client: Client) -> None:
    job = shared()
    tag = client.get(at(job, "public_splat"))["ETag"]
    sharing.change(job, downloads="nothing")
    for headers in ({"Range": "bytes=0-9"}, {"If-None-Match": tag}):
        assert client.get(at(job, "public_splat"), headers=headers).status_code == 403


@CHOICES
def test_the_page_offers_what_is_offered(client: Client, choice: str) -> None:
    job = shared(choice)
    response = client.get(at(job, "public"))
    page = response.content.decode()
    names = {name for name, _, _ in PUBLIC_FILES if f'href="{at(job, f"public_{name}")}"' in page}
    assert names == OFFERED[choice] - {"poster"}
    assert ("public-downloads" in page) == (choice != "nothing")
    assert ("downloads below work" in page) == ("downloads work" in page) == (choice != "nothing")


def test_a_frame_promises_no_downloads_that_it_has_not(client: Client) -> None:
    page = client.get(at(shared(), "public"), {"embed": "1"}).content.decode()
    assert "Walking around needs JavaScript" in page
    assert "downloads" not in page


@CHOICES
@pytest.mark.parametrize("embed", ["", "?embed=1"])
@pytest.mark.parametrize("smallest", ["splat", "spz"])
def test_the_viewer_gets_the_scene_all_the_same(
    client: Client, choice: str, embed: str, smallest: str
) -> None:
    job = shared(choice)
    job.artifacts.filter(kind=smallest).update(size=1)
    viewer = client.get(at(job, "public") + embed).context["viewer"]
    scene = client.get(viewer["scene_url"], headers=PAGE)
    assert (scene.status_code, body(scene)) == (200, FILES[smallest][1])
    assert client.get(viewer["views_url"], headers=PAGE).status_code == 200
    assert client.get(viewer["poster_url"]).status_code == 200
    if choice == "nothing":
        assert ALLOW not in scene.headers
        assert scene["X-Robots-Tag"] == "noindex, nofollow"
        assert "no-cache" in scene["Cache-Control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"},  # typed, or pasted
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_the_viewer_s_address_is_for_the_viewer_alone(
    client: Client, headers: dict[str, str]
) -> None:
    job = shared("nothing")
    assert client.get(at(job, "public_scene", "splat"), headers=headers).status_code == 403
    assert client.post(at(job, "public_scene", "splat")).status_code == 405


def test_it_gives_the_scene_that_is_shown_and_no_other_file(client: Client) -> None:
    job = shared("nothing")
    for kind in ("spz", "ply", "scene_ply", "turntable", "results", "nonsense"):
        assert client.get(at(job, "public_scene", kind), headers=PAGE).status_code == 404
    for choice in ("splat", "all"):  # for these the ordinary address will do
        sharing.change(job, downloads=choice)
        assert client.get(at(job, "public_scene", "splat"), headers=PAGE).status_code == 404


def test_it_keeps_to_the_switch_and_to_the_password(client: Client) -> None:
    job = shared("nothing")
    where = at(job, "public_scene", "splat")
    sharing.change(job, password=sharing.hash_password("under the mat"))
    assert client.get(where, headers=PAGE).status_code == 403
    entered = PAGE | {"X-Scene-Password": "under the mat"}
    assert client.get(where, headers=entered).status_code == 200
    sharing.change(job, is_on=False)
    assert client.get(where, headers=entered).status_code == 404


FIRST = b"the first part"


@CHOICES
@pytest.mark.parametrize("embed", ["", "?embed=1"])
def test_what_a_viewer_shows_first_is_for_the_viewer_whatever_is_offered(
    client: Client, choice: str, embed: str
) -> None:
    job = with_first_part(shared(choice), FIRST)
    page = client.get(at(job, "public") + embed)
    viewer = page.context["viewer"]
    assert viewer["first_url"] == at(job, "public_scene", "first")
    assert viewer["first_bytes"] == len(FIRST)
    assert viewer["to_load"] == len(FIRST) + len(FILES["splat"][1])
    assert f'href="{viewer["first_url"]}"' not in page.content.decode(), "it is not a download"
    answer = client.get(viewer["first_url"], headers=PAGE)
    assert (answer.status_code, body(answer)) == (200, FIRST)
    assert ALLOW not in answer.headers
    assert "Cross-Origin-Resource-Policy" not in answer.headers
    for headers in (
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"},
    ):
        assert client.get(viewer["first_url"], headers=headers).status_code == 403


def test_it_is_as_private_and_as_locked_as_the_scene(client: Client) -> None:
    job = with_first_part(shared("all"), FIRST)
    where, own = at(job, "public_scene", "first"), reverse("recon:file", args=(job.pk, "first"))
    bob = browser_of(person("bob@example.org"))
    assert [who.get(own).status_code for who in (client, bob)] == [302, 404]
    assert body(browser_of(job.owner).get(own)) == FIRST
    sharing.change(job, password=sharing.hash_password("under the mat"))
    assert client.get(where, headers=PAGE).status_code == 403
    entered = PAGE | {"X-Scene-Password": "under the mat"}
    assert body(client.get(where, headers=entered)) == FIRST
    sharing.change(job, is_on=False)
    assert client.get(where, headers=entered).status_code == 404


def test_scenes_without_it_are_shown_as_before(client: Client) -> None:
    job = shared("nothing")
    for page in (client.get(at(job, "public")), browser_of(job.owner).get(job.get_absolute_url())):
        assert page.context["viewer"]["first_url"] == ""
        assert "data-first" not in page.content.decode()
    assert client.get(at(job, "public_scene", "first"), headers=PAGE).status_code == 404


def test_programs_are_not_told_of_it() -> None:
    job = finished_job(person())
    status = reverse("api:job_status", args=(job.pk,))
    before = browser_of(job.owner).get(status).json()
    with_first_part(job)
    assert browser_of(job.owner).get(status).json() == before
    assert {file["kind"] for file in before["files"]} == set(FILES)
    file = reverse("api:own_file", args=(job.pk, "first"))
    assert browser_of(job.owner).get(file).status_code == 404


def test_a_snapshot_s_address_is_no_way_around(client: Client) -> None:
    """Once the scene is done, it gives latecomers the finished scene."""
    job = shared("nothing")
    where = at(job, "public_snapshot", "scene-000300-abc123.splat")
    assert client.get(where, headers={"Sec-Fetch-Site": "none"}).status_code == 403
    assert body(client.get(where, headers=PAGE)) == FILES["splat"][1]
    sharing.change(job, downloads="splat")
    assert client.get(where, headers={"Sec-Fetch-Site": "none"}).status_code == 200
    running = job_of(job.owner, shared=True, share_downloads="nothing", status="PROCESSING")
    points = at(running, "public_cloud")
    assert client.get(points, headers={"Sec-Fetch-Site": "none"}).status_code == 403


def test_the_owner_keeps_every_file(client: Client) -> None:
    job = with_first_part(shared("nothing"))
    for kind in Artifact.Kind.values:
        assert (
            browser_of(job.owner).get(reverse("recon:file", args=(job.pk, kind))).status_code == 200
        )


# --- Figures ---

FIGURES = ("PSNR", "SSIM", "LPIPS", "22.8", "0.81", "0.41", "24.5", ">Excellent<", ">Good<",
           ">Usable<", ">Poor<", ">Not a scene<", "kept aside", "dB")  # fmt: skip


def said_by_the_link(client: Client, job: Job) -> Iterator[str]:
    """Everything that the link's page says in words."""
    for address in (
        at(job, "public"),
        at(job, "public") + "?embed=1",
        at(job, "public_progress"),
        at(job, "public_views"),
        reverse("recon:oembed") + f"?url=http://localhost:8000/v/{job.share.key}",
    ):
        yield client.get(address).content.decode()


def test_figures_are_shown_or_not_as_their_owner_likes(client: Client) -> None:
    job = measured_job(person(), shared=True)
    shown = "".join(said_by_the_link(client, job))
    assert {figure for figure in FIGURES if figure in shown} >= {
        "PSNR",
        "22.8",
        ">Good<",
        "kept aside",
    }
    sharing.change(job, shows_figures=False)
    for page in said_by_the_link(client, job):
        assert [figure for figure in FIGURES if figure in page] == []
    assert "22.8 dB" in browser_of(job.owner).get(job.get_absolute_url()).content.decode()


# --- The owner's form ---


def choose(browser: Client, job: Job, status: int = 200, **data: str) -> str:
    answer = browser.post(reverse("recon:share_offer", args=(job.pk,)), data, follow=True)
    assert answer.status_code == status
    job.refresh_from_db()
    page: str = answer.content.decode()
    return page


def test_the_owner_chooses_on_the_scene_s_page() -> None:
    job = finished_job(person(), shared=True)
    browser = browser_of(job.owner)
    before = browser.get(job.get_absolute_url()).content.decode()
    assert "All its files can be downloaded" in before
    page = choose(browser, job, downloads="nothing")
    assert (job.share.downloads, job.share.shows_figures) == ("nothing", False)
    assert "Nothing can be downloaded" in page
    assert "The quality figures are not shown" in page
    assert '<option value="nothing" selected>' in page
    assert "anyone who knows how can save what their browser shows" in page
    page = choose(browser, job, downloads="splat", figures="on")
    assert (job.share.downloads, job.share.shows_figures) == ("splat", True)
    assert "Only the splat can be downloaded" in page
    assert "The quality figures are not shown" not in page


@pytest.mark.parametrize("data", [{"downloads": "some"}, {}, {"figures": "on"}])
def test_what_is_no_choice_changes_nothing(data: dict[str, str]) -> None:
    job = finished_job(person(), share_downloads="splat", share_figures=False)
    browser = browser_of(job.owner)
    answer = browser.post(reverse("recon:share_offer", args=(job.pk,)), data)
    assert answer.status_code == 400
    (fold,) = re.findall(
        r'<details class="explain" open>.*?</details>', answer.content.decode(), re.S
    )
    assert "Downloads and quality figures" in fold
    assert '<ul class="errorlist"' in fold
    job.refresh_from_db()
    assert (job.share.downloads, job.share.shows_figures) == ("splat", False)


def test_other_settings_of_the_link_leave_it_alone() -> None:
    job = finished_job(person(), shared=True, share_downloads="splat", share_figures=False)
    browser = browser_of(job.owner)
    browser.post(reverse("recon:share_settings", args=(job.pk,)), {"password": "under the mat"})
    browser.post(reverse("recon:share", args=(job.pk,)), {"shared": "new"})
    job.refresh_from_db()
    assert (job.share.downloads, job.share.shows_figures) == ("splat", False)


def test_a_draft_offers_nothing_yet_and_others_choose_nothing() -> None:
    draft = job_of(person(), status=Job.Status.DRAFT, edited_at=timezone.now())
    refused = choose(browser_of(draft.owner), draft, 409, downloads="nothing")
    assert "once it has been started" in refused
    assert draft.share.downloads == "all"
    address = reverse("recon:share_offer", args=(draft.pk,))
    other = browser_of(person("bob@example.org"))
    assert other.post(address, {"downloads": "nothing"}).status_code == 404
    assert other.get(address).status_code == 302
