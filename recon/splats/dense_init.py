"""Dense starting points from the train photos' depth maps.

Few photos have few SfM points, and what training puts between them fits these photos and no others.
Stereo knows better: on few views a dense start is worth more than any regulariser (Binocular3DGS,
Han et al. 2024, ablation). Nothing of a held-out photo enters here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recon.picture_size import fitted_size
from recon.reporting import Progress, silent
from recon.splats.config import DenseConfig
from recon.splats.depth_maps import Photo, depth_maps, pixel_rays
from recon.splats.gaussians import Camera
from recon.splats.scene import View
from recon.splats.starting_points import Points, SparsePoints

Floats = NDArray[np.float64]

_BEST_ANGLE = 8.0  # degrees between two photos' rays: parallax enough, and still alike
_NARROW, _WIDE = 3.0, 10.0  # degrees, how fast an angle loses worth below and above the best
_RANGE = (0.02, 0.98)  # quantiles of the inverse depths of a photo's SfM points
_NEARER = 1.3  # the range swept begins this much nearer
_MIN_SEEN = 5  # SfM points that tell a photo's range of depths
_LUMA = (0.299, 0.587, 0.114)  # grey from RGB (ITU-R BT.601)


def dense_points(
    views: Sequence[View],
    sparse: SparsePoints,
    config: DenseConfig,
    *,
    budget: int,
    device: torch.device,
    seed: int,
    report: Progress = silent,
) -> tuple[Points | None, dict[str, Tensor]]:
    """At most `budget` points of the `views`' surfaces, and the depth maps by photo name.

    `views` are the train photos, at any size, and `sparse` their SfM points as they alone place
    them, which choose neighbours and ranges of depth. The maps are [H, W] camera-space z in world
    units, 0 where nothing is known, on `device`, at `config.max_image_size`. No points (None)
    come where stereo found too little to start from.
    """
    photos = stereo_photos(views, sparse, config, device)
    maps = depth_maps(photos, config, report)
    by_name = {photo.name: depth for photo, depth in zip(photos, maps, strict=True)}
    known = sum(int((depth > 0).sum()) for depth in maps)
    pixels = sum(depth.numel() for depth in maps)
    if known <= config.min_coverage * pixels:
        return None, by_name
    share = min(budget / known, 1.0)
    generator = torch.Generator().manual_seed(seed)
    parts = [
        _points(photo, depth, share, generator) for photo, depth in zip(photos, maps, strict=True)
    ]
    columns = [torch.cat(column).cpu().double().numpy() for column in zip(*parts, strict=True)]
    return Points(*columns), by_name


def stereo_photos(
    views: Sequence[View], sparse: SparsePoints, config: DenseConfig, device: torch.device
) -> list[Photo]:
    """The views whose SfM points say enough, each with its range of depths and its neighbours."""
    worth = shared_worth(sparse, [view.camera for view in views])
    depths = [_seen_depths(sparse, index, view.camera) for index, view in enumerate(views)]
    usable = [
        index
        for index in range(len(views))
        if len(depths[index]) >= _MIN_SEEN and worth[index].max(initial=0) > 0
    ]
    place = {index: number for number, index in enumerate(usable)}
    photos = []
    for index in usable:
        order = [int(other) for other in np.argsort(-worth[index], kind="stable")]
        best = [place[other] for other in order if other in place and worth[index, other] > 0]
        farthest, nearest = np.quantile(1 / depths[index], _RANGE)
        # SfM points are few in the background, and what is not swept is found too near.
        limits = float(nearest * _NEARER), float(farthest / config.beyond)
        photos.append(
            _photo(views[index], limits, tuple(best[: config.neighbours]), config, device)
        )
    return photos


def shared_worth(sparse: SparsePoints, cameras: Sequence[Camera]) -> Floats:
    """How much each photo tells about the depths in another, [V, V].

    Every shared point counts, the more the nearer the angle between its two rays is to a good one
    for stereo (the view selection of MVSNet, Yao et al. 2018).
    """
    count = len(cameras)
    positions = np.stack([camera.position.double().numpy() for camera in cameras])
    sees = np.zeros((count, len(sparse.xyz)), bool)
    sees[sparse.tracks.views, sparse.tracks.points] = True
    worth = np.zeros((count, count))
    for a in range(count):
        for b in range(a):
            points = sparse.xyz[sees[a] & sees[b]]
            angles = _angles(points - positions[a], points - positions[b])
            spread = np.where(angles < _BEST_ANGLE, _NARROW, _WIDE)
            worth[a, b] = np.exp(-((angles - _BEST_ANGLE) ** 2) / (2 * spread**2)).sum()
            worth[b, a] = worth[a, b]
    return worth


def _angles(first: Floats, second: Floats) -> Floats:
    """Degrees [N] between vectors [N, 3]."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines = (first * second).sum(1) / np.maximum(lengths, 1e-12)
    angles: Floats = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return angles


def _seen_depths(sparse: SparsePoints, index: int, camera: Camera) -> Floats:
    """Depths of the points that photo `index` observes, in front of it."""
    forward = camera.viewmat[2].double().numpy()
    points = sparse.xyz[sparse.tracks.points[sparse.tracks.views == index]]
    depths: Floats = points @ forward[:3] + forward[3]
    return depths[depths > 0]


def _photo(
    view: View,
    limits: tuple[float, float],
    neighbours: tuple[int, ...],
    config: DenseConfig,
    device: torch.device,
) -> Photo:
    width, height = fitted_size(view.camera.width, view.camera.height, config.max_image_size)
    colours = view.image.to(device).permute(2, 0, 1).float() / 255
    colours = functional.interpolate(colours[None], (height, width), mode="area")[0]
    grey = torch.einsum("chw,c->hw", colours, torch.tensor(_LUMA, device=device))
    camera = view.camera.resized(width, height).to(device)
    nearest, farthest = limits
    return Photo(view.name, camera, colours, grey, nearest, farthest, neighbours)


def _points(
    photo: Photo, depth: Tensor, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """A random `share` of a photo's known pixels as points: places, colours and normals [M, 3]."""
    known = depth > 0
    chosen = torch.rand(known.shape, generator=generator).to(known.device) < share
    rows, columns = (known & chosen).nonzero(as_tuple=True)
    rays = pixel_rays(photo.camera)
    turn, shift = photo.camera.viewmat[:3, :3], photo.camera.viewmat[:3, 3]
    seen = (rays * depth)[:, rows, columns].T
    normals = surface_normals(rays, depth)[:, rows, columns].T
    # A row vector times camera-from-world's rotation is world-from-camera's times the column.
    return (seen - shift) @ turn, photo.colours[:, rows, columns].T, normals @ turn


def surface_normals(rays: Tensor, depth: Tensor) -> Tensor:
    """Unit normals [3, H, W] of a depth map [H, W], towards the camera, in its axes.

    Across an edge of the surface or of what is known, the normal is the direction to the camera.
    """
    seen = functional.pad((rays * depth)[None], (1, 1, 1, 1), mode="replicate")[0]
    known = functional.pad((depth > 0)[None, None].float(), (1, 1, 1, 1))[0, 0] > 0
    right = seen[:, 1:-1, 2:] - seen[:, 1:-1, :-2]
    down = seen[:, 2:, 1:-1] - seen[:, :-2, 1:-1]
    whole = known[1:-1, 2:] & known[1:-1, :-2] & known[2:, 1:-1] & known[:-2, 1:-1]
    normals = torch.where(whole, torch.linalg.cross(down, right, dim=0), -rays)
    normals = torch.where((normals * rays).sum(0) > 0, -normals, normals)
    return functional.normalize(normals, dim=0)
