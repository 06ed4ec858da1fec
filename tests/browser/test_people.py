"""A person's own pages in a real browser: what they use, notices, the time zone, the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.jobs import lifecycle, queue, submit
from recon.models import Job
from tests.browser.fitting import fits
from tests.browser.windows import SIZES, SIZES_AND_SCRIPTS
from tests.site.making import PASSWORD, finished_job, job_of, person, photos
from tests.site.staged_pipeline import play
from tests.site.working import horse_of, worker
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
MB = 2**20


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


@SIZES_AND_SCRIPTS
def test_somebody_who_is_full_finds_the_biggest_scene_and_deletes_it(
    new_context: NewContext, ann: User, size: dict[str, int], scripts: bool
) -> None:
    ann.quota_stored_mb = 10
    ann.save()
    job_of(ann, title="Small", status=Job.Status.FAILED, stored_bytes=3 * MB)
    job_of(ann, title="Large", status=Job.Status.FAILED, stored_bytes=8 * MB)
    page = new_context(ann, viewport=size, java_script_enabled=scripts).new_page()
    page.goto("/accounts/")
    page.get_by_role("link", name="Your usage").click()
    expect(page.get_by_text("11 MB of 10 MB")).to_be_visible()
    expect(page.get_by_text("Full: photos and scenes can be added again")).to_be_visible()
    rows = page.locator("section li")
    expect(rows.first).to_contain_text("Large")
    if scripts:
        assert fits(page)
        rows.first.get_by_role("button", name="Delete Large").click()
        dialog = page.get_by_role("dialog", name="Delete this scene?")
        expect(dialog).to_contain_text("Large")
        dialog.get_by_role("button", name="Delete for good").click()
    else:
        rows.first.locator("summary").click()
        rows.first.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("3 MB of 10 MB")).to_be_visible()
    assert page.url.endswith("/usage/")
    assert [job.title for job in Job.objects.all()] == ["Small"]


@SIZES
def test_a_limit_is_said_where_it_is_met(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    job = finished_job(ann)
    ann.quota_active_jobs = 1
    ann.save()
    submit.create_job(ann, photos(3))
    page = new_context(ann, viewport=size).new_page()
    page.goto(job.get_absolute_url())
    page.get_by_role("link", name="Run again").click()
    page.get_by_role("button", name="Run again", exact=True).click()
    expect(page.get_by_text("You can have 1 scene waiting or running at a time")).to_be_visible()
    assert fits(page)


@SIZES
def test_a_notice_is_counted_read_and_gone(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    jobs = [submit.create_job(ann, photos(3), title=title) for title in ("Fern", "Cake")]
    page = new_context(ann, viewport=size).new_page()
    page.goto("/jobs/")
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
    for job, what in zip(jobs, ("finish", "fail"), strict=True):
        play(job.workspace, what)
    with worker():
        wait_until(
            lambda: not Job.objects.filter(status__in=Job.ACTIVE).exists(), "both have ended"
        )
    page.reload()
    page.get_by_role("link", name="Notices, 2 unread").click()
    expect(page.locator(".told.unread")).to_have_count(2)
    assert fits(page)
    page.get_by_role("link", name="Cake").click()
    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    page.goto("/notices/")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".told")).to_have_count(2)
    expect(page.locator(".told.unread")).to_have_count(0)
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()


@SIZES
def test_an_account_goes_with_everything_while_a_worker_is_at_it(
    new_context: NewContext, ann: User, data_dir: Path, size: dict[str, int]
) -> None:
    finished_job(ann, shared=True)
    job = submit.create_job(ann, photos(3))
    play(job.workspace, "deaf")
    page = new_context(ann, viewport=size).new_page()
    with worker():
        horse = horse_of(job)
        page.goto("/accounts/")
        page.get_by_role("link", name="Delete my account").click()
        expect(page.get_by_text("2 scenes with all their photos and files")).to_be_visible()
        assert fits(page)
        page.get_by_label("Your password").fill("not my password")
        page.get_by_role("button", name="Delete my account and everything in it").click()
        expect(page.get_by_text("That is not your password.")).to_be_visible()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Delete my account and everything in it").click()
        expect(
            page.get_by_text("Your account and everything in it have been deleted.")
        ).to_be_visible()
        horse.wait(timeout=30)
    assert not User.objects.exists()
    assert not Job.objects.exists()
    assert queue.carried_ids() == set()
    page.goto("/jobs/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@SIZES
def test_the_browser_s_time_zone_is_taken_at_sign_up(
    new_context: NewContext,
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    size: dict[str, int],
) -> None:
    page = listen(new_context(viewport=size, timezone_id="Asia/Seoul").new_page())
    page.goto("/accounts/sign-up/")
    page.get_by_label("E-mail address").fill("new@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/jobs/")
    assert User.objects.get(email="new@example.org").time_zone == "Asia/Seoul"
    page.goto("/accounts/")
    expect(page.get_by_label("Time zone (optional)")).to_have_value("Asia/Seoul")
    assert fits(page)
    assert complaints == []


def test_finished_work_is_told_where_one_is(new_context: NewContext, ann: User) -> None:
    """Whoever watches a scene's page while it ends has no unread notice about it."""
    job = job_of(ann, status=Job.Status.PROCESSING, step="GS_TRAIN", percent=70.0)
    page = new_context(ann).new_page()
    page.goto(job.get_absolute_url())
    lifecycle.fail(job.pk, 1, "internal")
    expect(page.get_by_role("heading", name="Something went wrong on our side.")).to_be_visible()
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
