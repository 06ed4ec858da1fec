import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from torch import Tensor

from recon.splats.losses import photometric
from recon.splats.losses.photometric import blur, photometric_loss, ssim
from tests.photos import PROJECT


def pictures(seed: int = 0, height: int = 23, width: int = 31) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand((height, width, 3), generator=generator)
    return (truth + 0.2 * torch.randn(truth.shape, generator=generator)).clamp(0, 1), truth


def by_autograd(image: Tensor, truth: Tensor, ssim_weight: float) -> tuple[Tensor, Tensor]:
    """The loss and its gradient, by autograd through a plain 11 x 11 convolution in float64."""
    offsets = torch.arange(-5.0, 6.0, dtype=torch.float64)
    window = torch.exp(-(offsets[:, None] ** 2 + offsets**2) / 4.5)
    kernel = (window / window.sum())[None, None]

    def smooth(maps: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(maps[:, None], kernel, padding=5)[:, 0]

    leaf = image.double().requires_grad_()
    x, y = leaf.permute(2, 0, 1), truth.double().permute(2, 0, 1)
    mx, my = smooth(x), smooth(y)
    vx, vy = smooth(x * x) - mx**2, smooth(y * y) - my**2
    covariance = smooth(x * y) - mx * my
    similarity = (2 * mx * my + 1e-4) * (2 * covariance + 9e-4)
    similarity = similarity / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    loss = (1 - ssim_weight) * (x - y).abs().mean() + ssim_weight * (1 - similarity.mean())
    loss.backward()
    return loss.detach(), leaf.grad


def assert_as_by_autograd(image: Tensor, truth: Tensor, ssim_weight: float) -> None:
    expected, gradient = by_autograd(image, truth, ssim_weight)
    leaf = image.clone().requires_grad_()
    loss = photometric_loss(leaf, truth, ssim_weight)
    (3 * loss).backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert (leaf.grad / 3 - gradient).norm() < 1e-4 * gradient.norm()
    assert photometric_loss(image, truth, ssim_weight).item() == loss.item()


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


# the kernels take 256 px of a row at a time
@pytest.mark.parametrize(
    ("height", "width"), [(23, 31), (1, 1), (3, 40), (40, 3), (12, 256), (9, 257), (30, 600)]
)
@pytest.mark.parametrize("ssim_weight", [0.0, 0.2, 1.0])
def test_loss_and_gradient_are_those_of_autograd(height, width, ssim_weight) -> None:
    assert_as_by_autograd(*pictures(1, height, width), ssim_weight)


@pytest.mark.parametrize("strip", [1, 31 * 25, 10**9])
def test_the_convolutions_agree_however_the_picture_is_cut(monkeypatch, strip) -> None:
    monkeypatch.setattr(photometric, "_by_kernels", photometric._by_convolutions)
    monkeypatch.setattr(photometric, "_STRIP", strip)
    assert_as_by_autograd(*pictures(2, height=67), 0.2)


def test_a_gpu_where_triton_cannot_compile_falls_back_and_says_so(monkeypatch, caplog) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(photometric, "_compile", broken)
    assert not photometric._has_triton.__wrapped__(torch.device("cpu"))
    assert "Failed to find C compiler" in caplog.text


def test_a_time_limit_while_triton_compiles_is_no_reason_to_do_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class TimeLimit(Exception):
        pass

    def late(*args: object, **kwargs: object) -> None:
        raise TimeLimit

    monkeypatch.setattr(photometric, "_compile", late)
    with pytest.raises(TimeLimit):
        photometric._has_triton.__wrapped__(torch.device("cpu"))


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (3, 5), (40, 3), (16, 64), (37, 53), (529, 706)]
)
@pytest.mark.parametrize("ssim_weight", [0.0, 0.2, 1.0])
def test_tritons_kernels_agree_with_the_convolutions(height, width, ssim_weight) -> None:
    pytest.importorskip("triton")
    image, truth = pictures(6, height, width)
    weights = 1 - ssim_weight, -ssim_weight
    expected, slope = photometric._by_convolutions(image.double(), truth.double(), *weights, True)
    image, truth = image.cuda(), truth.cuda()
    value, gradient = photometric._by_triton(image, truth, *weights, True)
    assert value.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-6)
    assert (gradient.cpu() - slope).norm() < 1e-4 * slope.norm()
    assert (gradient.cpu() - slope).abs().max() < 1e-4 * slope.abs().max()
    alone, nothing = photometric._by_triton(image, truth, *weights, False)
    assert alone.item() == value.item()
    assert nothing is None


@pytest.mark.slow
@pytest.mark.gpu
def test_tritons_kernels_are_compiled_once_for_all_sizes(tmp_path) -> None:
    pytest.importorskip("triton")
    program = (
        "import torch; from recon.splats.losses.photometric import photometric_loss, ssim\n"
        "for size in ((1, 1), (16, 16), (37, 53), (480, 640)):\n"
        "    both = torch.rand(2, *size, 3, device='cuda')  # the second starts anywhere\n"
        "    photometric_loss(both[0].requires_grad_(), both[1].detach(), 0.2).backward()\n"
        "    ssim(both[1].detach(), both[0].detach())\n"
    )
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=environment, check=True)
    kernels = sorted(file.stem for file in tmp_path.rglob("*.cubin"))
    assert kernels == ["_blur_products", "_blur_slopes", "_differentiate", "_measure"]


@pytest.mark.gpu
@pytest.mark.parametrize("fused", [True, False])
def test_the_gpu_agrees_with_autograd(monkeypatch, fused) -> None:
    if not fused:
        monkeypatch.setattr(photometric, "_has_triton", lambda device: False)
    image, truth = pictures(3, 900, 1400)  # two strips
    expected, gradient = by_autograd(image, truth, 0.2)
    leaf = image.cuda().requires_grad_()
    loss = photometric_loss(leaf, truth.cuda(), 0.2)
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert (leaf.grad.cpu() - gradient).norm() < 1e-4 * gradient.norm()


@pytest.mark.gpu
def test_a_photo_of_12_megapixels_takes_little_memory_on_the_gpu() -> None:
    image = torch.rand(3000, 4000, 3, device="cuda", requires_grad=True)
    truth = torch.rand(3000, 4000, 3, device="cuda")
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    photometric_loss(image, truth, 0.2).backward()
    assert torch.cuda.max_memory_allocated() - before < 1.5 * 2**30


def test_smooth_pictures_where_the_variances_cancel_agree_too() -> None:
    ramp = torch.linspace(0.7, 0.9, 60)[:, None, None].expand(60, 50, 3).contiguous()
    noise = torch.rand(ramp.shape, generator=torch.Generator().manual_seed(4))
    assert_as_by_autograd(ramp + 1e-3 * noise, ramp, 0.2)


def test_one_channel_is_scored_as_three_equal_ones() -> None:
    image, truth = (picture[..., :1] for picture in pictures())
    triple = ssim(image.expand(-1, -1, 3), truth.expand(-1, -1, 3))
    assert ssim(image, truth).item() == pytest.approx(triple.item(), abs=1e-6)


def test_loss_and_gradient_have_the_same_bits_whatever_the_number_of_threads() -> None:
    def bits() -> tuple[float, bytes]:
        image, truth = pictures(5, 90, 70)
        image.requires_grad_()
        loss = photometric_loss(image, truth, 0.2)
        loss.backward()
        return loss.item(), image.grad.numpy().tobytes()

    threads = numba.get_num_threads()
    first = bits()
    try:
        numba.set_num_threads(1)
        assert bits() == first
    finally:
        numba.set_num_threads(threads)


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
