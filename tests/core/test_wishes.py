"""What a person wishes for a scene: stored, read back, and refused if it makes no sense."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from recon.pipeline.cli.arguments import make_config, make_parser
from recon.pipeline.config import from_dict
from recon.pipeline.presets import PRESETS
from recon.pipeline.records import RecordError
from recon.pipeline.wishes import OUTLIER_FILTERS, PRESET_NAMES, Wishes
from recon.pipeline.wishes_to_settings import resolve

SPECIAL = Wishes(
    "high",
    original_resolution=True,
    cross_validate=True,
    final_refine=False,
    outlier_filter="never",
    without_poses=True,
    make_anyway=True,
)


def test_every_preset_has_a_name_and_settings() -> None:
    assert list(PRESETS) == list(PRESET_NAMES)
    assert all(config.preset == name for name, config in PRESETS.items())


def test_wishes_are_read_as_they_were_written() -> None:
    assert Wishes.read(json.loads(json.dumps(SPECIAL.to_dict()))) == SPECIAL


def test_a_wish_that_was_not_stored_is_not_made() -> None:
    assert Wishes.read({"preset": "high"}) == Wishes("high")
    assert Wishes.read({"preset": "high", "of a later version": 1}) == Wishes("high")


@pytest.mark.parametrize(
    "stored",
    [
        {"preset": "best"},
        {"preset": None},
        {"outlier_filter": "some"},
        {"cross_validate": "yes"},
        {"version": 99},
    ],
    ids=str,
)
def test_wishes_that_make_no_sense_are_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="wishes"):
        Wishes.read(SPECIAL.to_dict() | stored)


@pytest.mark.parametrize("name", [field.name for field in fields(Wishes)])
def test_every_wish_changes_the_settings(name: str) -> None:
    """One that nothing reads would be a broken promise."""
    usual = Wishes("standard")
    changed = Wishes(**{"preset": "standard", name: getattr(SPECIAL, name)})
    assert resolve(changed) != resolve(usual)


def test_the_name_that_the_quick_preset_had_is_read_as_todays() -> None:
    assert Wishes("draft") == Wishes("quick")
    assert Wishes.read({"preset": "draft"}) == Wishes("quick")
    assert resolve(Wishes("draft")) == PRESETS["quick"]
    assert from_dict({"preset": "draft"}).preset == "quick"
    options = make_parser().parse_args(["PHOTOS", "OUT", "--preset", "draft"])
    assert make_config(options) == PRESETS["quick"]


@pytest.mark.parametrize("wish", OUTLIER_FILTERS)
def test_the_settings_have_the_filter_that_is_wished_for(wish: str) -> None:
    assert resolve(Wishes(outlier_filter=wish)).evaluate.outlier_filter == wish


def test_the_usual_filter_leaves_a_setting_alone() -> None:
    never = {"evaluate": {"outlier_filter": "never"}}
    assert resolve(Wishes(), overrides=never).evaluate.outlier_filter == "never"
