"""The photo check in a browser: photos arrive, sentences and picture appear, a photo is dropped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from benchmarks.parts import planted_faults
from recon.jobs.drafts import checks
from tests.browser.fitting import fits
from tests.browser.windows import DESK, PHONE
from tests.core.walls import write_wall
from tests.photos import rendered_photos
from tests.site.making import person
from tests.site.working import worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def faulty_set(folder: Path) -> list[Path]:
    """Five photos of a room: the third is blurred, and the fifth is of another place."""
    room = rendered_photos()[:5]
    blurred = folder / "3 blurred.jpg"
    blur = planted_faults.blurs()["defocus 0.6%"]
    planted_faults.plant(blur, room[2], blurred, np.random.default_rng(1))
    write_wall(folder / "wall", seed=1, count=1)
    [wall] = (folder / "wall").iterdir()
    return [*room[:2], blurred, room[3], wall, room[4]]


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_what_is_wrong_appears_while_the_page_is_open_and_goes_with_the_photo(
    new_context: Callable[..., BrowserContext],
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    tmp_path: Path,
    size: dict[str, int],
    scheme: str,
) -> None:
    page = listen(new_context(ann, viewport=size, color_scheme=scheme).new_page())
    page.goto("/jobs/new/")
    check, advice = page.locator("#check"), page.locator(".advice-item")
    with worker(queue=checks.QUEUE):
        page.set_input_files("input[type=file]", faulty_set(tmp_path))
        page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
        expect(check).to_have_attribute("data-check", "current")
        expect(advice.filter(has_text="Photo 3 is blurred.")).to_have_count(1)
        stranger = advice.filter(has_text="Photo 5 has nothing in common with the others.")
        expect(stranger).to_contain_text("overlaps with it and with the others would help")
        expect(check.locator("svg image")).to_have_count(6)
        expect(check.locator("svg rect.group")).to_have_count(2)
        options = page.locator(".option .helptext")
        expect(options).to_contain_text(["here with 6 photos."] * 3)
        expect(page.locator("[data-live-check]")).to_have_text(re.compile("^You can start"))
        assert fits(page)
        assert page.evaluate(
            "[...document.querySelectorAll('#check image')].every(i => i.getBBox().width > 0)"
        )

        check.get_by_text("In words").click()
        expect(check).to_contain_text("Photo 5 overlaps no other.")
        stranger.get_by_role("link", name="Show photo 5").click()
        expect(page.locator(".tile:target")).to_have_count(1)

        stranger.get_by_role("button", name="Remove photo 5").click()
        expect(page.locator(".tile")).to_have_count(5)
        expect(check).to_have_attribute("data-check", "current")
        expect(stranger).to_have_count(0)
        expect(check.locator("svg image")).to_have_count(5)
        expect(options).to_contain_text(["here with 5 photos."] * 3)
        expect(check.locator("details")).to_have_attribute("open", "")
    assert ann.jobs.get().photos.count() == 5
    assert complaints == []


def test_without_a_worker_the_page_says_so_and_the_scene_can_be_started(
    new_context: Callable[..., BrowserContext], ann: User
) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    page.set_input_files("input[type=file]", rendered_photos()[:3])
    expect(page.locator("[data-tally]")).to_contain_text("3 of at most 20 photos")
    expect(page.locator("#check")).to_contain_text("The photo check is not available right now.")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#progress")).to_be_visible()
