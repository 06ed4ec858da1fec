"""Presets, ceilings and what is refused."""

import json

import pytest

from recon.pipeline.config import from_dict
from recon.pipeline.presets import PRESETS
from recon.pipeline.wishes import Wishes
from recon.pipeline.wishes_to_settings import resolve


def test_every_preset_survives_the_way_through_json() -> None:
    for config in PRESETS.values():
        stored = json.loads(json.dumps(config.to_dict()))
        assert from_dict(stored) == config


def test_an_unknown_key_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"train\.iteration;.*iterations"):
        from_dict({"train": {"iteration": 5}})


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"train": {"iterations": "500"}}, "train.iterations"),
        ({"train": {"iterations": True}}, "train.iterations"),
        ({"features": {"shared_camera": 1}}, "features.shared_camera"),
        ({"train": {"max_image_size": "big"}}, "train.max_image_size"),
        ({"train": 7}, "train"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(data: dict, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        from_dict(data)


def test_a_whole_number_passes_as_a_float() -> None:
    assert from_dict({"train": {"opacity_decay": 1}}).train.opacity_decay == 1.0


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"preset must be one of .*standard.*, not 'best'"):
        Wishes("best")


def test_ceilings_lower_a_preset_and_never_raise_it() -> None:
    low = resolve(Wishes("standard"), max_iterations=10, max_image_size=640)
    assert low.train.iterations == 10
    assert low.preflight.max_image_size == 640
    assert low.train.max_image_size == 640
    high = resolve(Wishes("standard"), max_iterations=10**6, max_image_size=10**5)
    assert high == PRESETS["standard"]


def test_original_resolution_keeps_full_size_except_for_training_with_quick() -> None:
    standard = resolve(Wishes("standard", original_resolution=True))
    assert standard.preflight.max_image_size is None
    assert standard.train.max_image_size is None
    quick = resolve(Wishes("quick", original_resolution=True))
    assert quick.preflight.max_image_size is None
    assert quick.train.max_image_size == PRESETS["quick"].train.max_image_size


def test_a_ceiling_also_holds_for_original_resolution() -> None:
    config = resolve(Wishes("standard", original_resolution=True), max_image_size=2000)
    assert config.preflight.max_image_size == 2000
    assert config.train.max_image_size == 2000


def test_folds_are_asked_for_and_refinement_is_forgone() -> None:
    plain = resolve(Wishes("high"))
    asked = resolve(Wishes("high", cross_validate=True, final_refine=False))
    assert (plain.evaluate.cross_validate, plain.export.final_refine) == (False, True)
    assert (asked.evaluate.cross_validate, asked.export.final_refine) == (True, False)
    overridden = resolve(Wishes("high"), overrides={"evaluate": {"cross_validate": True}})
    assert overridden.evaluate.cross_validate


def test_the_outlier_filter_is_left_to_the_figures_or_decided() -> None:
    assert resolve(Wishes("quick")).evaluate.outlier_filter == "auto"
    assert resolve(Wishes("quick", outlier_filter="never")).evaluate.outlier_filter == "never"
    with pytest.raises(ValueError, match="outlier_filter must be one of auto, always, never"):
        resolve(Wishes("quick"), overrides={"evaluate": {"outlier_filter": "some"}})


def test_the_stored_config_names_no_path_and_no_device() -> None:
    text = json.dumps(PRESETS["high"].to_dict())
    assert "cuda" not in text
    assert "/" not in text
