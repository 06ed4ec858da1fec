"""Adam over a scene that grows: the same numbers as torch's own, on both devices."""

from __future__ import annotations

import pytest
import torch

from recon.splats import growth
from recon.splats.gaussians import Gaussians
from recon.splats.optimizer import Adam
from tests.core.tiny_scene import tiny_gaussians

RATES = {"means": 1e-2, "scales": 2e-2, "quats": 1e-3, "opacities": 5e-2, "sh0": 2e-3, "shN": 1e-4}


def pulled(gaussians: Gaussians, strength: float) -> None:
    """Gives every parameter a gradient that is neither constant nor tiny."""
    loss = sum((tensor * tensor.detach().cos()).sum() for tensor in gaussians.named().values())
    (strength * loss).backward()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("degree", [0, 1])
def test_it_steps_as_torchs_own_adam_does(device: str, degree: int) -> None:
    start = tiny_gaussians(9, sh_degree=degree)
    ours = Adam(start.to(device), RATES)
    theirs = Gaussians(
        **{name: torch.nn.Parameter(tensor.clone()) for name, tensor in start.named().items()}
    )
    reference = torch.optim.Adam(
        [{"params": [getattr(theirs, name)], "lr": rate} for name, rate in RATES.items()], eps=1e-15
    )
    for strength in (1.0, -0.3, 20.0, 0.01):
        pulled(ours.gaussians, strength)
        pulled(theirs, strength)
        ours.step()
        reference.step()
        reference.zero_grad()
    for name, tensor in ours.gaussians.named().items():
        torch.testing.assert_close(tensor.cpu(), getattr(theirs, name), rtol=1e-4, atol=1e-5)


def test_a_step_uses_its_gradients_up_and_leaves_the_start_alone() -> None:
    start = tiny_gaussians(5)
    optimizer = Adam(start, RATES)
    pulled(optimizer.gaussians, 1.0)
    optimizer.step()
    assert all(tensor.grad is None for tensor in optimizer.gaussians.named().values())
    before = optimizer.gaussians.means.clone()
    optimizer.step()  # nothing pulls
    assert torch.equal(optimizer.gaussians.means, before)
    assert torch.equal(start.means, tiny_gaussians(5).means)


def test_kept_gaussians_keep_their_moments_and_new_ones_start_without() -> None:
    optimizer = Adam(tiny_gaussians(6), RATES)
    pulled(optimizer.gaussians, 1.0)
    optimizer.step()
    before = optimizer.moments["means"][0].clone()
    assert before.abs().sum() > 0
    added, survivors = tiny_gaussians(2, seed=5), torch.tensor([0, 2, 5])
    opacities = torch.tensor([0.5, -1.0, 2.0])
    optimizer.change(growth.Change(survivors=survivors, opacities=opacities, added=added))
    after = optimizer.gaussians
    moments = optimizer.moments["means"][0]
    assert torch.equal(moments, torch.cat([before[survivors], torch.zeros(2, 3)]))
    assert torch.equal(after.means[3:], added.means)
    assert torch.equal(after.opacities[:3], opacities)
    pulled(after, 1.0)
    optimizer.step()  # it knows the new parameters
    assert not torch.equal(after.means[3:], added.means)
