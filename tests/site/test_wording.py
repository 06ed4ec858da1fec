"""Numbers as the pages say them."""

from __future__ import annotations

import json

import pytest
from django.template import Context, Template

from recon.templatetags.wording import (
    about,
    as_json,
    duration,
    megabytes,
    shown_range,
    time_range,
    without_time_left,
)


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
        (-3, "0 s"),  # a clock that was set back
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
    said = "step 179 of 400, loss 0.0523, 35,880 Gaussians"
    assert without_time_left(f"{said}, 64 s left") == said
    assert without_time_left("pair 3 of 66") == "pair 3 of 66"


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 kB"), (1, "1 kB"), (100_000, "98 kB"), (250_000, "0.2 MB"), (31_000_000, "30 MB")],
)
def test_a_file_s_size_is_said_in_megabytes(size: int, words: str) -> None:
    assert megabytes(size) == words


def test_json_survives_an_attribute() -> None:
    view = {"position": [0, -1.5, 2], "note": "\"'<>&"}
    rendered = Template('{% load wording %}<i data-view="{{ view|as_json }}">').render(
        Context({"view": view})
    )
    quoted = rendered.removeprefix('<i data-view="').removesuffix('">')
    assert '"' not in quoted
    assert json.loads(as_json(view)) == view
