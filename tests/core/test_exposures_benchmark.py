"""What `benchmarks/photos/exposures.py` counts, where the right answer is known."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.photos import exposures
from recon.splats.exposure_prediction import WAYS, Placed
from tests.core.tiny_scene import tiny_camera

LIGHT = [0.8, 1.5, 1.0, 2.0, 1.3, 0.7, 1.1, 0.9]  # without rhyme


def maps_of(gains: list[float]) -> torch.Tensor:
    return torch.tensor(gains)[:, None, None] * torch.eye(3, 4)


def test_a_prediction_that_is_right_is_off_by_nothing() -> None:
    photos = [
        Placed(f"{number}.jpg", tiny_camera(number), ev100=-math.log2(light))
        for number, light in enumerate(LIGHT)
    ]
    maps = maps_of([light ** (1 / 2.2) for light in LIGHT])
    by_exposure = next(way for way in WAYS if way.name == "by exposure")
    own = exposures.off(photos, maps, exposures.the_scenes_own)
    assert exposures.off(photos, maps, by_exposure.predict) < 0.1 * own
    assert exposures.off(photos, maps, exposures.the_products) < 0.2 * own


def test_the_scenes_own_exposure_is_the_typical_photos() -> None:
    photos = [Placed(f"{number}.jpg", tiny_camera(number)) for number in range(3)]
    error = exposures.off(photos, maps_of([1.0, 1.0, math.e]), exposures.the_scenes_own)
    # Of any two others the lower one is typical, 1: only the third is off, by a log of 1.
    assert error == pytest.approx(math.sqrt(1 / 3))
