"""A smooth camera path through the photographed views, for the turntable video.

The photos are visited on the shortest path that a nearest-neighbour search and 2-opt find (Croes
1958), round if its end is near its beginning, otherwise there and back. Positions, what they look
at and their up axes are then averaged over a twentieth of the video's time (a Gaussian window that
wraps around): the path goes near the photos and not through each, which takes out the jerks of a
hand-held camera, and its end runs into its beginning. It is the idea of
static/viewer/camera/path.js, where a flight has minutes and so can pass through every photo.

Frames and axes are those of `recon.splats.gaussians`: camera-from-world poses, camera axes x right,
y down, z forward, world units of the SfM model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from recon.splats.gaussians import Camera

Floats = NDArray[np.float64]

_LOOP = 1.8  # median steps: how near its beginning a way must end to be a round
_WINDOW = 0.05  # of the video's time: standard deviation of the average
_NEAREST = 1 / 3  # of the distance to the focus: no view looks at anything nearer


def turntable(cameras: Sequence[Camera], focus: Floats, lens: Camera, count: int) -> list[Camera]:
    """`count` cameras, evenly spaced in time; after the last comes the first again.

    `cameras` are the photos' (at least one), `focus` [3] is the point of the world that they look
    at, about. Each has the focal length and the picture's size of `lens`, with its principal point
    in the middle, and no roll that the photos don't have.
    """
    views = _views(cameras, focus)
    path = _path(views, count)
    return [_look_at(position, target, up, lens) for position, target, up in path]


def shortest_way(costs: Floats) -> list[int]:
    """An order to visit all places in, short by `costs` [V, V], which are symmetric."""
    ways = [_straighten(_nearest_first(first, costs), costs) for first in range(len(costs))]
    return min(ways, key=lambda way: round(_length(way, costs), 9))


def _views(cameras: Sequence[Camera], focus: Floats) -> Floats:
    """[V, 3, 3]: of each camera its position, the point on its axis beside the focus, its up."""
    found = []
    for camera in cameras:
        viewmat = camera.viewmat.double().cpu().numpy()
        down, forward = viewmat[1, :3], viewmat[2, :3]
        position = -viewmat[:3, :3].T @ viewmat[:3, 3]
        away = focus - position
        depth = max(float(away @ forward), float(np.linalg.norm(away)) * _NEAREST) or 1.0
        found.append((position, position + depth * forward, -down))
    return np.array(found)


def _path(views: Floats, count: int) -> Floats:
    """[count, 3, 3]: the same three of every frame."""
    costs = _costs(views)
    way = shortest_way(costs)
    closed = _is_round(way, costs)
    stops = views[[*way, way[0]] if closed else way]
    moved = np.linalg.norm(np.diff(stops[:, :2], axis=0), axis=2).sum(axis=1)  # places and aims
    share = np.concatenate([[0.0], np.cumsum(moved)]) / (moved.sum() or 1.0)
    turn = np.arange(count) / count
    # There and back slows down at both ends.
    at = turn if closed else (1 - np.cos(2 * np.pi * turn)) / 2
    flat = stops.reshape(len(stops), 9)
    frames = np.stack([np.interp(at, share, column) for column in flat.T], axis=1)
    return _average(frames).reshape(count, 3, 3)


def _average(frames: Floats) -> Floats:
    """[F, C]: each frame the mean of those around it in time, which goes round."""
    count = len(frames)
    index = np.arange(count)
    apart = np.minimum(index, count - index) / (_WINDOW * count)
    weights = np.exp(-(apart**2) / 2)
    # A circular convolution.
    spectrum = np.fft.rfft(frames, axis=0) * np.fft.rfft(weights / weights.sum())[:, None]
    return np.fft.irfft(spectrum, n=count, axis=0)


def _look_at(position: Floats, target: Floats, up: Floats, lens: Camera) -> Camera:
    """The camera of one frame."""
    forward = _unit(target - position)
    right = _unit(np.cross(forward, up))
    rotation = np.stack([right, np.cross(forward, right), forward])
    viewmat = torch.eye(4)
    viewmat[:3, :3] = torch.from_numpy(rotation)
    viewmat[:3, 3] = torch.from_numpy(-rotation @ position)
    K = lens.K.cpu().clone()
    K[0, 2], K[1, 2] = lens.width / 2, lens.height / 2
    return replace(lens, viewmat=viewmat, K=K)


def _unit(vector: Floats) -> Floats:
    return vector / (np.linalg.norm(vector) or 1.0)


def _costs(views: Floats) -> Floats:
    """Moving counts, and so does turning: a half turn as much as twice the mean distance."""
    positions, targets = views[:, 0], views[:, 1]
    forwards = targets - positions
    forwards /= np.linalg.norm(forwards, axis=1, keepdims=True)
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    turned = np.linalg.norm(forwards[:, None] - forwards, axis=2)
    return apart / (apart.mean() or 1.0) + turned


def _is_round(way: list[int], costs: Floats) -> bool:
    if len(way) < 4:
        return False
    steps = [costs[a, b] for a, b in pairwise(way)]
    return bool(costs[way[-1], way[0]] <= _LOOP * np.median(steps))


def _nearest_first(first: int, costs: Floats) -> list[int]:
    way, left = [first], set(range(len(costs))) - {first}
    while left:
        here = costs[way[-1]]
        way.append(min(left, key=lambda place: (here[place], place)))
        left.remove(way[-1])
    return way


def _straighten(way: list[int], costs: Floats) -> list[int]:
    """2-opt: reverses stretches for as long as that helps."""
    better = True
    while better:
        better = False
        for i in range(len(way) - 1):
            for j in range(i + 1, len(way)):
                turned = way[:i] + way[i : j + 1][::-1] + way[j + 1 :]
                if _length(turned, costs) < _length(way, costs) - 1e-9:
                    way, better = turned, True
    return way


def _length(way: list[int], costs: Floats) -> float:
    return float(costs[way[:-1], way[1:]].sum())
