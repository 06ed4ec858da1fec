"""A held-out photo's exposure comes from the photos around it, or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from recon.splats.evaluation import exposed
from recon.splats.exposure_prediction import predict_exposures
from recon.splats.gaussians import Camera
from recon.splats.scene import PosedPhoto
from tests.core.tiny_scene import tiny_camera


def photo_at(number: int, x: float, turn: float = 0.0) -> PosedPhoto:
    """The photo `number`, at (x, 0, 0), looking along z, or `turn` radians to the side of it."""
    camera = tiny_camera(0)
    viewmat = torch.eye(4)
    cosine, sine = math.cos(turn), math.sin(turn)
    viewmat[:3, :3] = torch.tensor([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    viewmat[:3, 3] = -viewmat[:3, :3] @ torch.tensor([x, 0.0, 0.0])
    placed = Camera(viewmat, camera.K, camera.width, camera.height)
    nothing = np.empty((0, 2)), np.empty(0, np.int64)
    return PosedPhoto(f"{number:03d}.jpg", placed, *nothing)


def gain(factor: float) -> torch.Tensor:
    return torch.cat([torch.eye(3) * factor, torch.zeros(3, 1)], dim=1)


def predicted(
    factors: dict[int, float],
    photos: list[PosedPhoto],
    wanted: int,
    ev100: dict[str, float] | None = None,
) -> torch.Tensor:
    train = [photo for photo in photos if int(photo.name[:3]) in factors]
    maps = {photo.name: gain(factors[int(photo.name[:3])]) for photo in train}
    return predict_exposures(maps, train, [photos[wanted]], ev100)[photos[wanted].name]


def held_out_third(value: Callable[[int], float]) -> dict[int, float]:
    return {n: value(n) for n in range(10) if n != 3}


def test_light_that_changes_in_time_is_that_of_the_photos_before_and_after() -> None:
    photos = [photo_at(n, x=(n * 7) % 10) for n in range(10)]  # their positions tell nothing
    found = predicted(held_out_third(lambda n: 0.7 + 0.06 * n), photos, wanted=3)
    torch.testing.assert_close(found, gain(0.88), atol=0.005, rtol=0)


def test_light_that_depends_on_the_place_is_that_of_the_nearest_photos() -> None:
    order = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]  # their order tells nothing
    photos = [photo_at(n, x=order[n]) for n in range(10)]
    factors = held_out_third(lambda n: 1.2 if order[n] < 5 else 0.8)
    found = predicted(factors, photos, wanted=3)  # at 6, among the dark ones
    torch.testing.assert_close(found, gain(0.8), atol=0.06, rtol=0)


def test_who_looks_the_same_way_counts_for_more_than_who_stands_beside() -> None:
    photos = [photo_at(n, x=0.01 * (n % 3), turn=1.5 * (n * 4 % 10 // 5)) for n in range(10)]
    factors = held_out_third(lambda n: 1.25 if n * 4 % 10 // 5 else 0.8)
    found = predicted(factors, photos, wanted=3)  # 3 * 4 % 10 // 5 is 0
    torch.testing.assert_close(found, gain(0.8), atol=0.06, rtol=0)


def test_exposures_without_rhyme_predict_nothing() -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    values = [0.8, 1.2, 1.0, 1.0, 1.3, 0.7, 1.1, 0.9, 1.2, 0.8]
    found = predicted(held_out_third(lambda n: values[n]), photos, wanted=3)
    torch.testing.assert_close(found, gain(1.0))


def exposed_by(photos: list[PosedPhoto], light: Callable[[int], float]) -> dict[str, float]:
    """EV100 of photos whose cameras let in `light(number)` as much: one more is half of it."""
    return {photo.name: 12 - math.log2(light(int(photo.name[:3]))) for photo in photos}


LIGHT = [0.8, 1.5, 1.0, 2.0, 1.3, 0.7, 1.1, 0.9, 1.4, 0.6]  # without rhyme


def by_light(number: int) -> float:
    """How bright a picture gets by sRGB's curve."""
    return LIGHT[number] ** (1 / 2.2)


def test_what_the_camera_says_of_its_exposure_is_known_for_every_photo() -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    found = predicted(held_out_third(by_light), photos, wanted=3, ev100=ev100)
    torch.testing.assert_close(found, gain(by_light(3)), atol=0.01, rtol=0)


