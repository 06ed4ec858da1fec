"""Exposures known before training: from points that several photos show, and from other photos.

Phones expose and white-balance each photo anew, and photos from the internet have cameras of their
own. A point has one colour; what differs between the photos that see it is their exposure. sRGB's
curve is nearly a power, so that a factor of light is nearly a factor of the stored values.

A held-out photo's exposure must be predicted without a look at it, as that of a place that nobody
photographed must: from the photos taken just before and after, or from where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.gaussians import Camera
from recon.splats.scene import View
from recon.splats.starting_points import SparsePoints

Floats = NDArray[np.float64]

_BLACK, _WHITE = 0.04, 0.96  # outside, a photo's values say nothing about its exposure
_PATCH = 0.002  # of the longest side: half the side of the square whose mean is a point's colour
_ROUNDS = 30  # of alternating between points' colours and photos' gains
_HUBER = 0.15  # log of a factor: what differs by more is shine, shadow or something else
_PRIOR = 20.0  # observations' worth of belief that a photo is exposed as the others are
_MOST = 1.5  # log of the largest gain believed
_SAMPLES = (0.1, 0.3, 0.5, 0.7)  # grey values at which two maps are compared
_CLEARLY = 0.9  # a way to predict is used where its squared error is below this part


def estimate_exposures(sparse: SparsePoints, views: Sequence[View], sizes: Floats) -> Tensor:
    """Each view's map [V, 3, 4] from the scene's colours to its own: a gain for every channel.

    `sizes` [V, 2] are the photos' (width, height) in the pixels of the tracks. The typical photo
    (the median in each channel) has the identity.
    """
    logs, used = _log_colours(sparse, views, sizes)
    maps = torch.eye(3, 4).repeat(len(views), 1, 1)
    if not used.any():
        return maps
    points, photos = sparse.tracks.points[used], sparse.tracks.views[used]
    for channel in range(3):
        gains = _gains(logs[used, channel], points, photos, len(views))
        gains = np.clip(gains - np.median(gains), -_MOST, _MOST)
        maps[:, channel, channel] = torch.from_numpy(np.exp(gains)).float()
    return maps


def _log_colours(
    sparse: SparsePoints, views: Sequence[View], sizes: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """The log of each observation's colour [T, 3], and which of them count [T]."""
    tracks = sparse.tracks
    logs = np.zeros((len(tracks.points), 3))
    used = np.zeros(len(tracks.points), bool)
    for number, view in enumerate(views):
        here = np.flatnonzero(tracks.views == number)
        height, width = view.image.shape[:2]
        reach = max(round(_PATCH * max(width, height)), 1)
        mean = _box_mean(view.image.cpu().numpy().astype(np.float64) / 255, reach)
        columns, rows = (tracks.xys[here] * np.array([width, height]) / sizes[number]).T
        inside_x = np.clip(columns.astype(int), 0, width - 1)
        inside_y = np.clip(rows.astype(int), 0, height - 1)
        colours = mean[inside_y, inside_x]
        used[here] = ((colours > _BLACK) & (colours < _WHITE)).all(axis=1)
        logs[here] = np.log(np.clip(colours, 1e-3, 1))
    return logs, used


