"""What every caller of `rasterize` relies on, on the CPU."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numba
import pytest
import torch

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import (
    Render,
    best_device,
    binning,
    cpu,
    cpu_kernels,
    cuda,
    rasterize,
)
from tests.core import rasterizer_scenes as scenes


def bits(gaussians: Gaussians) -> list[bytes]:
    """Everything that one differentiated picture yields, bit by bit."""
    ours = scenes.learnable(gaussians, torch.float32)
    back = torch.tensor([0.3, 0.2, 0.1])
    drawn = rasterize(ours, scenes.camera(), background=back, with_depth=True)
    scenes.differentiate(drawn, torch.ones_like(drawn.alpha))
    tensors = [*drawn, drawn.means2d.grad, *(tensor.grad for tensor in ours.named().values())]
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


def test_two_runs_give_the_same_bits_whatever_the_number_of_threads():
    gaussians = scenes.cloud(400, log_scale=-1.5)
    threads = numba.get_num_threads()
    first = bits(gaussians)
    try:
        numba.set_num_threads(1)
        assert bits(gaussians) == first
    finally:
        numba.set_num_threads(threads)
    assert bits(gaussians) == first


def test_a_picture_drawn_in_bands_to_save_memory_is_the_same(monkeypatch):
    gaussians, view = scenes.cloud(200, log_scale=-1.0), scenes.camera(70, 100)

    def differentiated() -> tuple[Render, Gaussians]:
        ours = scenes.learnable(gaussians, torch.float32)
        drawn = rasterize(ours, view, with_depth=True)
        scenes.differentiate(drawn, torch.ones_like(drawn.alpha))
        return drawn, ours

    whole, ours = differentiated()
    monkeypatch.setattr(binning, "MOST_PAIRS", 1000)
    seen = rasterize(gaussians, view, with_depth=True)
    picture = cpu._look(cpu._activate(gaussians), view, 3)
    bands = binning.bands(picture.table, cpu_kernels.TILE, 70, 100)
    assert len(bands) > 2
    assert [first for first, _ in bands] == [0, *(end for _, end in bands[:-1])]
    assert bands[-1][1] == 100
    parted, theirs = differentiated()
    for picture, expected in zip((*parted[:3], *seen[:3]), (*whole[:3], *whole[:3]), strict=True):
        assert (picture == expected).all()
    for name, tensor in theirs.named().items():
        assert scenes.relative_error(tensor.grad, ours.named()[name].grad) < 1e-5, name


def test_no_gaussians_are_the_bare_background():
    ours = scenes.learnable(scenes.cloud(0), torch.float32)
    back = torch.tensor([0.1, 0.2, 0.3])
    drawn = rasterize(ours, scenes.camera(), background=back, with_depth=True)
    drawn.image.sum().backward()
    assert drawn.image.shape == (scenes.HEIGHT, scenes.WIDTH, 3)
    torch.testing.assert_close(drawn.image[7, 5], torch.tensor([0.1, 0.2, 0.3]))
    assert drawn.alpha.abs().max() == drawn.depth.abs().max() == 0
    assert drawn.means2d.grad.shape == (0, 2)
    assert ours.means.grad.shape == (0, 3)


def test_gaussians_that_nobody_sees_are_not_drawn_and_get_no_gradient():
    gaussians = scenes.cloud(30)
    gaussians.means[:10, 2] = -50.0  # behind
    gaussians.means[10:20, 0] = 500.0  # beside
    gaussians.opacities[20:] = -9.0  # too faint
    ours = scenes.learnable(gaussians, torch.float32)
    drawn = rasterize(ours, scenes.camera())
    drawn.image.sum().backward()
    assert (drawn.radii == 0).all()
    assert drawn.image.abs().max() == 0
    assert all(tensor.grad.abs().max() == 0 for tensor in ours.named().values())


def test_one_gaussian_before_the_camera_lands_where_the_pinhole_says():
    gaussians = scenes.cloud(1, sh_degree=0)
    gaussians.means[:] = torch.tensor([[0.5, -0.25, 2.0]])
    gaussians.scales[:] = -9.0
    gaussians.opacities[:] = 9.0
    gaussians.sh0[:] = 1.0
    K = torch.tensor([[40.0, 0.0, 20.0], [0.0, 40.0, 15.0], [0.0, 0.0, 1.0]])
    drawn = rasterize(gaussians, Camera(torch.eye(4), K, 41, 30), with_depth=True)
    torch.testing.assert_close(drawn.means2d, torch.tensor([[30.0, 10.0]]))
    brightest = drawn.image.sum(2)[9:11, 29:31]  # the four pixels around the corner (30, 10)
    torch.testing.assert_close(brightest, brightest[0, 0].expand(2, 2))
    assert drawn.image.sum() > 0.9 * 3 * 0.782 * drawn.alpha.sum()  # 0.5 + 0.28209
    torch.testing.assert_close(drawn.depth[9, 29], torch.tensor(2.0))
    assert drawn.radii.tolist() == [2]  # 3.3 standard deviations of the 0.3 px^2 low pass


def test_the_nearer_gaussian_hides_the_farther_whatever_their_order():
    gaussians = scenes.cloud(2, sh_degree=0)
    gaussians.means[:] = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    gaussians.scales[:] = -1.0
    gaussians.opacities[:] = 9.0
    gaussians.sh0[0], gaussians.sh0[1] = 2.0, -2.0
    for order in ([0, 1], [1, 0]):
        drawn = rasterize(gaussians.select(torch.tensor(order)), scenes.camera())
        x, y = drawn.means2d[order.index(1)].long().tolist()
        assert drawn.image[y, x].max() < 0.1


def test_the_centres_on_the_picture_retain_their_gradient():
    ours = scenes.learnable(scenes.cloud(50), torch.float32)
    drawn = rasterize(ours, scenes.camera())
    (drawn.image**2).mean().backward()
    assert drawn.means2d.grad.shape == (50, 2)
    assert (drawn.means2d.grad.abs().sum(1) > 0)[drawn.radii > 0].any()


def test_a_second_backward_pass_adds_to_the_gradients_of_the_centres():
    drawn = rasterize(scenes.learnable(scenes.cloud(50), torch.float32), scenes.camera())
    drawn.image.sum().backward(retain_graph=True)
    once = drawn.means2d.grad.clone()
    drawn.image.sum().backward()
    torch.testing.assert_close(drawn.means2d.grad, 2 * once)


def test_parameters_changed_between_drawing_and_backward_are_noticed():
    ours = scenes.learnable(scenes.cloud(50), torch.float32)
    drawn = rasterize(ours, scenes.camera())
    with torch.no_grad():
        ours.means += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        drawn.image.sum().backward()


def test_depth_alone_can_be_differentiated():
    ours = scenes.learnable(scenes.cloud(50), torch.float32)
    drawn = rasterize(ours, scenes.camera(), with_depth=True)
    drawn.depth.sum().backward()
    assert (ours.means.grad[drawn.radii > 0].abs().sum(1) > 0).all()
    assert ours.sh0.grad.abs().max() == 0


def test_drawing_without_gradients_works_and_keeps_no_graph():
    drawn = rasterize(scenes.cloud(50), scenes.camera())
    assert not drawn.image.requires_grad
    assert drawn.means2d.grad is None


def test_gaussians_gone_to_infinity_or_nan_are_left_out():
    sound = scenes.cloud(60)
    broken = scenes.cloud(60, seed=1)
    for i, value in enumerate((torch.inf, -torch.inf, torch.nan, 1e20, 90.0, 40.0)):
        broken.means[i] = value
        broken.scales[10 + i] = value
        broken.quats[20 + i] = value
        broken.opacities[30 + i] = value if value == value else -torch.inf
    broken.scales[40:50, 0] = 88.0
    everything = Gaussians(
        **{name: torch.cat([t, broken.named()[name]]) for name, t in sound.named().items()}
    )
    drawn = rasterize(everything, scenes.camera())
    gone = [60 + i for i in range(3)] + [70, 72] + [80 + i for i in range(3)]
    assert (drawn.radii[gone] == 0).all()
    assert (drawn.radii >= 0).all()


def test_doubles_are_refused():
    with pytest.raises(AssertionError, match="float32"):
        rasterize(scenes.learnable(scenes.cloud(3), torch.float64), scenes.camera())


WRONG = {
    "means in the plane": {"means": torch.zeros(5, 2)},
    "quaternions without w": {"quats": torch.zeros(5, 3)},
    "one scale for all axes": {"scales": torch.zeros(5)},
    "opacities as a column": {"opacities": torch.zeros(5, 1)},
    "sh0 without its axis of harmonics": {"sh0": torch.zeros(5, 3)},
    "one Gaussian's shN missing": {"shN": torch.zeros(4, 15, 3)},
    "harmonics of no whole degree": {"shN": torch.zeros(5, 7, 3)},
    "half floats": {"scales": torch.zeros(5, 3, dtype=torch.float16)},
    "another device": {"means": torch.zeros(5, 3, device="meta")},
}


@pytest.mark.parametrize("name", WRONG)
def test_gaussians_of_another_shape_type_or_device_are_refused(name):
    with pytest.raises(AssertionError):
        rasterize(replace(scenes.cloud(5), **WRONG[name]), scenes.camera())


@pytest.mark.parametrize(
    "changes",
    [
        {"viewmat": torch.eye(4)[:3]},
        {"viewmat": torch.eye(4, dtype=torch.float64)},
        {"K": torch.eye(4)},
        {"K": torch.zeros(3, 3, device="meta")},
        {"width": 0},
        {"height": 0},
    ],
)
def test_a_camera_of_another_shape_type_or_device_is_refused(changes):
    with pytest.raises(AssertionError):
        rasterize(scenes.cloud(5), replace(scenes.camera(), **changes))


def test_a_background_that_is_no_colour_and_a_degree_below_0_are_refused():
    with pytest.raises(AssertionError):
        rasterize(scenes.cloud(5), scenes.camera(), background=torch.zeros(4))
    with pytest.raises(AssertionError):
        rasterize(scenes.cloud(5), scenes.camera(), sh_degree=-1)


def test_a_lower_degree_is_used_when_asked_for_more_than_is_stored():
    gaussians, view = scenes.cloud(40, sh_degree=1), scenes.camera()
    torch.testing.assert_close(
        rasterize(gaussians, view, sh_degree=3).image, rasterize(gaussians, view).image
    )


def random_ellipse(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A row of the binning table, [1, 12], and which pixels it reaches, [100, 100]."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(2, 2, generator=generator) * torch.tensor([[20.0], [3.0]])
    cov = root @ root.T + 0.3 * torch.eye(2)
    centre = torch.rand(2, generator=generator) * 140 - 20
    inverse = torch.linalg.inv(cov.double())
    table = torch.zeros(1, 12)
    table[0, :2] = centre
    table[0, 2:5] = torch.stack([inverse[0, 0], inverse[0, 1], inverse[1, 1]])
    table[0, 10:] = (11.0 * torch.diagonal(cov)).sqrt()
    rows, columns = torch.meshgrid(torch.arange(100), torch.arange(100), indexing="ij")
    offset = torch.stack([columns, rows], dim=-1) + 0.5 - centre.double()
    return table, torch.einsum("hwi,ij,hwj->hw", offset, inverse, offset) <= 10.99


@pytest.mark.parametrize("seed", range(60))
def test_the_tiles_rows_hold_every_pixel_that_an_ellipse_reaches_and_few_more(seed):
    table, inside = random_ellipse(seed)
    records = table.numpy().view(binning.GAUSSIAN)[:, 0]
    bins = binning.bin_gaussians(records, cpu_kernels.TILE, 100, 0, 100)
    found = torch.zeros(112, 112, dtype=torch.bool)
    for tile in range(49):
        top, left = tile // 7 * 16, tile % 7 * 16
        for pair in bins.pairs[bins.tile_starts[tile] : bins.tile_starts[tile + 1]]:
            rows = found[top + pair["first"] : top + pair["end"], left : left + 16]
            assert not rows.any()
            rows[:] = True
    assert not (inside & ~found[:100, :100]).any()
    # more only at an ellipse's tips, which may fall between pixel centres
    strips = torch.nn.functional.pad(inside, (0, 12)).reshape(100, 7, 16).any(2)
    visited = found[:100].reshape(100, 7, 16).any(2)
    assert (visited & ~strips).sum() <= 6 * visited.any(0).sum() + 2


def test_the_falloff_is_the_exponential():
    sigma = torch.linspace(0.0, 5.9, 2001).numpy()
    ours = torch.tensor([float(cpu_kernels.falloff(s)) for s in sigma], dtype=torch.float64)
    exact = torch.exp(-torch.from_numpy(sigma).double())
    assert ((ours / exact - 1).abs() < 2e-6).all()
    assert cpu_kernels.falloff(sigma.dtype.type(1e9)) < 1 / 255


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without CUDA")
def test_without_cuda_the_device_is_the_cpu_and_the_reason_is_said():
    assert best_device() == torch.device("cpu")
    assert "CUDA" in (cuda.problem() or "")


@pytest.mark.slow
def test_drawing_on_the_cpu_does_not_import_gsplat():
    program = (
        "import sys, recon.splats.rasterizers as r, recon.splats.rasterizers.cpu,"
        "recon.splats.rasterizers.cuda; r.best_device(); assert 'gsplat' not in sys.modules"
    )
    environment = {"CUDA_VISIBLE_DEVICES": "", "PATH": ""}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_depth_comes_only_when_asked_for():
    assert rasterize(scenes.cloud(5), scenes.camera()).depth is None
    assert rasterize(scenes.cloud(5), scenes.camera(), with_depth=True).depth is not None
