"""If people asked for less motion, nothing moves unless they start it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.scenes import moves
from tests.browser.test_every_page import MOVING
from tests.browser.viewing import open_scene, photographed, pose, shared_scene
from tests.browser.windows import COARSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AWHILE_MS = 800


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_scenes_and_the_start_page_keep_still_and_a_step_to_a_photo_is_a_cut(
    new_context: Callable[..., BrowserContext], data_dir: Path, motion: str
) -> None:
    is_still = motion == "reduce"
    page = new_context(reduced_motion=motion, device_scale_factor=COARSE).new_page()
    page.goto("/")
    page.wait_for_selector("[data-hero][data-live]")
    hero = page.locator("[data-hero] canvas")
    if is_still:
        before = hero.screenshot()
        page.wait_for_timeout(AWHILE_MS)
        assert hero.screenshot() == before
    else:
        assert moves(hero)
    assert (page.evaluate(MOVING) == []) is is_still

    open_scene(page, photographed(shared_scene()))
    start = pose(page)
    page.wait_for_timeout(AWHILE_MS)
    assert (pose(page) == start) is is_still, "a shared scene turns by itself"
    assert (page.evaluate(MOVING) == []) is is_still

    page.locator(".viewer-canvas").focus()
    page.keyboard.press("p")
    page.keyboard.press(".")
    page.wait_for_timeout(100)
    soon = pose(page)
    page.wait_for_timeout(AWHILE_MS)
    assert (pose(page) == soon) is is_still, "a step to a photo"