def _box_mean(image: Floats, reach: int) -> Floats:
    """The mean of the square of 2 `reach` + 1 px around each pixel; at the border of what is there."""
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.pad(padded, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    side = 2 * reach + 1
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    mean: Floats = sums / side**2
    return mean


def _gains(logs: Floats, points: NDArray[np.int64], photos: NDArray[np.int64], count: int) -> Floats:
    """Log gains [count] that make the photos agree on the points' colours, in robust least squares."""
    gains = np.zeros(count)
    weights = np.ones(len(logs))
    many = int(points.max()) + 1
    for _ in range(_ROUNDS):
        total = np.bincount(points, weights, many)
        colours = np.bincount(points, weights * (logs - gains[photos]), many) / np.maximum(total, 1e-9)
        pull = np.bincount(photos, weights * (logs - colours[points]), count)
        gains = pull / (np.bincount(photos, weights, count) + _PRIOR)
        misfit = np.abs(logs - colours[points] - gains[photos])
        weights = np.minimum(1.0, _HUBER / np.maximum(misfit, 1e-9))
    return gains


# A way to predict: the weights [V] of the train photos' maps for one camera at one place in the
# order of the names; nothing where it has no word.
_Way = Callable[[str, Camera, Sequence[str], Sequence[Camera]], Floats]


def predict_exposures(
    maps: Mapping[str, Tensor], cameras: Mapping[str, Camera], wanted: Mapping[str, Camera]
) -> dict[str, Tensor]:
    """The maps [3, 4] of the photos `wanted`, from those of the train photos in `maps`.

    Names sort in the order in which the photos were taken or sent. The way to predict is the one
    that predicts the train photos best, each from the others.
    """
    names = sorted(maps)
    known = torch.stack([maps[name].cpu().float() for name in names])
    places = [cameras[name] for name in names]
    way = _best_way(names, places, known)
    predicted = {}
    for name, camera in wanted.items():
        weights = torch.from_numpy(way(name, camera, names, places)).float()
        predicted[name] = torch.einsum("v,vij->ij", weights / weights.sum(), known)
    return predicted


def _best_way(names: list[str], places: list[Camera], known: Tensor) -> _Way:
    """The way whose predictions of each train photo from the others are nearest to its map."""
    if len(names) < 4:
        return _typical
    errors = {way: _left_out_error(way, names, places, known) for way in (_typical, _in_order, _nearby)}
    best = min(errors, key=lambda way: errors[way])
    return best if errors[best] < _CLEARLY * errors[_typical] else _typical


def _left_out_error(way: _Way, names: list[str], places: list[Camera], known: Tensor) -> float:
    total = 0.0
    for index, name in enumerate(names):
        others = [i for i in range(len(names)) if i != index]
        weights = torch.from_numpy(
            way(name, places[index], [names[i] for i in others], [places[i] for i in others])
        ).float()
        predicted = torch.einsum("v,vij->ij", weights / weights.sum(), known[others])
        total += float((_shades(predicted) - _shades(known[index])).square().mean())
    return total / len(names)


def _shades(exposure: Tensor) -> Tensor:
    """What becomes of some greys, [S, 3]."""
    grey = torch.tensor(_SAMPLES)[:, None].expand(-1, 3)
    return grey @ exposure[:, :3].T + exposure[:, 3]


def _typical(name: str, camera: Camera, names: Sequence[str], places: Sequence[Camera]) -> Floats:
    """All alike."""
    return np.ones(len(names))


def _in_order(name: str, camera: Camera, names: Sequence[str], places: Sequence[Camera]) -> Floats:
    """The photo before and the one after, alike."""
    weights = np.zeros(len(names))
    before = sum(other < name for other in names)
    for index in (before - 1, before):
        if 0 <= index < len(names):
            weights[index] = 1.0
    return weights


def _nearby(name: str, camera: Camera, names: Sequence[str], places: Sequence[Camera]) -> Floats:
    """By how near the others stand, and how alike they look."""
    positions = np.stack([place.position.cpu().double().numpy() for place in places])
    here = camera.position.cpu().double().numpy()
    looks = np.stack([place.viewmat[2, :3].cpu().double().numpy() for place in places])
    angle = np.arccos(np.clip(looks @ camera.viewmat[2, :3].cpu().double().numpy(), -1, 1))
    far = np.linalg.norm(positions - here, axis=1)
    spread = max(float(np.linalg.norm(positions - positions.mean(0), axis=1).mean()), 1e-9)
    distance = far / spread + angle
    nearest = np.sort(distance)[min(2, len(distance) - 1)]
    weights: Floats = np.exp(-((distance / max(float(nearest), 1e-9)) ** 2) * 2)
    return weights
