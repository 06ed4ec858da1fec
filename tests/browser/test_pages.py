"""What scripts add to the pages, and that the pages work without them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.models import Figures, Job
from tests.browser.fitting import fits
from tests.browser.scenes import VIEW, splat_bytes
from tests.browser.windows import DESK, PHONE
from tests.photos import rendered_photos
from tests.site.making import finished_job, job_of, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def running_job(owner: User, **fields: Any) -> Job:
    now = timezone.now()
    state = {
        "status": Job.Status.PROCESSING,
        "step": "COLMAP_FEAT",
        "percent": 20.0,
        "progress": {"code": "photo", "facts": {"number": 2, "total": 3}},
        "started_at": now,
        "heartbeat_at": now,
    }
    return job_of(owner, **(state | fields))


def test_progress_moves_by_itself_keeps_the_log_open_and_ends_in_the_scene(
    new_context: NewContext, ann: User, listen: Callable[[Page], Page], complaints: list[str]
) -> None:
    job = running_job(ann)
    job.workspace.log.parent.mkdir(parents=True, exist_ok=True)
    job.workspace.log.write_text("first line\n")
    page = listen(new_context(ann).new_page())
    page.goto(job.get_absolute_url())
    expect(page.locator("#progress-title")).to_have_text("Find features")
    page.locator("#log-summary").click()
    height = page.evaluate("document.querySelector('.progress-now').offsetHeight")
    pair = {"code": "pair", "facts": {"number": 3, "total": 66}}
    words = {"code": "rung_strong_sift", "facts": {"inner": pair}}

    job.workspace.log.write_text("first line\nsecond line\n")
    Job.objects.filter(pk=job.pk).update(step="COLMAP_MATCH", percent=37.4, progress=words)
    expect(page.locator("#progress-title")).to_have_text("Match photos")
    expect(page.locator("[data-percent-text]")).to_have_text("37")
    expect(page.locator("[data-live-step]")).to_have_text("Match photos")
    expect(page.locator("#log pre")).to_be_visible()
    expect(page.locator("#log pre")).to_contain_text("second line")
    assert page.title().startswith("37% · ")
    assert page.evaluate("document.querySelector('.progress-now').offsetHeight") == height
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        name = f"{size['width']} " + "and so on " * 18
        loaded = {"code": "photo_loaded", "facts": {"name": name}}
        Job.objects.filter(pk=job.pk).update(progress=loaded)
        message = page.locator(".progress-message")
        expect(message).to_contain_text(f"{size['width']} and")
        assert message.evaluate("e => e.scrollHeight <= e.clientHeight"), "all of it is seen"

    finished = finished_job(person("helper@example.org"), view=VIEW)
    finished.folder.rename(job.folder.with_name("spare"))
    job.folder.rename(job.folder.with_name("old"))
    job.folder.with_name("spare").rename(job.folder)
    scene = finished.artifacts.get(kind="splat")
    (job.folder / scene.path).write_bytes(splat_bytes())
    finished.artifacts.update(job=job)
    job.artifacts.filter(kind="splat").update(size=len(splat_bytes()))
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.COMPLETED, step="DONE", percent=100, view=VIEW,
        completed_at=timezone.now(),
    )  # fmt: skip
    Figures.objects.filter(job=job).update(psnr=22.8)
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")
    expect(page.locator("#progress")).to_have_count(0)
    assert complaints == []


def test_the_stage_is_in_sight_at_once_and_shows_one_of_the_photos(
    new_context: NewContext, ann: User
) -> None:
    job = job_of(ann, status=Job.Status.PENDING)
    page = new_context(ann).new_page()
    page.goto(job.get_absolute_url())
    photo = page.locator("#stage .stage-empty img")
    expect(photo).to_be_visible()
    assert photo.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    for width, height, beside in ((1440, 900, True), (1000, 800, True), (390, 844, False)):
        page.set_viewport_size({"width": width, "height": height})
        stage, card, steps = (
            box(page, f"#{one}") for one in ("stage", "progress > div", "progress > ol")
        )
        if beside:
            assert stage["y"] == card["y"] < height / 2
            assert stage["x"] + stage["width"] < card["x"] == steps["x"]
            assert card["y"] + card["height"] < steps["y"]
        else:
            assert card["y"] < stage["y"] < steps["y"]
            assert card["x"] == stage["x"] == steps["x"]
        assert fits(page)


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return dict(found)


def test_a_page_without_scripts_asks_to_be_loaded_again(new_context: NewContext, ann: User) -> None:
    job = running_job(ann)
    page = new_context(ann, java_script_enabled=False).new_page()
    page.goto(job.get_absolute_url())
    Job.objects.filter(pk=job.pk).update(percent=29)
    expect(page.locator("[data-percent-text]")).to_have_text("29")


def test_a_shared_link_follows_a_running_job_without_its_log(
    new_context: NewContext, ann: User
) -> None:
    job = running_job(ann, shared=True)
    page = new_context().new_page()
    page.goto(f"/v/{job.share.key}")
    expect(page.locator("#progress-title")).to_have_text("Find features")
    Job.objects.filter(pk=job.pk).update(percent=28)
    expect(page.locator("[data-percent-text]")).to_have_text("28")
    expect(page.locator("#log")).to_have_count(0)


def test_deleting_asks_first_and_no_means_no(new_context: NewContext, ann: User) -> None:
    job = job_of(ann, status=Job.Status.CANCELLED, completed_at=timezone.now())
    page = new_context(ann).new_page()
    page.goto(job.get_absolute_url())
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete this scene?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert Job.objects.filter(pk=job.pk).exists()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete for good").click()
    page.wait_for_url("**/jobs/")
    assert not Job.objects.filter(pk=job.pk).exists()


def test_deleting_works_without_scripts(new_context: NewContext, ann: User) -> None:
    job = job_of(ann, status=Job.Status.CANCELLED, completed_at=timezone.now())
    page = new_context(ann, java_script_enabled=False).new_page()
    page.goto(job.get_absolute_url())
    expect(page.get_by_role("button", name="Delete for good")).to_be_hidden()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_url("**/jobs/")
    assert not Job.objects.filter(pk=job.pk).exists()


def test_the_share_switch_says_its_state_and_the_link_can_be_copied(
    new_context: NewContext, ann: User
) -> None:
    job = finished_job(ann, view=VIEW)
    context = new_context(ann, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(job.get_absolute_url())
    switch = page.get_by_role("switch", name="Anyone with the link can see it")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/v/{job.share.key}")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


@pytest.mark.parametrize(("system", "other"), [("light", "dark"), ("dark", "light")])
def test_the_theme_follows_the_system_until_someone_chooses(
    new_context: NewContext, data_dir: Path, system: str, other: str
) -> None:
    page = new_context(color_scheme=system).new_page()
    page.goto("/")
    shown = "document.documentElement.dataset.shownTheme"
    assert page.evaluate(shown) == system
    page.get_by_role("button", name=f"Switch to {other} colours").click()
    assert page.evaluate(shown) == other
    page.reload()
    assert page.evaluate(shown) == other
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == other
    page.get_by_role("button", name=f"Switch to {system} colours").click()
    assert page.evaluate("localStorage.getItem('theme')") is None, "the system's again"


def test_a_double_click_makes_one_scene(new_context: NewContext, ann: User, data_dir: Path) -> None:
    shutil.copytree(rendered_photos()[0].parent, data_dir / "samples")
    page = new_context(ann).new_page()
    page.goto("/jobs/")
    page.get_by_role("button", name="Try it with sample photos").dblclick()
    page.wait_for_url("**/jobs/*-*/")
    assert ann.jobs.count() == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_page_for_faults_needs_nothing_but_files_that_exist(
    built_static: Path, status: int
) -> None:
    page = render_to_string(f"errors/{status}.html")
    files = re.findall(r'"/static/([^"]+)"', page)
    assert len(files) == 3
    assert all(finders.find(name) for name in files)
