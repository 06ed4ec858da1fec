"""Shared files in other people's viewers: which ones other sites' pages may read, and how."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from recon.jobs import sharing
from recon.models import Job, Share
from recon.web.urls import PUBLIC_FILES
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

ALLOW = "Access-Control-Allow-Origin"
ELSEWHERE = {"Origin": "https://viewer.example"}
FILES = [name for name, _, _ in PUBLIC_FILES]


@pytest.fixture
def job() -> Job:
    return finished_job(person(), shared=True)


def at(job: Job, name: str) -> str:
    return reverse(f"recon:public_{name}", args=[job.share.key])


def opened(response: Any) -> bool:
    return any(name.startswith(("Access-Control", "Cross-Origin-Res")) for name in response.headers)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("method", ["get", "head"])
def test_every_shared_file_may_be_read_by_pages_of_other_sites(
    name: str, method: str, job: Job, client: Client
) -> None:
    response = getattr(client, method)(at(job, name), headers=ELSEWHERE)
    assert response.status_code == 200
    assert response[ALLOW] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    exposed = response["Access-Control-Expose-Headers"].split(", ")
    assert {"Content-Length", "Content-Range", "ETag", "Accept-Ranges"} <= set(exposed)
    assert "Access-Control-Allow-Credentials" not in response
    assert not response.cookies


def test_so_may_a_part_of_it_and_word_that_it_has_not_changed(job: Job, client: Client) -> None:
    part = client.get(at(job, "splat"), headers=ELSEWHERE | {"Range": "bytes=0-3"})
    assert (part.status_code, part[ALLOW]) == (206, "*")
    beyond = client.get(at(job, "splat"), headers=ELSEWHERE | {"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond[ALLOW]) == (416, "*")
    same = client.get(at(job, "splat"), headers=ELSEWHERE | {"If-None-Match": part["ETag"]})
    assert (same.status_code, same[ALLOW]) == (304, "*")


@pytest.mark.parametrize("name", FILES)
def test_a_browser_that_asks_first_is_told_what_it_may(name: str, job: Job, client: Client) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    response = client.options(at(job, name), headers=ELSEWHERE | asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response[ALLOW] == "*"
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert {"Range", "If-None-Match"} <= set(response["Access-Control-Allow-Headers"].split(", "))
    assert int(response["Access-Control-Max-Age"]) <= 3600
    assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_nothing_of_a_link_with_a_password_is_open_to_other_sites(job: Job, client: Client) -> None:
    sharing.change(job, password=sharing.hash_password("under the mat"))
    for method in (client.get, client.head, client.options):
        locked = method(at(job, "splat"), headers=ELSEWHERE)
        assert locked.status_code == 403
        assert not opened(locked)
        entered = method(
            at(job, "splat"), headers=ELSEWHERE | {"X-Scene-Password": "under the mat"}
        )
        assert entered.status_code in (200, 204)
        assert not [name for name in entered.headers if name == ALLOW]


def test_what_is_not_shared_is_as_if_it_were_not_there(client: Client) -> None:
    private, coming = finished_job(person(), shared=False), job_of(person("b@example.org"))
    Share.objects.filter(job=coming.pk).update(is_on=True)
    for job in (private, coming):
        for method in (client.get, client.head, client.options):
            response = method(at(job, "ply"), headers=ELSEWHERE)
            assert response.status_code == 404
            assert not opened(response)


def test_pages_and_private_files_stay_closed(job: Job) -> None:
    owner = browser_of(job.owner)
    addresses = [
        reverse("recon:public", args=[job.share.key]),
        reverse("recon:public", args=[job.share.key]) + "?embed=1",
        reverse("recon:public_views", args=[job.share.key]),
        reverse("recon:public_progress", args=[job.share.key]),
        reverse("recon:file", args=[job.pk, "splat"]),
        reverse("recon:file", args=[job.pk, "results"]),
        reverse("recon:job", args=[job.pk]),
        reverse("recon:thumb", args=[job.pk, "000.jpg"]),
        reverse("recon:home"),
        reverse("api:job_status", args=[job.pk]),
    ]
    for address in addresses:
        for method in (owner.get, owner.head, owner.options):
            assert ALLOW not in method(address, headers=ELSEWHERE), address


def test_nothing_is_sent_to_a_shared_file(job: Job, client: Client) -> None:
    for method in (client.post, client.put, client.delete, client.patch):
        response = method(at(job, "splat"), headers=ELSEWHERE)
        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, OPTIONS"
