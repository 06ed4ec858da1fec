import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from recon.splats.losses import blur, photometric_loss, ssim


def pictures(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand((23, 31, 3), generator=generator)
    return (truth + 0.2 * torch.randn(truth.shape, generator=generator)).clamp(0, 1), truth


def test_identical_pictures_have_no_loss() -> None:
    _, truth = pictures()
    assert ssim(truth, truth).item() == pytest.approx(1.0, abs=1e-6)
    assert photometric_loss(truth, truth, 0.2).item() == pytest.approx(0.0, abs=1e-6)


def test_ssim_agrees_with_the_formula_written_out_in_numpy() -> None:
    image, truth = (picture.double().numpy() for picture in pictures())
    window = np.exp(-(np.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def smooth(maps: np.ndarray) -> np.ndarray:
        rows = correlate1d(maps, window, axis=0, mode="constant")
        return correlate1d(rows, window, axis=1, mode="constant")

    mx, my = smooth(image), smooth(truth)
    vx, vy = smooth(image**2) - mx**2, smooth(truth**2) - my**2
    covariance = smooth(image * truth) - mx * my
    expected = (2 * mx * my + 1e-4) * (2 * covariance + 9e-4)
    expected /= (mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)
    assert ssim(*pictures()).item() == pytest.approx(expected.mean(), abs=1e-5)


def test_the_gradient_of_ssim_is_that_of_finite_differences() -> None:
    image, truth = (picture[:7, :9].double() for picture in pictures())
    image.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: ssim(x, truth), (image,))


def test_blur_keeps_what_is_far_from_the_border() -> None:
    maps = torch.full((2, 20, 20), 0.7)
    torch.testing.assert_close(blur(maps)[:, 5:-5, 5:-5], maps[:, 5:-5, 5:-5])
    assert blur(maps)[0, 0, 0] < 0.3


def test_the_weight_mixes_l1_and_ssim() -> None:
    image, truth = pictures()
    l1 = (image - truth).abs().mean().item()
    assert photometric_loss(image, truth, 0.0).item() == pytest.approx(l1)
    mixed = 0.8 * l1 + 0.2 * (1 - ssim(image, truth).item())
    assert photometric_loss(image, truth, 0.2).item() == pytest.approx(mixed)
