import math
from dataclasses import replace

import pytest
import torch

from recon.splats import growth
from recon.splats.config import TrainConfig
from recon.splats.gaussians import Gaussians
from recon.splats.growth import GradientStats
from recon.splats.rasterizers import rasterize
from tests.core.tiny_scene import tiny_camera, tiny_gaussians

CONFIG = TrainConfig(max_gaussians=1000, grow_grad2d=1e-3, grow_scale3d=0.1, prune_opacity=0.01)


def refine(
    gaussians: Gaussians, grads: torch.Tensor, config: TrainConfig = CONFIG
) -> growth.Change:
    pulls = GradientStats(grads, torch.ones(len(gaussians)))
    return growth.refine(gaussians, pulls, config, extent=2.0)


def sized(gaussians: Gaussians, size: float) -> Gaussians:
    gaussians.scales = torch.full_like(gaussians.scales, math.log(size))
    return gaussians


def test_nothing_changes_where_nothing_pulls() -> None:
    change = refine(tiny_gaussians(10), torch.zeros(10))
    assert change.survivors.tolist() == list(range(10))
    assert len(change.added) == 0


def test_a_small_gaussian_that_is_pulled_at_is_cloned() -> None:
    gaussians = sized(tiny_gaussians(10), 0.1)
    grads = torch.zeros(10)
    grads[3] = 1.0
    after = growth.apply(gaussians, refine(gaussians, grads))
    assert len(after) == 11
    for name, before in gaussians.named().items():
        now = getattr(after, name)
        torch.testing.assert_close(now[10], now[3])
        if name != "opacities":
            torch.testing.assert_close(now[:10], before)
    through, before = 1 - after.opacities.sigmoid(), 1 - gaussians.opacities.sigmoid()
    torch.testing.assert_close(through[3] * through[10], before[3])
    assert torch.equal(after.opacities[:3], gaussians.opacities[:3])


def test_a_large_gaussian_that_is_pulled_at_is_split_in_two_smaller_ones_inside_it() -> None:
    gaussians = sized(tiny_gaussians(10), 0.5)
    grads = torch.zeros(10)
    grads[3] = 1.0
    change = refine(gaussians, grads)
    assert change.survivors.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert len(change.added) == 2
    sizes = change.added.scales.exp().sort(dim=1).values
    torch.testing.assert_close(sizes, torch.tensor([[0.35, 0.5, 0.5]] * 2))
    offsets = change.added.means - gaussians.means[3]
    torch.testing.assert_close(offsets[0], -offsets[1])
    assert (offsets.norm(dim=1) > 0).all()
    assert (offsets.norm(dim=1) < 0.5).all()


def test_halves_lie_along_the_longest_axis_and_keep_mean_variance_and_opacity() -> None:
    one = tiny_gaussians(1)
    one.scales = torch.log(torch.tensor([[1.0, 0.3, 0.01]]))
    one.quats = torch.tensor([[math.cos(math.pi / 4), 0, 0, math.sin(math.pi / 4)]])
    one.opacities = torch.tensor([0.6]).logit()
    added = refine(one, torch.ones(1)).added
    offsets = added.means - one.means[0]
    # A quarter turn about z takes the long x axis to y.
    assert offsets[:, [0, 2]].abs().max() < 1e-6
    torch.testing.assert_close(added.quats, one.quats.repeat(2, 1))
    long, *others = added.scales.exp()[0].tolist()
    assert others == pytest.approx([0.3, 0.01])
    assert long**2 + float(offsets[0, 1]) ** 2 == pytest.approx(1.0)
    assert 2 * long * float(added.opacities[0].sigmoid()) == pytest.approx(0.6)


def test_a_picture_hardly_changes_by_a_split() -> None:
    gaussians = tiny_gaussians(60)
    config = replace(CONFIG, grow_scale3d=0.0)  # all are split
    after = growth.apply(gaussians, refine(gaussians, torch.ones(60), config))
    assert len(after) == 120
    camera = tiny_camera(2)
    before, now = (rasterize(scene, camera).image for scene in (gaussians, after))
    assert (now - before).abs().mean() < 0.15 * before.std()


def test_a_faint_gaussian_is_pruned() -> None:
    gaussians = tiny_gaussians(10)
    gaussians.opacities[4] = torch.tensor(0.009).logit()
    change = refine(gaussians, torch.ones(10) * 1e-9)
    assert change.survivors.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_the_cap_holds_and_the_strongest_grow() -> None:
    gaussians = sized(tiny_gaussians(10), 0.1)
    change = refine(gaussians, torch.arange(10.0), replace(CONFIG, max_gaussians=13))
    assert len(growth.apply(gaussians, change)) == 13
    torch.testing.assert_close(change.added.means, gaussians.means[7:])


def test_nothing_grows_over_the_cap() -> None:
    gaussians = tiny_gaussians(10)
    change = refine(gaussians, torch.ones(10), replace(CONFIG, max_gaussians=5))
    assert len(change.added) == 0


def test_pulls_are_means_over_the_pictures_that_drew_a_gaussian() -> None:
    gaussians = tiny_gaussians(50)
    gaussians.means[0] = torch.tensor([0.0, 0.0, -50.0])  # behind every camera
    gaussians.means.requires_grad_(True)
    pulls = GradientStats.none(gaussians)
    lengths = []
    for index in (0, 5):
        rendered = rasterize(gaussians, tiny_camera(index))
        rendered.image.square().mean().backward()
        pulls.observe(rendered, tiny_camera(index))
        assert rendered.means2d.grad is not None
        lengths.append((rendered.means2d.grad * torch.tensor([30.0, 20.0])).norm(dim=1))
    assert pulls.counts[0] == 0
    assert pulls.means[0] == 0
    both = pulls.counts == 2
    assert both.any()
    torch.testing.assert_close(pulls.means[both], ((lengths[0] + lengths[1]) / 2)[both])


def test_refining_is_deterministic_for_a_seed() -> None:
    gaussians = sized(tiny_gaussians(20), 0.5)
    first, second = (refine(gaussians, torch.ones(20)) for _ in range(2))
    torch.testing.assert_close(first.added.means, second.added.means, rtol=0, atol=0)
