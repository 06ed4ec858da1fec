"""Numbers as the pages write them, and words that they avoid (docs/develop/languages.md)."""

from __future__ import annotations

import json
import re
import sys
from functools import cache

import pytest
from django.template import Context, Template

from recon.pipeline.errors import explain
from recon.reporting import message
from recon.templatetags.wording import (
    about,
    as_json,
    duration,
    in_words,
    megabytes,
    shown_range,
    time_range,
)
from tests.photos import PROJECT

sys.path.insert(0, str(PROJECT / "scripts"))
import translations


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (4320, "1 h 12 min"),
        (-3, "0 s"),  # the clock was set back
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (None, "–"),
        ((4, 7), "a few seconds"),
        ((12, 18), "12 to 18 s"),
        ((41, 58), "40 to 60 s"),
        ((96, 141), "100 to 140 s"),
        ((123, 187), "2 to 3 min"),
        ((151, 239), "2½ to 4 min"),
        ((240, 250), "about 4 min"),
        ((1500, 2250), "25 to 38 min"),
        ((4000, 6000), "1 h 05 min to 1 h 40 min"),
        ((0, 0), "a few seconds"),
        ((30, 900), "1 to 15 min"),
    ],
)
def test_time_left_is_a_range_and_never_backwards(
    eta: tuple[float, float] | None, words: str
) -> None:
    assert time_range(eta) == words


@pytest.mark.parametrize("low", [11, 19, 37, 55, 71, 90, 112, 113, 131, 200, 377, 400, 2290, 5000])
def test_rounding_makes_no_range_wider_than_it_may_be(low: float) -> None:
    said_low, said_high, _ = shown_range(low, 1.59 * low)
    assert said_low < said_high <= 1.6 * said_low


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "a moment"), (7, "about 7 s"), (42, "about 40 s"), (200, "about 3½ min"),
     (5400, "about 1 h 30 min")],
)  # fmt: skip
def test_one_expected_time_is_said_roughly(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_a_step_s_own_guess_at_the_time_is_left_out() -> None:
    step = message("training_step", {"step": 179, "total": 400, "seconds_left": 64})
    assert in_words(step) == "training step 179 of 400"
    fold = message("fold", {"number": 2, "total": 5, "inner": step})
    assert in_words(fold) == "fold 2 of 5: training step 179 of 400"
    assert in_words(message("pair", {"number": 3, "total": 66})) == "pair 3 of 66"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 kB"),
        (1, "1 kB"),
        (100_000, "98 kB"),
        (250_000, "0.2 MB"),
        (2**20, "1 MB"),
        (31_000_000, "30 MB"),
        (1023 * 2**20, "1023 MB"),
        (2**30 - 1, "1 GB"),  # not "1024 MB"
        (1536 * 2**20, "1.5 GB"),
        (20_480 * 2**20, "20 GB"),
    ],
)
def test_a_size_is_said_in_the_unit_that_keeps_its_number_small(size: int, words: str) -> None:
    assert megabytes(size) == words


def test_an_error_says_large_limits_in_gigabytes() -> None:
    said = explain("quota_stored", {"limit_mb": 20_480, "left_mb": 1536}).title
    assert said == "There is no room for this: you can store 20 GB, and have 1.5 GB left."


def test_photos_that_all_show_different_places_are_not_counted_one_by_one() -> None:
    facts = {"total": 3, "groups": 3, "largest": 1, "minimum": 3}
    alone = explain("photos_share_nothing", facts)
    assert alone.title == "No two photos show the same place."
    assert alone.advice == explain("photos_share_nothing", {**facts, "largest": 2}).advice
    assert "At most 2 photos" in explain("photos_share_nothing", {**facts, "largest": 2}).title


def test_json_survives_an_attribute() -> None:
    view = {"position": [0, -1.5, 2], "note": "\"'<>&"}
    rendered = Template('{% load wording %}<i data-view="{{ view|as_json }}">').render(
        Context({"view": view})
    )
    quoted = rendered.removeprefix('<i data-view="').removesuffix('">')
    assert '"' not in quoted
    assert json.loads(as_json(view)) == view


# --- One word for one thing, and none that a native speaker would not say ---

#: What no English text may say, and what to say instead.
NOT_SAID = {
    r"outliers?|floaters?|floating spots?": "stray spots",
    r"jobs?": "scene, or run",
    r"(?<!COLMAP )models?": "scene",
    r"(?<!e-)(?<!E-)mails?": "e-mail",
    r"the (site['’]s )?staff": "whoever runs this site",
    r"just now": "right now",
    r"which is the most": "the maximum",
    r"(small|bigger|smaller) preset": "lower preset",
    r"link ends?|ends on|without an end": "expires",
    r"(was|were) (not )?(started|there|used|taken) already": "has already been …",
    r"a step further on": "with a step sideways between photos",
    r"(one|small) step(?! sideways)|step (to the side(?! would)|between photos|away|apart)": (
        "a step sideways between photos"
    ),
    r"[Nn]othing to say against|whenever you like|[Ss]traighten|is nearer|belong into": "",
    r"costs? nothing|as delivered|[Tt]urn by itself|made no sense|of (models|figures) are": "",
    r"Go on|Further|Look at your|we neither|these figures are of|What these figures": "",
    r"small letters|in words? of|Left empty|said here|hold it still|[Uu]nlike each other": "",
}
#: Programs that use the API know it as a job.
OF_PROGRAMS = {
    "You have no such job.",
    "This job has no result (yet).",
    "This job has no such file (yet). There are these kinds: {kinds}.",
}


@cache
def texts() -> list[str]:
    """Every English text that people may see."""
    found = [
        message.id for domain in translations.DOMAINS for message in translations.texts_of(domain)
    ]
    each = [text for one in found if one for text in (one if isinstance(one, tuple) else (one,))]
    assert len(each) > 700
    return [text for text in each if text not in OF_PROGRAMS]


@pytest.mark.parametrize(("words", "instead"), NOT_SAID.items())
def test_no_text_says_it_otherwise(words: str, instead: str) -> None:
    said = re.compile(rf"\b(?:{words})\b")
    assert [text for text in texts() if said.search(text)] == [], f"say: {instead}"


def test_no_text_has_a_unit_of_its_own_after_a_size() -> None:
    """The number that is filled in brings its unit, which may be GB
    (recon/pipeline/words/sizes.py)."""
    fixed = re.compile(r"(\}|\)s) ?(kB|MB|GB)")
    assert [text for text in texts() if fixed.search(text)] == []


def test_a_letter_goes_on_with_a_capital_after_its_greeting() -> None:
    assert [text for text in texts() if re.match(r"Hello,\s+[a-z]", text)] == []
