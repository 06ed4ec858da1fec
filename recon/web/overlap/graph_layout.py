"""Where the photos of a pair graph are in its picture: linked ones near each other, groups apart.

Each group is laid out by stress majorisation (Gansner, Koren and North 2004), from a circle, so
that the same photos always give the same picture; then photos that would cover each other are
pushed apart, and the groups are set side by side like words on a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Edge = tuple[str, str]
Points = NDArray[np.float64]  # [N, 2] in the picture's units, y down

WIDTH = 420.0  # of the picture; its height follows
TILE = (56.0, 42.0)  # of a photo
ROOM = (74.0, 66.0)  # between two photos' middles: a tile, its number, some air
MARGIN = 14.0  # around a group
GAP = 16.0  # between groups

_STRESS_ROUNDS = 120
_PUSH_ROUNDS = 200


@dataclass(frozen=True)
class Box:
    """A group's part of the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    places: dict[str, tuple[float, float]]  # the middle of each photo
    boxes: list[Box]  # one a group, in order


def arrange(groups: Sequence[Sequence[str]], strengths: Mapping[Edge, float]) -> Layout:
    """A place for every photo; `strengths` are the linked pairs', the larger the nearer."""
    widest = WIDTH - 2 * MARGIN
    drawn = [_group_points(list(group), strengths, widest) for group in groups]
    sizes = [points.max(axis=0) + MARGIN for points in drawn]
    boxes = _on_a_page([(float(w), float(h)) for w, h in sizes])
    places = {
        name: (float(box.x + x), float(box.y + y))
        for group, points, box in zip(groups, drawn, boxes, strict=True)
        for name, (x, y) in zip(group, points - [TILE[0] / 2, TILE[1] / 2], strict=True)
    }
    height = max((box.y + box.height for box in boxes), default=0.0)
    return Layout(WIDTH, height, places, boxes)


def _group_points(names: list[str], strengths: Mapping[Edge, float], widest: float) -> Points:
    """The group's photos, each by its lower right corner, from `MARGIN` on."""
    points = _stress(_distances(names, strengths))
    points = _lying_down(points) * np.array(ROOM)
    points = _fitted(points, widest - TILE[0])
    points = _pushed_apart(points, widest - TILE[0])
    corners: Points = points - points.min(axis=0) + MARGIN + np.array(TILE)
    return corners


def _distances(names: list[str], strengths: Mapping[Edge, float]) -> Points:
    """How far apart two photos should be: 1 for the strongest link, more for weaker ones, and
    along links where there is none. [N, N]"""
    from scipy.sparse.csgraph import floyd_warshall  # late: most pages need no scipy

    index = {name: i for i, name in enumerate(names)}
    far = np.full((len(names), len(names)), np.inf)
    np.fill_diagonal(far, 0)
    inside = {e: s for e, s in strengths.items() if e[0] in index and e[1] in index}
    strongest = max(inside.values(), default=1.0)
    for (a, b), strength in inside.items():
        i, j = index[a], index[b]
        far[i, j] = far[j, i] = 1 + 0.5 * np.log2(max(strongest, 1.0) / max(strength, 1.0))
    far = floyd_warshall(far)
    return np.where(np.isfinite(far), far, 2.0)


def _stress(far: Points) -> Points:
    """Points [N, 2] whose distances are nearly `far`, by weighted SMACOF."""
    count = len(far)
    if count == 1:
        return np.zeros((1, 2))
    turn = np.arange(count) * 2 * np.pi / count
    # Not quite a circle: its symmetry could keep two photos on one spot.
    points: Points = np.stack([np.cos(turn), 0.9 * np.sin(turn + 0.1)], axis=1) * far.max() / 2
    weights = np.where(far > 0, 1 / np.maximum(far, 1e-9) ** 2, 0.0)
    pull = np.diag(weights.sum(axis=1)) - weights
    solve = np.linalg.pinv(pull)
    for _ in range(_STRESS_ROUNDS):
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        ratio = -weights * far / np.maximum(apart, 1e-9)
        np.fill_diagonal(ratio, 0)
        np.fill_diagonal(ratio, -ratio.sum(axis=1))
        points = solve @ ratio @ points
    return points


def _lying_down(points: Points) -> Points:
    """Turned so that the group is wider than high, its first photo to the left."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned: Points = centred @ axes.T if len(axes) == 2 else centred
    if turned[0, 0] > 0:
        turned[:, 0] *= -1
    if turned[0, 1] > 0:
        turned[:, 1] *= -1
    return turned


def _fitted(points: Points, widest: float) -> Points:
    """Narrowed to the picture where it is too wide, and made higher in return."""
    width, height = np.ptp(points, axis=0)
    if width <= widest:
        return points
    factor = width / widest
    # Something to go upwards with, where all stand in a line.
    waves = np.sin(np.arange(len(points)) * 2.4) * ROOM[1] * 0.25 * (height < ROOM[1])
    rising: Points = np.stack([points[:, 0] / factor, points[:, 1] * min(factor, 2.0) + waves], 1)
    return rising


def _pushed_apart(points: Points, widest: float) -> Points:
    """Every two photos `ROOM` apart in x or in y, as near to where they were as that allows."""
    points = points - points.min(axis=0)
    room = np.array(ROOM)
    i, j = np.triu_indices(len(points), k=1)
    for _ in range(_PUSH_ROUNDS):
        apart = points[j] - points[i]
        missing = room - np.abs(apart)
        close = (missing > 0.5).all(axis=1)
        if not close.any():
            break
        sideways = missing[:, 0] / room[0] < missing[:, 1] / room[1]
        for axis, chosen in ((0, close & sideways), (1, close & ~sideways)):
            sign = np.where(apart[chosen, axis] >= 0, 1.0, -1.0)
            push = sign * missing[chosen, axis] * 0.5
            np.add.at(points[:, axis], j[chosen], push * 0.6)
            np.add.at(points[:, axis], i[chosen], -push * 0.6)
        points[:, 0] = np.clip(points[:, 0], 0, widest)
    return points


def _on_a_page(sizes: Sequence[tuple[float, float]]) -> list[Box]:
    """Boxes of these sizes side by side, row under row, `WIDTH` wide at most; a row's boxes are
    as high as the highest."""
    rows: list[list[tuple[float, float]]] = [[]]
    for width, height in sizes:
        used = sum(w + GAP for w, _ in rows[-1])
        if used and used + width > WIDTH:
            rows.append([])
        rows[-1].append((width, height))
    boxes: list[Box] = []
    y = 0.0
    for row in rows:
        x, highest = 0.0, max((height for _, height in row), default=0.0)
        for width, _ in row:
            boxes.append(Box(round(x, 1), round(y, 1), round(width, 1), round(highest, 1)))
            x += width + GAP
        y += highest + GAP
    return boxes
