"""The CPU rasteriser against the slow reference: values to 1e-4, gradients to 1e-3 relative."""

from __future__ import annotations

import pytest
import torch

from recon.splats.gaussians import Gaussians
from recon.splats.rasterizers import cpu, reference
from tests.core import rasterizer_scenes as scenes

PICTURES = ("image", "alpha", "depth")


def assert_agree(gaussians: Gaussians, **options: object) -> dict[str, float]:
    view = options.pop("view", None) or scenes.camera()
    errors = scenes.compare(cpu.rasterize, reference.rasterize, gaussians, view, **options)
    for name, error in errors.items():
        assert error < (1e-4 if name in PICTURES else 1e-3), (name, errors)
    return errors


@pytest.mark.parametrize("seed", range(4))
def test_random_clouds_agree_with_the_reference(seed):
    assert_agree(scenes.cloud(120, seed=seed, log_scale=-2.0), background=torch.rand(3))


@pytest.mark.parametrize("degree", range(4))
def test_every_degree_of_spherical_harmonics_agrees(degree):
    assert_agree(scenes.cloud(80, sh_degree=degree), sh_degree=degree)


def test_a_lower_degree_than_stored_agrees_and_leaves_the_rest_without_gradient():
    gaussians = scenes.cloud(80, sh_degree=3)
    assert_agree(gaussians, sh_degree=1)
    ours = scenes.learnable(gaussians, torch.float32)
    cpu.rasterize(ours, scenes.camera(), sh_degree=1).image.sum().backward()
    assert ours.shN.grad[:, :3].abs().sum() > 0
    assert ours.shN.grad[:, 3:].abs().sum() == 0


def test_gaussians_behind_beside_and_close_to_the_camera_agree():
    gaussians = scenes.around_the_camera()
    assert_agree(gaussians, background=torch.tensor([0.2, 0.5, 0.9]))
    depths = (gaussians.means @ scenes.camera().viewmat[:3, :3].T)[:, 2] + 4.0
    assert (depths < 0).any()
    assert (depths > 0).any()


def test_tiny_gaussians_agree():
    assert_agree(scenes.cloud(150, seed=1, log_scale=-6.0))


def test_huge_gaussians_agree():
    assert_agree(scenes.cloud(60, seed=2, log_scale=1.0, spread=0.5))


def test_needles_agree():
    gaussians = scenes.cloud(60, seed=3)
    gaussians.scales[:, 0] = 0.5
    gaussians.scales[:, 1:] = -6.0
    assert_agree(gaussians)


def test_opaque_stacks_that_fill_pixels_agree():
    gaussians = scenes.opaque_stack()
    errors = assert_agree(gaussians, background=torch.ones(3))
    full = cpu.rasterize(gaussians, scenes.camera(), sh_degree=3).alpha > 0.999
    assert full.any(), errors


def test_a_pile_of_many_faint_layers_agrees():
    gaussians = scenes.cloud(300, seed=4, log_scale=-0.5, spread=0.3)
    gaussians.opacities -= 2.0
    assert_agree(gaussians, view=scenes.camera(33, 17))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (5, 3), (33, 17), (1, 40)])
def test_every_shape_of_picture_agrees(width, height):
    assert_agree(scenes.cloud(50), view=scenes.camera(width, height))


def test_one_gaussian_agrees():
    assert_agree(scenes.cloud(1, spread=0.1), background=torch.tensor([0.1, 0.0, 1.0]))


def test_the_background_takes_its_gradient():
    view, gaussians = scenes.camera(), scenes.cloud(20)
    back = torch.rand(3, requires_grad=True)
    drawn = cpu.rasterize(gaussians, view, sh_degree=3, background=back, with_depth=True)
    drawn.image.sum().backward()
    torch.testing.assert_close(back.grad, (1 - drawn.alpha).sum().expand(3))
