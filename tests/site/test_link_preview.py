"""The preview that a pasted link gets, and scenes in frames on other sites."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from recon.models import Artifact, Job, Share
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


@pytest.fixture
def job() -> Job:
    return finished_job(person(), shared=True, title='Fern & "friends"')


def address(job: Job) -> str:
    return f"{settings.BASE_URL}/v/{job.share.key}"


def oembed(client: Client, job: Job, **asked: Any) -> Any:
    return client.get("/oembed", {"url": address(job)} | asked)


def policy(response: Any) -> dict[str, str]:
    parts = (part.split(None, 1) for part in response["Content-Security-Policy"].split(";"))
    return {part[0]: part[1] if len(part) > 1 else "" for part in parts if part}


# --- Link previews ---


def metas(page: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page)
    return {name: unescape(content) for name, content in found}


def test_a_pasted_link_unfolds_with_title_and_poster(client: Client, job: Job) -> None:
    found = metas(client.get(f"/v/{job.share.key}").content.decode())
    preview = f"{settings.BASE_URL}/recon/pub/{job.share.key}/preview.jpg"
    assert found["og:title"] == found["twitter:title"] == 'Fern & "friends"'
    assert found["og:url"] == address(job)
    assert found["og:image"] == found["twitter:image"]
    assert found["og:image"].startswith(f"{preview}?v=")
    assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
    assert found["twitter:card"] == "summary_large_image"
    assert client.get(preview.removeprefix(settings.BASE_URL)).status_code == 200


@pytest.mark.parametrize("gone", ["no row", "no file", "no picture", "not done"])
def test_without_a_poster_there_is_none_to_unfold(client: Client, job: Job, gone: str) -> None:
    poster = job.artifacts.get(kind=Artifact.Kind.POSTER)
    if gone == "no row":
        poster.delete()
    elif gone == "no file":
        poster.file.unlink()
    elif gone == "no picture":
        poster.file.write_bytes(b"not a picture")
    else:
        Job.objects.update(status=Job.Status.PROCESSING, step="GS_TRAIN")
    found = metas(client.get(f"/v/{job.share.key}").content.decode())
    assert "og:image" not in found
    assert found["twitter:card"] == "summary"
    assert "thumbnail_url" not in oembed(client, job).json()


def test_a_page_of_ones_own_has_nothing_to_unfold(job: Job) -> None:
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "og:title" not in page
    assert "oembed" not in page


# --- oEmbed ---


def test_the_shared_page_says_where_its_oembed_is(client: Client, job: Job) -> None:
    page = client.get(f"/v/{job.share.key}").content.decode()
    link = re.search(r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)"', page)
    assert link
    href = unescape(link[1])
    assert href.startswith(f"{settings.BASE_URL}/oembed?")
    answer = client.get(href.removeprefix(settings.BASE_URL)).json()
    assert answer["title"] == 'Fern & "friends"'


def test_oembed_answers_with_a_frame_and_the_poster(client: Client, job: Job) -> None:
    response = oembed(client, job)
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert (answer["version"], answer["type"]) == ("1.0", "rich")
    assert (answer["width"], answer["height"]) == (800, 600)
    assert f'src="{address(job)}?embed=1"' in answer["html"]
    assert 'title="Fern &amp; &quot;friends&quot;, a 3D scene"' in answer["html"]
    assert f"/recon/pub/{job.share.key}/poster.jpg?v=" in answer["thumbnail_url"]
    assert (answer["thumbnail_width"], answer["thumbnail_height"]) == (120, 110)


def test_oembed_keeps_to_the_size_asked_for(client: Client, job: Job) -> None:
    answer = oembed(client, job, maxwidth=400, maxheight=9999).json()
    assert (answer["width"], answer["height"]) == (400, 600)
    assert 'width="400"' in answer["html"]
    assert "thumbnail_url" not in oembed(client, job, maxwidth=100).json(), "the poster is larger"
    for nonsense in ("-1", "wide", "1e9", ""):
        assert oembed(client, job, maxwidth=nonsense).json()["width"] == 800


def test_oembed_speaks_json_only(client: Client, job: Job) -> None:
    assert oembed(client, job, format="xml").status_code == 501
    assert client.post("/oembed", {"url": address(job)}).status_code == 405


def test_oembed_knows_shared_scenes_of_this_site_only(client: Client, job: Job) -> None:
    hidden = finished_job(person("bob@example.org"))
    draft = job_of(person("eve@example.org"), shared=True, status=Job.Status.DRAFT)
    base = settings.BASE_URL
    for url in (
        address(hidden),
        address(draft),
        f"{base}/v/{'x' * 32}",
        f"https://elsewhere.example/v/{job.share.key}",
        f"{base}{job.get_absolute_url()}",
        f"{base}/recon/pub/{job.share.key}/poster.jpg",
        f"/v/{job.share.key}",
        "http://[",
        "",
    ):
        for browser in (client, browser_of(job.owner), browser_of(hidden.owner)):
            response = browser.get("/oembed", {"url": url})
            assert response.status_code == 404, url
            assert "Fern" not in response.content.decode()
    assert client.get("/oembed").status_code == 404


def test_oembed_ends_with_the_link(client: Client, job: Job) -> None:
    assert oembed(client, job).status_code == 200
    Share.objects.update(is_on=False)
    assert oembed(client, job).status_code == 404


@pytest.mark.parametrize("status", [s for s in Job.Status if s != Job.Status.DRAFT])
def test_neither_frame_nor_oembed_tells_of_photos_or_people(client: Client, status: str) -> None:
    make = finished_job if status == Job.Status.COMPLETED else job_of
    job = make(
        person("ann.secret@example.org"),
        shared=True,
        status=status,
        progress={"code": "photo_loaded", "facts": {"name": "secret garden 0.jpg"}},
        error_code="photo_unreadable" if status == Job.Status.FAILED else "",
        error_facts={"name": "secret garden 0.jpg"},
    )
    for response in (client.get(f"/v/{job.share.key}?embed=1"), oembed(client, job)):
        assert response.status_code == 200
        text = response.content.decode()
        assert "secret" not in text
        assert str(job.pk) not in text
        assert "photos/" not in text


# --- Frames ---


def test_other_sites_may_frame_the_embedded_scene_and_nothing_else(
    client: Client, job: Job
) -> None:
    embedded = client.get(f"/v/{job.share.key}?embed=1")
    assert policy(embedded)["frame-ancestors"] == "*"
    assert "X-Frame-Options" not in embedded
    owner = browser_of(job.owner)
    others = [
        client.get(f"/v/{job.share.key}"),
        client.get(f"/v/{job.share.key}?embed=0"),
        client.get(f"/v/{'x' * 32}?embed=1"),
        client.get(reverse("recon:public_progress", args=(job.share.key,)) + "?embed=1"),
        client.get(reverse("recon:public_views", args=(job.share.key,))),
        client.get("/?embed=1"),
        owner.get(job.get_absolute_url() + "?embed=1"),
        owner.get("/jobs/?embed=1"),
        oembed(client, job),
    ]
    for response in others:
        assert policy(response)["frame-ancestors"] == "'none'"
        assert response["X-Frame-Options"] == "DENY"


def test_the_rest_of_the_frames_policy_is_as_strict_as_everywhere(client: Client, job: Job) -> None:
    embedded, page = (policy(client.get(f"/v/{job.share.key}{end}")) for end in ("?embed=1", ""))
    assert {**embedded, "frame-ancestors": "'none'"} == page


def test_a_frame_shows_the_viewer_only(client: Client, job: Job) -> None:
    response = client.get(f"/v/{job.share.key}?embed=1")
    page = response.content.decode()
    assert "data-splat-viewer" in page
    assert "22.8 dB" not in page
    assert page.count("<form") == 1, "the one that only measures sends nothing"
    assert 'method="post"' not in page
    assert "noindex" in response["X-Robots-Tag"]
    assert f'href="{address(job)}"' in page


def test_a_frame_of_a_scene_in_the_making_says_so(client: Client, job: Job) -> None:
    Job.objects.update(status=Job.Status.PROCESSING, step="GS_TRAIN")
    page = client.get(f"/v/{job.share.key}?embed=1").content.decode()
    assert "still being made" in page
    Job.objects.update(status=Job.Status.FAILED)
    assert "There is no scene here" in client.get(f"/v/{job.share.key}?embed=1").content.decode()


def test_a_private_scene_has_no_frame(job: Job) -> None:
    Share.objects.update(is_on=False)
    for browser in (Client(), browser_of(job.owner)):
        assert browser.get(f"/v/{job.share.key}?embed=1").status_code == 404


def test_the_owner_gets_the_snippet_while_the_scene_is_shared(job: Job) -> None:
    browser = browser_of(job.owner)
    page = unescape(browser.get(job.get_absolute_url()).content.decode())
    assert f'<iframe src="{address(job)}?embed=1"' in page
    Share.objects.update(is_on=False)
    assert "<iframe" not in unescape(browser.get(job.get_absolute_url()).content.decode())
