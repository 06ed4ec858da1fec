"""Every page in every state, at both sizes, light and dark: accessible, nothing too wide, no other
servers, and nothing that moves if people asked for less motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page

from accounts.models import User
from tests.browser.every_page import STATES, State
from tests.browser.fitting import fits
from tests.site.making import person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NARROWEST = {"width": 320, "height": 844}  # at which WCAG 1.4.10 wants no scrolling sideways
SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})
THEMES = ("light", "dark")
#: Findings, serious or not, as "rule (impact): selector; selector".
RUN_AXE = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  return violations.map(({ id, impact, nodes }) =>
    `${id} (${impact}): ${nodes.map((node) => node.target.join(" ")).join("; ")}`);
}"""
#: What still moves or would move, by name.
MOVING = """() => [...document.querySelectorAll("*")].flatMap((element) =>
  [null, "::before", "::after", "::backdrop", "::-webkit-progress-value"].flatMap((part) => {
    const style = getComputedStyle(element, part);
    if (!style.display) return []; // inside of a video, which shows nothing of it
    const moves = style.animationName !== "none" || !/^0s(, 0s)*$/.test(style.transitionDuration);
    return moves ? [`${element.localName}.${element.className}${part ?? ""}`] : [];
  }))"""


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any, live_server: Any, settings: Any) -> User:
    settings.BASE_URL = live_server.url
    return person()


@pytest.mark.parametrize("name", STATES)
def test_a_page_has_no_barriers_fits_asks_nobody_else_and_can_keep_still(
    new_context: Callable[..., BrowserContext],
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    name: str,
) -> None:
    state: State = STATES[name]
    address = state.make(ann)
    user = ann if state.signed_in else None
    page = listen(new_context(user, viewport=SIZES[0], reduced_motion="reduce").new_page())
    page.goto(address)
    state.act(page)
    page.evaluate(AXE_SCRIPT)
    found: dict[str, list[str]] = {}
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for size in SIZES:
            page.set_viewport_size(size)
            label = f"{theme}, {size['width']} px"
            found[label] = page.evaluate(RUN_AXE)
            found[label] += too_wide(page)
    page.set_viewport_size(NARROWEST)
    found["320 px"] = too_wide(page)
    assert {label: findings for label, findings in found.items() if findings} == {}
    assert page.evaluate(MOVING) == []
    page.context.set_offline(False)
    assert [c for c in complaints if not any(words in c for words in state.said)] == []


def too_wide(page: Page) -> list[str]:
    return [] if fits(page) else ["wider than its window"]


def test_the_look_for_barriers_finds_some_where_there_are_some(
    new_context: Callable[..., BrowserContext], data_dir: Path
) -> None:
    page = new_context().new_page()
    page.goto("/accounts/sign-in/")
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('h1').style.color = '#cccccc'")
    page.evaluate(AXE_SCRIPT)
    rules = {finding.split(":")[0] for finding in page.evaluate(RUN_AXE)}
    assert rules == {"label (critical)", "color-contrast (serious)"}