def test_a_cameras_own_curve_is_learnt_from_the_other_photos() -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    found = predicted(held_out_third(lambda n: LIGHT[n] ** 0.8), photos, wanted=3, ev100=ev100)
    assert found[0, 0] == pytest.approx(LIGHT[3] ** 0.8, abs=0.06)


def test_light_and_neighbours_together_say_more_than_either() -> None:
    """Clouds pass while the camera exposes each photo anew."""
    photos = [photo_at(n, x=(n * 7) % 10) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    factors = held_out_third(lambda n: (0.7 + 0.06 * n) * by_light(n))
    found = predicted(factors, photos, wanted=3, ev100=ev100)
    torch.testing.assert_close(found, gain(0.88 * by_light(3)), atol=0.03, rtol=0)


def test_metadata_far_from_all_others_are_not_believed() -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    nonsense = {**ev100, photos[3].name: -8.0}
    found = predicted(held_out_third(by_light), photos, wanted=3, ev100=nonsense)
    assert found[0, 0] == pytest.approx(3 ** (1 / 2.2), abs=0.02)  # a stop beyond 1.5


def test_brightness_is_that_of_the_middle_grey() -> None:
    """What the maps add counts as much as what they multiply."""
    photos = [photo_at(n, x=n) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    flatter = {photo.name: gain(0.6) for photo in photos}
    for number, photo in enumerate(photos):
        flatter[photo.name][:, 3] = 0.5 * by_light(number) - 0.3
    train = [photo for photo in photos if photo is not photos[3]]
    known = {photo.name: flatter[photo.name] for photo in train}
    found = predict_exposures(known, train, [photos[3]], ev100)[photos[3].name]
    grey = 0.5 * found[0, 0] + found[0, 3]
    assert float(grey) == pytest.approx(0.5 * by_light(3), abs=0.01)


def test_exposures_that_do_not_follow_the_light_predict_nothing() -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    values = [0.8, 1.2, 1.0, 1.0, 1.3, 0.7, 1.1, 0.9, 1.2, 0.8]
    ev100 = exposed_by(photos, lambda n: LIGHT[(n * 3 + 1) % 10])
    found = predicted(held_out_third(lambda n: values[n]), photos, wanted=3, ev100=ev100)
    torch.testing.assert_close(found, gain(1.0))


@pytest.mark.parametrize("silent", [0, 3])
def test_light_that_one_photo_does_not_tell_is_not_used(silent: int) -> None:
    photos = [photo_at(n, x=n) for n in range(10)]
    ev100 = exposed_by(photos, lambda n: LIGHT[n])
    del ev100[photos[silent].name]
    found = predicted(held_out_third(by_light), photos, wanted=3, ev100=ev100)
    torch.testing.assert_close(found, gain(1.0))


def test_three_photos_are_too_few_to_say_which_way_is_best() -> None:
    photos = [photo_at(n, x=n) for n in range(4)]
    found = predicted({0: 0.8, 1: 0.9, 3: 1.1}, photos, wanted=2)
    torch.testing.assert_close(found, gain(1.0))


def test_without_maps_nothing_is_predicted() -> None:
    photos = [photo_at(n, x=n) for n in range(5)]
    assert predict_exposures({}, photos[:4], photos[4:]) == {}


def test_a_render_is_shown_as_its_photo_is_exposed() -> None:
    image = torch.full((2, 2, 3), 0.5)
    maps = {"a.jpg": gain(0.5), "b.jpg": gain(3.0)}
    assert torch.equal(exposed(image, "a.jpg", maps), image * 0.5)
    assert exposed(image, "b.jpg", maps).max() == 1.0
    assert exposed(image, "c.jpg", maps) is image
    assert exposed(image, "a.jpg", None) is image


@pytest.mark.parametrize("missing", ["000.jpg", "009.jpg"])
def test_the_first_and_the_last_have_one_neighbour_in_time(missing: str) -> None:
    photos = [photo_at(n, x=(n * 7) % 10) for n in range(10)]
    wanted = int(missing[:3])
    factors = {n: 0.7 + 0.06 * n for n in range(10) if n != wanted}
    found = predicted(factors, photos, wanted)
    neighbour = 1 if wanted == 0 else 8
    torch.testing.assert_close(found, gain(factors[neighbour]), atol=0.005, rtol=0)
