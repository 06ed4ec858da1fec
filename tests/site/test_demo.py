"""The demo scene and the start page, which anybody gets, on a new site and on one in trouble."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from recon.web.home import demo
from tests.site.making import browser_of, person

FILES = (demo.SCENE, demo.POSTER, demo.VIEWS)


def test_it_asks_no_database() -> None:
    """This test has none: pytest-django would refuse access."""
    page = Client().get("/demo/").content.decode()
    assert "These photos were rendered by us, not taken." in page
    for name in FILES:
        assert f"/static/{name}" in page
        assert finders.find(name), name


def test_its_figures_are_those_of_its_run() -> None:
    page = Client().get("/demo/").content.decode()
    facts = demo.facts()
    assert f"{facts.figures.psnr:.1f} dB" in page
    assert f"{facts.conditions.held_out} of 12 photos were kept aside" in page
    assert "The scene that you see is made without them." in page
    assert "LPIPS" not in page or facts.figures.lpips is not None


@pytest.mark.parametrize(("sign_up", "is_open"), [("open", True), ("closed", False)])
@pytest.mark.parametrize("address", ["/", "/demo/"])
def test_it_is_there_whether_or_not_anybody_may_sign_up(
    settings: Any, sign_up: str, is_open: bool, address: str, db: None
) -> None:
    settings.SIGN_UP = sign_up
    page = Client().get(address).content.decode()
    assert ("/accounts/sign-up/" in page) is is_open
    assert 'href="/demo/"' in page or address == "/demo/"


def test_a_member_is_led_to_a_scene_of_their_own(db: None) -> None:
    assert 'href="/jobs/new/"' in browser_of(person()).get("/demo/").content.decode()


def test_the_start_page_s_scene_needs_no_script_to_be_seen(db: None) -> None:
    page = Client().get("/").content.decode()
    assert f'src="/static/{demo.POSTER}"' in page
    turns = json.loads(unescape(re.search('data-hero="([^"]+)"', page)[1]))  # type: ignore[index]
    assert set(turns) == {"view", "arc"}
    assert turns["arc"][0] < 0 < turns["arc"][1]


def test_the_viewer_gets_what_it_gets_of_a_shared_scene() -> None:
    viewer, views = demo.page()["viewer"], json.loads((demo.FOLDER / "views.json").read_text())
    assert viewer["bytes"] == (demo.FOLDER / "scene.spz").stat().st_size
    assert len(views["views"]) == demo.facts().figures.registered
    assert all(set(view) == {"width", "height", "fx", "fy", "cx", "cy", "cam_from_world"}
               for view in views["views"])  # fmt: skip


def test_it_speaks_the_visitor_s_language() -> None:
    page = Client(headers={"Accept-Language": "ko"}).get("/demo/").content.decode()
    assert "렌더링" in page
