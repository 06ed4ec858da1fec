"""What training starts from: points that the train photos place and colour, made Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.scene import Posed, View, scene_extent, train_tracks
from recon.splats.triangulation import point_colours, triangulate

Floats = NDArray[np.float64]

SH_C0 = 0.28209479177387814  # the constant spherical harmonic: RGB = 0.5 + SH_C0 * sh0
MAX_TRIANGULATION_ERROR = 0.005  # of a photo's longest side, mean over a point's observations
MIN_POINTS = 500  # fewer are filled up with guesses
_GUESSED_DEPTHS = (1.0, 20.0)  # scene extents, where no point is known


@dataclass(frozen=True)
class Points:
    """The starting points of a scene."""

    xyz: Floats  # [M, 3] world units
    rgb: Floats  # [M, 3] between 0 and 1

    def __len__(self) -> int:
        return len(self.xyz)

    def at_most(self, count: int, seed: int) -> Points:
        """These points, or a random `count` of them where there are more."""
        if len(self) <= count:
            return self
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        return Points(self.xyz[chosen], self.rgb[chosen])


def starting_points(train: list[Posed], views: list[View], seed: int) -> Points:
    """The SfM points as the train photos alone place and colour them.

    `views` are the pictures of `train`, at any size. Points whose train observations do not agree
    within 0.5% of a photo's longest side are left out. Where the train photos share too little
    (three photos, the middle one held out), guesses along their rays fill up to MIN_POINTS.
    """
    tracks = train_tracks(train)
    cameras = [photo.camera for photo in train]
    xyz, errors = triangulate(tracks, cameras)
    sizes = np.array([[c.width, c.height] for c in cameras], float)
    rgb = point_colours(tracks, [view.image.numpy() for view in views], sizes)
    good = errors < MAX_TRIANGULATION_ERROR * sizes.max()
    known = Points(xyz[good], rgb[good])
    if len(known) >= MIN_POINTS:
        return known
    guessed = _guesses(known, views, MIN_POINTS - len(known), seed)
    return Points(
        np.concatenate([known.xyz, guessed.xyz]), np.concatenate([known.rgb, guessed.rgb])
    )


def _guesses(known: Points, views: list[View], count: int, seed: int) -> Points:
    """Points behind random pixels of `views`, as deep as the known points are (even in 1/z)."""
    rng = np.random.default_rng(seed)
    near, far = _depth_range(known, [view.camera for view in views])
    xyz, rgb = np.empty((count, 3)), np.empty((count, 3))
    for index in range(count):
        view = views[index % len(views)]
        viewmat, K = view.camera.viewmat.double().numpy(), view.camera.K.double().numpy()
        column, row = rng.uniform((0, 0), (view.camera.width, view.camera.height))
        depth = 1 / rng.uniform(1 / far, 1 / near)
        seen = depth * (np.linalg.inv(K) @ (column, row, 1.0))
        xyz[index] = viewmat[:3, :3].T @ (seen - viewmat[:3, 3])
        rgb[index] = view.image[int(row), int(column)].numpy() / 255
    return Points(xyz, rgb)


def _depth_range(known: Points, cameras: list[Camera]) -> tuple[float, float]:
    """The nearest and the farthest twentieth of the known points, in world units."""
    forward = np.stack([camera.viewmat[2].double().numpy() for camera in cameras])  # [V, 4]
    depths = known.xyz @ forward[:, :3].T + forward[:, 3]
    if not (depths > 0).any():
        near, far = (extents * scene_extent(cameras) for extents in _GUESSED_DEPTHS)
        return near, far
    near, far = np.quantile(depths[depths > 0], [0.05, 0.95])
    return float(near), float(far)


def gaussians_from_points(
    points: Points, *, sh_degree: int, initial_opacity: float, initial_scale: float
) -> Gaussians:
    """One round Gaussian per point, as wide as the mean distance to its three nearest others."""
    count = len(points)
    neighbours = min(4, count)
    distances, _ = NearestNeighbors(n_neighbors=neighbours).fit(points.xyz).kneighbors(points.xyz)
    spacing = np.sqrt((distances[:, 1:] ** 2).mean(1)) if count > 1 else np.ones(1)
    # Points that coincide would start with no size at all.
    spacing = np.maximum(spacing, 1e-3 * np.median(spacing) + 1e-7)
    scales = torch.from_numpy(np.log(spacing * initial_scale)).float()
    quats = torch.zeros(count, 4)
    quats[:, 0] = 1
    return Gaussians(
        means=torch.from_numpy(points.xyz).float(),
        quats=quats,
        scales=scales[:, None].repeat(1, 3),
        opacities=torch.full((count,), initial_opacity).logit(),
        sh0=torch.from_numpy((points.rgb - 0.5) / SH_C0).float()[:, None],
        shN=torch.zeros(count, (sh_degree + 1) ** 2 - 1, 3),
    )
