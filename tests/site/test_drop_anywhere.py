"""Every page accepts photos dropped on it, if somebody is signed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

COVER = 'data-drop-anywhere="/jobs/new/" data-person="'


@pytest.mark.parametrize(
    "address",
    ["/jobs/", "/notices/", "/usage/", "/accounts/", "/accounts/password/", "/accounts/email/",
     "/accounts/delete/", "/accounts/sign-out/", "/nowhere/"],
)  # fmt: skip
def test_pages_about_people_take_photos(address: str) -> None:
    page = browser_of(person()).get(address).content.decode()
    assert COVER in page
    assert "Drop photos here" in page


def test_pages_of_scenes_take_photos(data_dir: Path, redis_queue: Any) -> None:
    ann = person()
    browser = browser_of(ann)
    for job in (finished_job(ann, shared=True), job_of(ann, status=Job.Status.CANCELLED)):
        assert COVER in browser.get(job.get_absolute_url()).content.decode()
    shared = f"/v/{Job.objects.get(share__is_on=True).share.key}"
    assert COVER in browser.get(shared).content.decode()
    assert COVER not in Client().get(shared).content.decode(), "nobody to make a scene for"


@pytest.mark.parametrize("address", ["/", "/accounts/sign-in/", "/nowhere/"])
def test_strangers_pages_take_none(address: str) -> None:
    assert "data-drop-anywhere" not in Client().get(address).content.decode()
