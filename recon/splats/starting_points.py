"""What training starts from: points placed and coloured by the train photos, turned into
Gaussians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.scene import PosedPhoto, View, scene_extent, train_tracks
from recon.splats.triangulation import Tracks, point_colours, triangulate

Floats = NDArray[np.float64]

SH_C0 = 0.28209479177387814  # the constant spherical harmonic: RGB = 0.5 + SH_C0 * sh0
MAX_TRIANGULATION_ERROR = 0.005  # of a photo's longest side, mean over a point's observations
MIN_POINTS = 500  # fewer are filled up with guesses
_MOST_SPACING = 20.0  # times the median: a start no larger than this
_GUESSED_DEPTHS = (1.0, 20.0)  # scene extents, where no point is known


@dataclass(frozen=True)
class Points:
    """The starting points of a scene."""

    xyz: Floats  # [M, 3] world units
    rgb: Floats  # [M, 3] between 0 and 1
    normals: Floats | None = None  # [M, 3] unit length, where surfaces are known

    def __len__(self) -> int:
        return len(self.xyz)

    def at_most(self, count: int, seed: int) -> Points:
        """These points, or a random `count` of them where there are more."""
        if len(self) <= count:
            return self
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        normals = None if self.normals is None else self.normals[chosen]
        return Points(self.xyz[chosen], self.rgb[chosen], normals)

    def tensors(self) -> dict[str, torch.Tensor | None]:
        """For a checkpoint, which `points_from` reads."""
        arrays = {"xyz": self.xyz, "rgb": self.rgb, "normals": self.normals}
        return {n: None if a is None else torch.from_numpy(a) for n, a in arrays.items()}


def points_from(tensors: Mapping[str, torch.Tensor | None]) -> Points:
    """The points that `Points.tensors` gave."""
    xyz, rgb, normals = (tensors[name] for name in ("xyz", "rgb", "normals"))
    assert xyz is not None
    assert rgb is not None
    return Points(xyz.numpy(), rgb.numpy(), None if normals is None else normals.numpy())


@dataclass(frozen=True)
class SparsePoints:
    """The SfM points as the train photos alone place them, and who observed them where."""

    tracks: Tracks  # of these points; xys in the pixels of the photos' own cameras
    xyz: Floats  # [M, 3] world units


def sparse_points(train: Sequence[PosedPhoto]) -> SparsePoints:
    """The points that the observations of the `train` photos agree on.

    Those off by 0.5% or more of a photo's longest side in the mean are left out.
    """
    tracks = train_tracks(list(train))
    xyz, errors = triangulate(tracks, [photo.camera for photo in train])
    longest = max(max(photo.camera.width, photo.camera.height) for photo in train)
    good = errors < MAX_TRIANGULATION_ERROR * longest
    good_tracks = good[tracks.points]
    numbers = np.cumsum(good) - 1
    tracks = Tracks(
        numbers[tracks.points[good_tracks]], tracks.views[good_tracks], tracks.xys[good_tracks]
    )
    return SparsePoints(tracks, xyz[good])


def starting_points(
    sparse: SparsePoints, train: Sequence[PosedPhoto], views: Sequence[View], seed: int
) -> Points:
    """The SfM points with the colours that the train photos give them.

    `views` are the pictures of `train`, at any size. Where the photos share too little (three
    photos, the middle one held out), guesses along their rays fill up to MIN_POINTS.
    """
    sizes = np.array([[p.camera.width, p.camera.height] for p in train], float)
    rgb = point_colours(sparse.tracks, [view.image.numpy() for view in views], sizes)
    known = Points(sparse.xyz, rgb)
    if len(known) >= MIN_POINTS:
        return known
    guessed = _guesses(known, views, MIN_POINTS - len(known), seed)
    return Points(
        np.concatenate([known.xyz, guessed.xyz]), np.concatenate([known.rgb, guessed.rgb])
    )


def _guesses(known: Points, views: Sequence[View], count: int, seed: int) -> Points:
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
    points: Points,
    *,
    sh_degree: int,
    initial_opacity: float,
    initial_scale: float,
) -> Gaussians:
    """One Gaussian per point, round, as wide as the mean distance to its three nearest others."""
    count = len(points)
    neighbours = min(4, count)
    search = NearestNeighbors(n_neighbors=neighbours, n_jobs=-1).fit(points.xyz)
    distances, _ = search.kneighbors(points.xyz)
    spacing = np.sqrt((distances[:, 1:] ** 2).mean(1)) if count > 1 else np.ones(1)
    # Points that coincide would start with no size at all, lonely ones as large as a wall.
    middle = np.median(spacing)
    spacing = np.maximum(np.minimum(spacing, _MOST_SPACING * middle), 1e-3 * middle + 1e-7)
    scales = np.log(spacing * initial_scale)[:, None].repeat(3, axis=1)
    quats = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    return Gaussians(
        means=torch.from_numpy(points.xyz).float(),
        quats=torch.from_numpy(quats).float(),
        scales=torch.from_numpy(scales).float(),
        opacities=torch.full((count,), initial_opacity).logit(),
        sh0=torch.from_numpy((points.rgb - 0.5) / SH_C0).float()[:, None],
        shN=torch.zeros(count, (sh_degree + 1) ** 2 - 1, 3),
    )
