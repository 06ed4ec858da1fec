"""Large, thin Gaussians before the scene: what is taken for haze, and which photos decide."""

import numpy as np
import pytest
import torch

from recon.splats.evaluation import draw
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.haze import haze_mask, remove_haze
from recon.splats.metrics import psnr
from recon.splats.scene import View

CAMERAS = 5
ABOVE = (0.0, 1.2, -0.6)  # where nobody took a photo, and haze hangs in front of the scene


def camera(x: float, y: float = 0.0, z: float = 0.0) -> Camera:
    """Looks along +z."""
    viewmat = torch.eye(4)
    viewmat[:3, 3] = -torch.tensor([x, y, z])
    return Camera(viewmat, torch.tensor([[54.0, 0, 30], [0, 54.0, 20], [0, 0, 1]]), 60, 40)


def row() -> list[Camera]:
    return [camera(0.3 * (i - 2)) for i in range(CAMERAS)]


def scene(*parts: Gaussians) -> Gaussians:
    names = parts[0].named()
    return Gaussians(**{name: torch.cat([part.named()[name] for part in parts]) for name in names})


def gaussians(means: np.ndarray, size: tuple[float, float, float], opacity: float) -> Gaussians:
    """Of one size; colours change from place to place."""
    count = len(means)
    return Gaussians(
        means=torch.tensor(means).float(),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        scales=torch.tensor(size).log().repeat(count, 1),
        opacities=torch.full((count,), opacity).logit(),
        sh0=torch.tensor(np.sin(3 * means)).float()[:, None],
        shN=torch.zeros(count, 0, 3),
    )


def wall(depth: float = 4.0, half: float = 3.0, rows: int = 50) -> Gaussians:
    x, y = np.meshgrid(*2 * [np.linspace(-half, half, rows)])
    means = np.stack([x.ravel(), y.ravel(), np.full(rows**2, depth)], axis=1)
    return gaussians(means, (0.08, 0.08, 0.01), 0.95)


def haze() -> Gaussians:
    return gaussians(np.array([[0.1, 0.2, 1.6], [-0.7, 0.3, 2.0]]), (0.6, 0.3, 0.05), 0.7)


def found(whole: Gaussians) -> np.ndarray:
    return haze_mask(whole.means.double().numpy(), whole.scales.exp().numpy(), row())


def views(whole: Gaussians) -> list[View]:
    pictures = [(draw(whole, one) * 255).round().byte() for one in row()]
    return [
        View(f"{i}.png", one, p) for i, (one, p) in enumerate(zip(row(), pictures, strict=True))
    ]


def test_what_hangs_alone_in_front_is_found_and_nothing_else() -> None:
    solid = wall(depth=1.5, half=0.2, rows=12)  # a thing in front of the wall, below the haze
    solid.means += torch.tensor([0.3, -0.6, 0.0])
    sky = gaussians(np.array([[0.0, 5.0, 30.0], [6.0, 5.0, 40.0]]), (9.0, 9.0, 1.0), 0.9)
    mask = found(scene(wall(), solid, sky, haze()))
    assert mask[-2:].all()
    assert not mask[:-2].any()


@pytest.mark.parametrize(("length", "is_haze"), [(0.2, False), (9.0, True)])
def test_what_no_photo_has_in_its_frame_is_haze_if_it_reaches_the_cameras(
    length: float, is_haze: bool
) -> None:
    aside = gaussians(np.array([[9.0, 0.0, 5.0]]), (length, 0.1, 0.1), 0.7)
    assert found(scene(wall(), aside))[-1] == is_haze


def test_too_few_gaussians_have_no_neighbours_to_miss() -> None:
    assert not found(haze()).any()


def test_haze_that_photos_do_not_show_goes_and_the_view_from_above_is_clear() -> None:
    true, hazy = wall(), scene(wall(), haze())
    cleared = remove_haze(hazy, row(), views(true), 0.1)
    assert (cleared.found, cleared.removed, len(cleared.gaussians)) == (2, True, len(true))
    assert cleared.loss < 0
    above = draw(true, camera(*ABOVE))
    assert (
        psnr(draw(hazy, camera(*ABOVE)), above)
        < psnr(draw(cleared.gaussians, camera(*ABOVE)), above) - 2
    )


def test_what_photos_do_show_stays() -> None:
    hung = scene(wall(), haze())  # a veil that really hangs there
    cleared = remove_haze(hung, row(), views(hung), 0.1)
    assert (cleared.found, cleared.removed, cleared.gaussians) == (2, False, hung)
    assert cleared.loss > 0.1
