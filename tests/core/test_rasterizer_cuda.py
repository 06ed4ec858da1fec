"""gsplat on a GPU against our CPU rasteriser: the two backends agree."""

from __future__ import annotations

import pytest
import torch

from recon.splats.gaussians import Gaussians
from recon.splats.rasterizers import best_device, cuda, rasterize
from tests.core import rasterizer_scenes as scenes

pytestmark = pytest.mark.gpu

SCENES = {
    "cloud": lambda: scenes.cloud(150),
    "around the camera": scenes.around_the_camera,
    "opaque": scenes.opaque_stack,
    "tiny": lambda: scenes.cloud(300, log_scale=-6.0),
    "huge": lambda: scenes.cloud(60, log_scale=1.0, spread=0.5),
    "one": lambda: scenes.cloud(1, spread=0.1),
}


def draw(gaussians: Gaussians, device: str, degree: int, back: torch.Tensor, mask: torch.Tensor):
    ours = scenes.learnable(gaussians, torch.float32, device)
    view = scenes.camera().to(device)
    drawn = rasterize(ours, view, sh_degree=degree, background=back.to(device), with_depth=True)
    scenes.differentiate(drawn, mask)
    return ours, drawn


def test_the_gpu_is_found_and_gsplat_draws_on_it():
    assert cuda.problem() is None
    assert best_device() == torch.device("cuda")


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("name", SCENES)
def test_both_backends_draw_and_differentiate_alike(name, degree):
    gaussians, back = SCENES[name](), torch.tensor([0.2, 0.5, 0.9])
    everywhere = torch.ones(scenes.HEIGHT, scenes.WIDTH)
    _, here = draw(gaussians, "cpu", degree, back, everywhere)
    _, there = draw(gaussians, "cuda", degree, back, everywhere)
    # Now and then gsplat's fast exponential decides differently about a contribution at 1/255.
    same = (there.image.cpu() - here.image).abs().amax(2) < 1e-3
    assert same.float().mean() > 0.99
    mask = same.float()
    ours, here = draw(gaussians, "cpu", degree, back, mask)
    theirs, there = draw(gaussians, "cuda", degree, back, mask)
    assert ((there.alpha.cpu() - here.alpha).abs() * mask).max() < 1e-3
    assert ((there.depth.cpu() - here.depth).abs() * mask).max() < 1e-2
    for key, tensor in ours.named().items():
        # Degrees that are not drawn have no gradient here and one of zeros there.
        truth = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        assert scenes.relative_error(theirs.named()[key].grad, truth) < 1e-2, key
    assert scenes.relative_error(there.means2d.grad, here.means2d.grad) < 1e-2
    drawn = here.radii > 0
    assert torch.equal(drawn, there.radii.cpu() > 0)
    assert ((here.radii - there.radii.cpu()).abs() <= 1 + 1e-3 * here.radii)[drawn].all()


def test_no_gaussians_are_the_bare_background_on_the_gpu():
    ours = scenes.learnable(scenes.cloud(0), torch.float32, "cuda")
    view = scenes.camera().to("cuda")
    drawn = rasterize(ours, view, background=torch.tensor([0.1, 0.2, 0.3], device="cuda"))
    drawn.image.sum().backward()
    torch.testing.assert_close(drawn.image[7, 5].cpu(), torch.tensor([0.1, 0.2, 0.3]))
    assert drawn.alpha.abs().max() == 0
    assert ours.means.grad.shape == (0, 3)
