"""Exposure: what is fitted to a photo, and that no pixel is scored with a fit of its own."""

from __future__ import annotations

import pytest
import torch

from recon.splats import exposure
from recon.splats.config import TrainConfig
from recon.splats.exposure import (
    Exposures,
    expose,
    expose_crosswise,
    fit_exposure,
    identities,
)
from recon.splats.scene import View
from tests.core.tiny_scene import tiny_camera

DARKER = torch.tensor([[0.7, 0.05, 0.0, 0.02], [0.0, 0.8, 0.0, 0.0], [0.02, 0.0, 0.6, -0.01]])


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand((30, 40, 3), generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1


def test_the_identity_changes_nothing(picture: torch.Tensor) -> None:
    [identity] = identities(1, torch.device("cpu"))
    assert torch.equal(expose(picture, identity), picture)


def test_a_change_of_exposure_is_found(picture: torch.Tensor) -> None:
    found = fit_exposure(picture, expose(picture, DARKER))
    torch.testing.assert_close(found, DARKER, atol=0.02, rtol=0)


def test_a_picture_of_one_colour_has_a_fit_too() -> None:
    grey = torch.full((8, 8, 3), 0.5)
    found = expose(grey, fit_exposure(grey, grey * 0.8))
    torch.testing.assert_close(found, grey * 0.8, atol=0.01, rtol=0)


def test_each_half_takes_the_exposure_of_the_other(picture: torch.Tensor) -> None:
    truth = expose(picture, DARKER)
    torch.testing.assert_close(expose_crosswise(picture, truth), truth, atol=0.02, rtol=0)
    # A change in one half alone is not made up for in that half.
    white = exposure._chessboard(30, 40, torch.device("cpu"))
    assert white.float().mean() == 0.5
    spoiled = torch.where(white[..., None], truth * 0.5, truth)
    corrected = expose_crosswise(picture, spoiled)
    torch.testing.assert_close(corrected[white], truth[white], atol=0.02, rtol=0)
    assert (corrected[~white] - 0.5 * truth[~white]).abs().max() < 0.02


@pytest.fixture
def views(picture: torch.Tensor) -> list[View]:
    """Two photos of one scene, the second one darker."""
    photos = (picture, expose(picture, DARKER))
    return [
        View(f"{i}.jpg", tiny_camera(0), (photo * 255).round().byte())
        for i, photo in enumerate(photos)
    ]


def learn(exposures: Exposures, views: list[View], scene: torch.Tensor, rounds: int) -> None:
    for view in views * rounds:
        shown = exposures.of(view, scene.clone().requires_grad_())
        (shown - view.colours).square().mean().backward()
        exposures.step()


def test_the_gradients_are_those_of_the_map(picture: torch.Tensor) -> None:
    """In a picture small enough for every pixel to count."""
    image, plain = (picture.clone().requires_grad_() for _ in range(2))
    target, taken = torch.rand_like(picture), torch.zeros(3, 4)
    (exposure._Expose.apply(image, DARKER, taken) - target).square().mean().backward()
    free = DARKER.clone().requires_grad_()
    (expose(plain, free) - target).square().mean().backward()
    torch.testing.assert_close(image.grad, plain.grad)
    torch.testing.assert_close(taken, free.grad)


def test_some_pixels_of_a_large_picture_say_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand((300, 400, 3), generator=torch.Generator().manual_seed(1))
    target = expose(image, DARKER)
    grads = []
    for pixels in (10**9, 5_000):
        monkeypatch.setattr(exposure, "_GRADIENT_PIXELS", pixels)
        grads.append(torch.zeros(3, 4))
        shown = exposure._Expose.apply(image.clone().requires_grad_(), torch.eye(3, 4), grads[-1])
        (shown - target).square().mean().backward()
    torch.testing.assert_close(grads[1], grads[0], rtol=0.1, atol=1e-4)


def test_maps_learn_what_differs_between_photos_not_the_scene(
    picture: torch.Tensor, views: list[View]
) -> None:
    exposures = Exposures(views, TrainConfig(exposure_lr=0.02, exposure_weight=0.0))
    learn(exposures, views, (picture + views[1].colours) / 2, rounds=60)
    shown = [exposures.of(view, picture).mean() for view in views]
    assert shown[0] - shown[1] > 0.5 * (views[0].colours.mean() - views[1].colours.mean())
    torch.testing.assert_close(exposures.maps.mean(0), torch.eye(3, 4), atol=1e-5, rtol=0)


def test_a_rate_of_nothing_learns_nothing(picture: torch.Tensor, views: list[View]) -> None:
    exposures = Exposures(views, TrainConfig(exposure_lr=0.0))
    assert exposures.of(views[1], picture) is picture
    exposures.step()
