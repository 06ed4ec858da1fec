"""Numbers as the pages say them."""

from __future__ import annotations

import json

import pytest
from django.template import Context, Template

from recon.templatetags.wording import as_json, duration, megabytes, time_range


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
        ((10, 50), "under a minute"),
        ((40, 70), "about 1 min"),
        ((130, 260), "2 to 4 min"),
        ((240, 250), "about 4 min"),
    ],
)
def test_time_left_is_a_range_and_never_backwards(
    eta: tuple[float, float] | None, words: str
) -> None:
    assert time_range(eta) == words


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
