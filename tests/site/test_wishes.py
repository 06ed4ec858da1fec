"""What a person wishes for a scene reaches the job from page and API, and is kept in one column."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.urls import reverse

from recon.jobs import submit
from recon.jobs.drafts import drafts
from recon.models import Job
from recon.pipeline.records import RecordError
from recon.pipeline.wishes import Wishes
from tests.site.making import browser_of, finished_job, person, photos

pytestmark = pytest.mark.django_db(transaction=True)

SPECIAL = Wishes(
    "high",
    original_resolution=True,
    cross_validate=True,
    final_refine=False,
    outlier_filter="never",
    make_anyway=True,
)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


def sent(wishes: Wishes, *but: str) -> dict[str, str]:
    """The wishes as a program sends them."""
    return {name: str(wish) for name, wish in asdict(wishes).items() if name not in but}


def test_a_program_may_ask_for_every_wish() -> None:
    ann = person()
    made = browser_of(ann).post(reverse("api:create_draft"), sent(SPECIAL))
    assert made.status_code == 201
    assert Job.objects.get(pk=made.json()["job_id"]).wishes == SPECIAL


@pytest.mark.parametrize("name", [field.name for field in fields(Wishes)])
def test_a_start_keeps_each_wish_that_is_not_sent(name: str) -> None:
    draft = drafts.create_draft(person(), wishes=SPECIAL)
    for photo in photos(3):
        drafts.add_photo(draft, photo)
    other = Wishes()
    address = reverse("api:start", args=(draft.pk,))
    assert browser_of(draft.owner).post(address, sent(other, name)).status_code == 200
    draft.refresh_from_db()
    stored = asdict(other) | {name: getattr(SPECIAL, name)}
    assert asdict(draft.wishes) == stored


def test_the_form_of_another_run_keeps_what_it_does_not_ask_for() -> None:
    old = finished_job(person(), wishes=SPECIAL)
    address = reverse("recon:again", args=(old.pk,))
    browser_of(old.owner).post(address, {"all": "yes", "outlier_filter": "auto"})
    new = Job.objects.exclude(pk=old.pk).get()
    assert new.wishes == Wishes("high", final_refine=False)


def test_wishes_are_found_by_one_of_them_and_survive_a_dump() -> None:
    job = submit.create_job(person(), photos(3), wishes=SPECIAL)
    assert Job.objects.get(wishes__preset="high") == job
    assert not Job.objects.filter(wishes__preset="standard").exists()
    dumped = serializers.serialize("json", [job])
    (again,) = serializers.deserialize("json", dumped)
    assert again.object.wishes == SPECIAL
    assert json.loads(dumped)[0]["fields"]["wishes"] == SPECIAL.to_dict()


def test_a_row_with_wishes_that_make_no_sense_is_not_read() -> None:
    job = finished_job(person())
    Job.objects.filter(pk=job.pk).update(wishes={"preset": "best"})
    with pytest.raises(RecordError, match="preset must be one of"):
        Job.objects.get(pk=job.pk)


def test_the_name_that_the_quick_preset_had_is_taken_everywhere_and_reads_back_as_todays() -> None:
    ann = browser_of(person())
    made = ann.post(reverse("api:create_draft"), {"preset": "draft"}).json()
    assert made["preset"] == "quick"
    draft = Job.objects.get(pk=made["job_id"])
    page = ann.post(reverse("recon:start", args=(draft.pk,)), {"preset": "draft"})
    assert page.status_code == 400, "it has no photos"
    assert re.search(r'value="quick" checked', page.content.decode())
    ann.post(reverse("recon:create_draft"), {"title": "From a form", "preset": "draft"})
    assert Job.objects.get(title="From a form").wishes == Wishes("quick")
    Job.objects.filter(pk=draft.pk).update(wishes={"preset": "draft"}, config={"preset": "draft"})
    told = ann.get(reverse("api:job_status", args=(draft.pk,))).json()
    assert (told["preset"], told["status"]) == ("quick", "DRAFT")


def test_staff_list_the_jobs_of_one_preset() -> None:
    high = finished_job(person(), title="The tall one", wishes=SPECIAL)
    finished_job(high.owner, title="The other one")
    staff = person("root@example.org", is_staff=True, is_superuser=True)
    page = browser_of(staff).get("/admin/recon/job/", {"preset": "high"}).content.decode()
    assert "The tall one" in page
    assert "The other one" not in page


def test_staff_see_what_was_wished_for() -> None:
    job = finished_job(person(), wishes=SPECIAL)
    staff = person("root@example.org", is_staff=True, is_superuser=True)
    page = browser_of(staff).get(f"/admin/recon/job/{job.pk}/change/").content.decode()
    assert "cross_validate=True" in page
