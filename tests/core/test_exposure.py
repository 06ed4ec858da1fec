"""Exposure: what is fitted to a photo, and that no pixel is scored with its own fit."""

from __future__ import annotations

import pytest
import torch

from recon.splats import exposure
from recon.splats.exposure import (
    cross_exposed,
    distance_from_identity,
    expose,
    fit_exposure,
    identities,
)

DARKER = torch.tensor([[0.7, 0.05, 0.0, 0.02], [0.0, 0.8, 0.0, 0.0], [0.02, 0.0, 0.6, -0.01]])


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand((30, 40, 3), generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1


def test_the_identity_changes_nothing(picture: torch.Tensor) -> None:
    [identity] = identities(1, torch.device("cpu"))
    assert torch.equal(expose(picture, identity), picture)
    assert distance_from_identity(identity) == 0
    assert distance_from_identity(DARKER) > 0


def test_a_change_of_exposure_is_found(picture: torch.Tensor) -> None:
    found = fit_exposure(picture, expose(picture, DARKER))
    torch.testing.assert_close(found, DARKER, atol=0.02, rtol=0)


def test_a_picture_of_one_colour_has_a_fit_too() -> None:
    grey = torch.full((8, 8, 3), 0.5)
    found = expose(grey, fit_exposure(grey, grey * 0.8))
    torch.testing.assert_close(found, grey * 0.8, atol=0.01, rtol=0)


def test_each_half_takes_the_exposure_of_the_other(picture: torch.Tensor) -> None:
    truth = expose(picture, DARKER)
    torch.testing.assert_close(cross_exposed(picture, truth), truth, atol=0.02, rtol=0)
    # What happens in one half alone can't be corrected there.
    white = exposure._chessboard(30, 40, torch.device("cpu"))
    assert white.float().mean() == 0.5
    spoiled = torch.where(white[..., None], truth * 0.5, truth)
    corrected = cross_exposed(picture, spoiled)
    torch.testing.assert_close(corrected[white], truth[white], atol=0.02, rtol=0)
    assert (corrected[~white] - 0.5 * truth[~white]).abs().max() < 0.02
