"""The style guide: for staff, made from the actual tokens, whose colours are legible."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from recon.web.home import design_tokens
from tests.site.making import browser_of, job_of, person

CSS = Path(__file__).parents[2] / "static" / "css"
TOKENS = CSS / "tokens.css"


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
def test_staff_see_every_token_and_their_own_photos_as_tiles() -> None:
    staff = person(is_staff=True)
    job = job_of(staff)
    page = browser_of(staff).get("/styleguide/").content.decode()
    for name in design_tokens.colours(design_tokens.read()):
        assert f"<code>{name}</code>" in page
    assert page.count('class="tile"') == 3
    assert f"/jobs/{job.pk}/photos/" in page


@pytest.mark.django_db
def test_staff_without_photos_are_told_so() -> None:
    page = browser_of(person(is_staff=True)).get("/styleguide/").content.decode()
    assert "you have none yet" in page


@pytest.mark.django_db
def test_others_find_nothing_there_and_strangers_sign_in_first(client: Client) -> None:
    assert browser_of(person()).get("/styleguide/").status_code == 404
    answer = client.get("/styleguide/")
    assert (answer.status_code, answer["Location"]) == (
        302, "/accounts/sign-in/?next=/styleguide/",
    )  # fmt: skip


@pytest.mark.django_db
def test_only_staff_are_led_there() -> None:
    link = 'href="/styleguide/"'
    assert link in browser_of(person(is_staff=True)).get("/jobs/").content.decode()
    assert link not in browser_of(person("bob@example.org")).get("/jobs/").content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_edges_stand_out_in_both_themes(theme: str) -> None:
    pairs = design_tokens.contrasts(design_tokens.read(theme, TOKENS))
    assert [pair for pair in pairs if not pair.is_enough] == []


def test_contrast_is_as_the_guideline_defines_it() -> None:
    assert design_tokens.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert design_tokens.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert design_tokens.contrast("#123456", "#123456") == 1


def test_the_dark_theme_is_the_same_by_the_system_and_by_hand() -> None:
    css = TOKENS.read_text()
    by_system, by_hand = re.findall(r"color-scheme: dark;(.*?)\}", css, re.DOTALL)
    assert by_system.split() == by_hand.split()


def test_colours_are_tokens() -> None:
    """A colour that is written anywhere else would miss the other theme and the contrast check."""
    strays = [
        f"{file.name}: {line.strip()}"
        for file in sorted(CSS.glob("*.css"))
        if file != TOKENS
        for line in file.read_text().splitlines()
        if re.search(r"#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(", line)
    ]
    assert strays == []


def test_every_token_that_is_used_exists_and_every_one_that_exists_is_used() -> None:
    sheets = {file: file.read_text() for file in CSS.glob("*.css")}
    used = set(re.findall(r"var\(--([\w-]+)", "".join(sheets.values())))
    elsewhere = "".join(text for file, text in sheets.items() if file != TOKENS)
    of_a_part = set(re.findall(r"^\s*--([\w-]+):", elsewhere, re.MULTILINE))
    by_scripts = {"viewer-background", "at", "above"}
    assert used - of_a_part - by_scripts == set(design_tokens.read("light", TOKENS))
