"""Haze between a scene and its cameras: large, thin Gaussians in mid-air that photos don't
contradict.

A bare sky or wall is the same colour at any depth, so training may paint it just in front of the
cameras. In the photos it looks right; from a little higher it hangs in front of the scene. No gap
gives it away (`outliers`): a Gaussian a metre long touches everything. What does: few others have
their centre near it, whereas a surface that photos hold in place is made of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recon.splats.evaluation import draw
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import psnr
from recon.splats.scene import View

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

_NEIGHBOURS = 20
_LONELY = 0.2  # times as far as its camera: the distance to the last of these neighbours
_FRONT = 1.0  # times the middle depth of what a photo shows: behind it, thin is background
_REACH = 2.0  # standard deviations along its longest axis that a Gaussian is taken to fill
_SMALLEST = 1e-9  # world units, of a depth that others are divided by


def haze_mask(means: Floats, scales: Floats, cameras: Sequence[Camera]) -> Mask:
    """Which Gaussians hang alone between `cameras` and what these look at, [N].

    `means` [N, 3] and `scales` [N, 3] (standard deviations) are in world units. What is in no
    photo's frame is compared with the nearest camera, and is also haze if it reaches that far:
    photos then know it by its tails, which are drawn the wronger the longer they are.
    """
    mask = np.zeros(len(means), np.bool_)
    depth, share, shown = _nearest(means, cameras)
    front = np.flatnonzero(share < _FRONT)
    if len(means) > _NEIGHBOURS and len(front):
        # The first neighbour is the Gaussian itself.
        far = cKDTree(means).query(means[front], _NEIGHBOURS + 1, workers=-1)[0][:, -1]
        mask[front] = far > _LONELY * depth[front]
    return mask | (~shown & (_REACH * scales.max(axis=1) > depth))


def _nearest(means: Floats, cameras: Sequence[Camera]) -> tuple[Floats, Floats, Mask]:
    """The least depth of each Gaussian in a photo, world units, [N]; the least as a share of the
    middle depth of what the photo shows, [N]; and whether any has it in its frame, [N]."""
    depth, share = np.full(len(means), np.inf), np.full(len(means), np.inf)
    eyes, middles = [], []
    for camera in cameras:
        z, inside = _in_frame(means, camera)
        if not inside.any():
            continue
        eyes.append(camera.position.double().cpu().numpy())
        middles.append(max(float(np.median(z[inside])), _SMALLEST))
        depth[inside] = np.minimum(depth[inside], z[inside])
        share[inside] = np.minimum(share[inside], z[inside] / middles[-1])
    shown = np.isfinite(depth)
    if eyes:
        distance, which = cKDTree(np.array(eyes)).query(means[~shown])
        depth[~shown], share[~shown] = distance, distance / np.array(middles)[which]
    return depth, share, shown


def _in_frame(means: Floats, camera: Camera) -> tuple[Floats, Mask]:
    """Depths [N] along the camera's axis, world units; and which are in its picture, [N]."""
    viewmat, K = camera.viewmat.double().cpu().numpy(), camera.K.double().cpu().numpy()
    x, y, z = viewmat[:3, :3] @ means.T + viewmat[:3, 3:]
    ahead = z > _SMALLEST
    safe = np.where(ahead, z, 1.0)
    u, v = K[0, 0] * x / safe + K[0, 2], K[1, 1] * y / safe + K[1, 2]
    inside = (u > 0) & (u < camera.width) & (v > 0) & (v < camera.height)
    return z, ahead & inside


@dataclass(frozen=True)
class HazeRemoval:
    """A scene, and what became of its haze."""

    gaussians: Gaussians
    found: int  # Gaussians that look like haze
    loss: float  # mean PSNR in dB that the photos lose without them; negative where they gain
    removed: bool


def remove_haze(
    gaussians: Gaussians, cameras: Sequence[Camera], views: Sequence[View], max_loss_db: float
) -> HazeRemoval:
    """`gaussians` without the haze in front of `cameras`, unless `views` lose more than
    `max_loss_db` by that: then it was none. Photos that it was not trained on tell best."""
    means = gaussians.means.detach().double().cpu().numpy()
    mask = haze_mask(means, gaussians.scales.detach().exp().cpu().numpy(), cameras)
    found = int(mask.sum())
    if not found or mask.all():
        return HazeRemoval(gaussians, found, 0.0, removed=False)
    rest = gaussians.select(torch.from_numpy(~mask).to(gaussians.device))
    loss = _mean_psnr(gaussians, views) - _mean_psnr(rest, views)
    removed = loss <= max_loss_db
    return HazeRemoval(rest if removed else gaussians, found, loss, removed)


def _mean_psnr(gaussians: Gaussians, views: Sequence[View]) -> float:
    with torch.no_grad():
        return float(np.mean([psnr(draw(gaussians, v.camera), v.colours) for v in views]))
