"""What a page tells the server once it is shown: its notice was read, its link was visited."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from recon.models import Job, Notice, Share
from tests.browser.scenes import VIEW
from tests.site.making import finished_job, job_of, person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]


@pytest.fixture
def ann() -> User:
    return person()


def test_opening_a_scene_takes_its_notice_off_the_bell(new_context: Any, ann: User) -> None:
    failed, other = (
        job_of(ann, status=Job.Status.FAILED, error_code="internal", title=title)
        for title in ("Fern", "Cake")
    )
    for job in (failed, other):
        Notice.objects.create(user=ann, job=job)
    page = new_context(ann).new_page()
    page.goto(failed.get_absolute_url())
    bell = page.locator("#bell")
    expect(bell).to_have_attribute("aria-label", "Notices, 1 unread")
    expect(page.locator("form[data-seen]")).to_have_count(0)
    assert [notice.job for notice in Notice.objects.filter(read_at=None)] == [other]


def test_without_scripts_a_button_says_that_the_notice_is_read(new_context: Any, ann: User) -> None:
    job = job_of(ann, status=Job.Status.FAILED, error_code="internal")
    Notice.objects.create(user=ann, job=job)
    page = new_context(ann, java_script_enabled=False).new_page()
    page.goto(job.get_absolute_url())
    page.get_by_role("button", name="Mark it as read").click()
    expect(page.get_by_text("There is an unread notice")).to_have_count(0)
    expect(page.locator("#bell")).to_have_attribute("aria-label", "Notices")


def test_a_visit_is_counted_once_however_often_the_page_is_opened(
    new_context: Any, ann: User
) -> None:
    job = finished_job(ann, shared=True, view=VIEW)
    page = new_context().new_page()
    for _ in range(2):
        page.goto(f"/v/{job.share.key}")
        expect(page.locator("form[data-seen]")).to_have_count(0)
    assert Share.objects.get(job=job).views == 1
