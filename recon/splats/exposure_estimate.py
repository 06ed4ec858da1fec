"""Each photo's exposure before training: from the points that several photos show.

Phones expose and white-balance each photo anew, and photos from the internet have cameras of their
own. A point has one colour: what differs between the photos that see it is their exposure. sRGB's
curve is nearly a power, so a factor of light is nearly a factor of the stored values, and robust
means over hundreds of points leave out shine, shadow and people who walked by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from torch import Tensor

from recon.splats.scene import View
from recon.splats.starting_points import SparsePoints
from recon.splats.triangulation import pixels_of

Floats = NDArray[np.float64]

_BLACK, _WHITE = 0.04, 0.96  # outside, a photo's values say nothing about its exposure
_PATCH = 0.002  # of the longest side: half the side of the square whose mean is a point's colour
_ROUNDS = 30  # of going to and fro between points' colours and photos' gains
_SPREAD = 0.1  # log of a factor: what differs by more is shine, shadow or something else
_PRIOR = 5.0  # observations' worth of belief that a photo is exposed as the others are
_MOST = 1.5  # log of the largest gain believed
#: Standard deviation of the log gains below which photos are exposed alike: what is left then is
#: light and shine that change with the place (`fern`: 0.9%, and 0.2 dB worse with the gains).
_ALIKE = 0.02


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
    each = [_gains(logs[used, channel], points, photos, len(views)) for channel in range(3)]
    gains = np.stack(each, axis=1)
    if gains.std(axis=0).max() < _ALIKE:
        return maps
    gains = np.clip(gains - np.median(gains, axis=0), -_MOST, _MOST)
    return torch.diag_embed(torch.from_numpy(np.exp(gains)).float()) @ maps


def _log_colours(
    sparse: SparsePoints, views: Sequence[View], sizes: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """The log of each observation's colour [T, 3], and which of them count [T]."""
    tracks = sparse.tracks
    logs = np.zeros((len(tracks.points), 3))
    used = np.zeros(len(tracks.points), bool)
    for number, view in enumerate(views):
        here = np.flatnonzero(tracks.views == number)
        image = view.image.cpu().numpy() / 255
        side = 2 * max(round(_PATCH * max(image.shape)), 1) + 1
        rows, columns = pixels_of(tracks.xys[here], image, sizes[number])
        colours = uniform_filter(image, (side, side, 1), mode="nearest")[rows, columns]
        used[here] = ((colours > _BLACK) & (colours < _WHITE)).all(axis=1)
        logs[here] = np.log(np.clip(colours, 1e-3, 1))
    return logs, used


def _gains(
    logs: Floats, points: NDArray[np.int64], photos: NDArray[np.int64], count: int
) -> Floats:
    """Log gains [count] with which the photos agree best on the points' colours.

    `logs` [T] are observations of `points` in `photos`. Least squares, with Huber's
    weights first, then with some that fall faster.
    """
    gains = np.zeros(count)
    weights = np.ones(len(logs))
    most = int(points.max()) + 1
    for number in range(_ROUNDS):
        seen = np.bincount(points, weights, most)
        colours = np.bincount(points, weights * (logs - gains[photos]), most) / (seen + 1e-9)
        pull = np.bincount(photos, weights * (logs - colours[points]), count)
        gains = pull / (np.bincount(photos, weights, count) + _PRIOR)
        misfit = np.abs(logs - colours[points] - gains[photos])
        weights = _SPREAD / np.maximum(misfit, _SPREAD)
        if number > _ROUNDS // 2:  # near enough: what is far off now has another cause
            weights = weights**4
    return gains
