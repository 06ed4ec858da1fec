"""The gallery, and the start page that leads to it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import recon
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

GALLERY = "/jobs/"


def names(response: Any) -> list[str]:
    return [job.title for job in response.context["page"]]


def test_a_stranger_sees_the_landing_page(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert reverse("accounts:sign_in") in response.content.decode()


def test_members_are_led_to_their_gallery() -> None:
    response = browser_of(person()).get("/")
    assert response.status_code == 302
    assert response["Location"] == GALLERY


@pytest.mark.parametrize("accept", ["application/json", "application/json, */*;q=0.1"])
def test_programs_are_told_what_there_is(client: Client, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    told = response.json()
    assert told["service"] == "InstaRecon3D"
    assert told["version"] == recon.__version__
    assert "POST /recon/jobs" in told["endpoints"].values()
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/json;q=0.5", ""])
def test_whoever_does_not_ask_for_json_gets_the_page(client: Client, accept: str) -> None:
    assert client.get("/", headers={"Accept": accept})["Content-Type"].startswith("text/html")


def test_strangers_must_sign_in_for_a_gallery(client: Client) -> None:
    response = client.get(GALLERY)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("accounts:sign_in"))


def test_a_new_gallery_says_how_to_begin() -> None:
    response = browser_of(person()).get(GALLERY)
    assert response.context["total"] == 0
    assert reverse("recon:upload") in response.content.decode()


def test_everybody_sees_only_their_own_jobs() -> None:
    ann, bob = person("ann@example.org"), person("bob@example.org", is_staff=True)
    finished_job(ann, title="Ann's")
    finished_job(bob, title="Bob's")
    assert names(browser_of(ann).get(GALLERY)) == ["Ann's"]
    assert names(browser_of(bob).get(GALLERY)) == ["Bob's"]


def test_the_newest_comes_first_and_each_state_is_shown() -> None:
    ann = person()
    for status in Job.Status:
        facts = {"error_code": "no_features"} if status == Job.Status.FAILED else {}
        job_of(ann, title=f"one {status.label}", status=status, **facts)
    response = browser_of(ann).get(GALLERY)
    assert names(response)[0] == f"one {list(Job.Status)[-1].label}"
    assert response.context["total"] == 6
    page = response.content.decode()
    for status in Job.Status:
        assert f"one {status.label}" in page


def test_a_finished_job_shows_its_poster_and_its_word() -> None:
    ann = person()
    job = finished_job(ann)
    page = browser_of(ann).get(GALLERY).content.decode()
    assert reverse("recon:file", args=(job.pk, "poster")) in page
    assert '<span class="chip good">Good</span>' in page
    assert "dB" not in page, "figures are on the scene's own page"


def test_a_gallery_page_holds_twelve() -> None:
    ann = person()
    for number in range(13):
        job_of(ann, title=f"job {number}")
    browser = browser_of(ann)
    assert len(names(browser.get(GALLERY))) == 12
    assert names(browser.get(GALLERY, {"page": 2})) == ["job 0"]
    assert browser.get(GALLERY, {"page": "x"}).status_code == 200
    assert names(browser.get(GALLERY, {"page": 99})) == ["job 0"]


def test_search_finds_titles_and_photo_names() -> None:
    ann = person()
    job_of(ann, title="Temple gate")
    named = job_of(ann, title="Hall")
    named.photos.filter(name="000.jpg").update(original_name="IMG_0042.jpg")
    browser = browser_of(ann)
    assert names(browser.get(GALLERY, {"q": "TEMPLE"})) == ["Temple gate"]
    assert names(browser.get(GALLERY, {"q": " img_0042 "})) == ["Hall"]
    assert names(browser.get(GALLERY, {"q": "garden"})) == ["Hall", "Temple gate"]
    nothing = browser.get(GALLERY, {"q": "<nothing>"})
    assert nothing.context["total"] == 0
    assert "&lt;nothing&gt;" in nothing.content.decode()


def test_a_search_goes_through_the_scenes_once() -> None:
    """Through them again for each of them took PostgreSQL, whose statistics were from before these
    scenes came, seconds to minutes among 1,400."""
    ann = person()
    job_of(ann)
    browser = browser_of(ann)
    with CaptureQueriesContext(connection) as asked:
        browser.get(GALLERY, {"q": "garden"})
    searches = [one["sql"] for one in asked if "%garden%" in one["sql"].lower()]
    assert len(searches) >= 2, "how many there are, and those of the page"
    for search in searches:
        assert len(re.findall('(?:FROM|JOIN) "recon_job"', search)) == 1, search


def test_scenes_are_sorted_as_wished() -> None:
    ann = person()
    finished_job(ann, title="banana")
    finished_job(ann, title="Apple", small_psnr=10.0)
    finished_job(ann, title="", small_psnr=16.0)
    job_of(ann, title="cherry", status=Job.Status.DRAFT)
    browser = browser_of(ann)
    newest = ["cherry", "", "Apple", "banana"]
    for sort, expected in {
        "": newest,
        "newest": newest,
        "<made up>": newest,
        "oldest": newest[::-1],
        "title": ["Apple", "banana", "cherry", ""],
        "quality": ["banana", "", "Apple", "cherry"],
    }.items():
        assert names(browser.get(GALLERY, {"sort": sort})) == expected, sort
    page = browser.get(GALLERY, {"sort": "title", "q": "an&"}).content.decode()
    assert '<input type="hidden" name="sort" value="title">' in page
    page = browser.get(GALLERY, {"sort": "title"}).content.decode()
    assert '<option value="title" selected>' in page


@pytest.mark.parametrize("sort", ["oldest", "title", "quality"])
def test_the_next_page_goes_on_in_that_order(sort: str, django_assert_max_num_queries: Any) -> None:
    ann = person()
    for number in range(13):
        finished_job(ann, title=f"job {number:02}")
    browser = browser_of(ann)
    with django_assert_max_num_queries(11):
        first = browser.get(GALLERY, {"sort": sort, "q": "job"})
    assert f'href="?q=job&amp;sort={sort}&amp;page=2"' in first.content.decode()
    second = browser.get(GALLERY, {"sort": sort, "q": "job", "page": 2})
    assert len({*names(first), *names(second)}) == 13
    assert len(names(second)) == 1


def test_search_does_not_look_into_other_peoples_jobs() -> None:
    job_of(person("bob@example.org"), title="Temple gate")
    assert names(browser_of(person()).get(GALLERY, {"q": "temple"})) == []


def test_a_nul_in_the_search_is_no_error() -> None:
    """PostgreSQL refuses it."""
    assert browser_of(person()).get(GALLERY, {"q": "a\0b"}).status_code == 200


def test_a_long_gallery_costs_no_more_queries(django_assert_max_num_queries: Any) -> None:
    ann = person()
    for number in range(12):
        finished_job(ann, title=f"job {number}")
    browser = browser_of(ann)
    with django_assert_max_num_queries(10):
        browser.get(GALLERY)
