"""Copies of one photo, recognised by their pixels: saved again, smaller, brighter, turned.

A copy shows the same from the same place: there is no parallax in it, so it adds nothing to a
model, and a photo held out to be measured on is no test where its copy was trained on. So small
pictures are laid over each other: every part that shows anything must be alike and in place to a
fraction of a pixel. A photo taken by hand a moment later is not a copy (`viewpoints` handles
those), nor is one in which most but not all things stand still (`standing_still`).
docs/develop/poses.md has the figures behind the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.picture_size import fitted_size
from recon.poses import connections

LONGEST = 320  # px, of the small pictures
#: A copy may be cut or rounded to this part of another shape.
_SAME_SHAPE = 0.02
_COARSE = 24  # px, each side of the picture that a first look is taken at
_COARSELY_ALIKE = 0.8  # correlation; copies have more, most photos of one place have less
_BLOCK = 20  # px, sides of the parts that must be alike
_TEXTURED = 4.0  # grey levels, standard deviation from which on a part shows anything
_ALIKE = 0.7  # correlation of two parts that show the same
_IN_PLACE = 0.7  # px that a part may have moved
_MOVED = 0.25  # px that all parts may have moved, root mean square
_MOST = 0.98  # of the parts
_FEWEST = 6  # parts; with fewer, copies can't be recognised
_DARKEST, _BRIGHTEST = 3, 250  # grey levels beyond which a part of a brighter copy is lost
_LOST = 0.1  # of a part's pixels
_LEFT = 0.5  # of the parts must not be lost

Small = NDArray[np.uint8]  # [h, w] grey levels
_Array = NDArray[np.float64]


def small(image: Image.Image) -> Small:
    """The small grey picture of the upright photo `image` by which copies are recognised."""
    size = fitted_size(*image.size, LONGEST)
    grey = image.convert("L").resize(size, Image.Resampling.BILINEAR)
    return np.asarray(grey)


def groups(pictures: Mapping[str, Small]) -> list[list[str]]:
    """The photos that are copies of each other, by name, two or more a group; in the order given.

    `pictures` are the photos' small pictures.
    """
    coarse = {name: _coarse(picture) for name, picture in pictures.items()}
    same = [
        (a, b)
        for a, b in combinations(pictures, 2)
        if any(
            _one_of_the_other(pictures[a], np.asarray(turned(pictures[b])))
            for turned in _TURNS
            if float((coarse[a] * turned(coarse[b])).sum()) >= _COARSELY_ALIKE
        )
    ]
    return [
        group for group in connections.connected_components(list(pictures), same) if len(group) > 1
    ]


#: What lost metadata and mirrored selfies do to a copy.
_TURNS = [
    lambda picture, quarter=quarter, mirrored=mirrored: np.rot90(
        picture[:, ::-1] if mirrored else picture, quarter
    )
    for mirrored in (False, True)
    for quarter in range(4)
]


def _coarse(picture: Small) -> _Array:
    """[_COARSE, _COARSE] of mean zero and length one, whatever the photo's shape."""
    sides = (_COARSE, _COARSE)
    tiny = np.asarray(Image.fromarray(picture).resize(sides, Image.Resampling.BILINEAR), float)
    tiny -= tiny.mean()
    return tiny / max(float(np.linalg.norm(tiny)), 1e-6)


def _one_of_the_other(a: Small, b: Small) -> bool:
    """Whether `a` and `b` show the same, part by part, in the same place."""
    if abs(a.shape[1] * b.shape[0] / (a.shape[0] * b.shape[1]) - 1) > _SAME_SHAPE:
        return False
    if a.size > b.size:
        a, b = b, a
    height, width = a.shape
    other = Image.fromarray(b).resize((width, height), Image.Resampling.BILINEAR)
    here, there = _blocks(_soften(a)), _blocks(_soften(np.asarray(other)))
    textured = (_spread(here) >= _TEXTURED) | (_spread(there) >= _TEXTURED)
    told = textured & ~_lost(here) & ~_lost(there)
    if told.sum() < max(_FEWEST, _LEFT * textured.sum()):
        return False
    here, there = _normalise(here[told]), _normalise(there[told])
    alike = (here * there).mean(axis=(1, 2)) >= _ALIKE
    if alike.mean() < _MOST:
        return False
    moved = _displacements(here, there)
    return bool(
        (alike & (moved <= _IN_PLACE)).mean() >= _MOST
        and np.sqrt((np.minimum(moved, 1.0) ** 2).mean()) <= _MOVED
    )


def _soften(picture: Small) -> _Array:
    """`picture` without the finest detail, which compression and another size change."""
    soft: _Array = np.pad(picture.astype(float), 1, "edge")
    soft = (soft[:-2] + 2 * soft[1:-1] + soft[2:]) / 4
    return (soft[:, :-2] + 2 * soft[:, 1:-1] + soft[:, 2:]) / 4


def _blocks(picture: _Array) -> _Array:
    """[B, _BLOCK, _BLOCK]: the picture in parts, without what is left at its right and bottom."""
    rows, columns = (max(side // _BLOCK, 1) for side in picture.shape)
    if min(picture.shape) < _BLOCK:
        return np.zeros((0, _BLOCK, _BLOCK))
    whole = picture[: rows * _BLOCK, : columns * _BLOCK]
    parts = whole.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return parts.reshape(-1, _BLOCK, _BLOCK)


def _lost(blocks: _Array) -> NDArray[np.bool_]:
    lost = ((blocks <= _DARKEST) | (blocks >= _BRIGHTEST)).mean(axis=(1, 2)) > _LOST
    return np.asarray(lost, bool)


def _spread(blocks: _Array) -> _Array:
    spread: _Array = blocks.std(axis=(1, 2))
    return spread


def _normalise(blocks: _Array) -> _Array:
    """Each block with mean zero and deviation one, so that light and contrast don't count."""
    centred = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    levelled: _Array = centred / np.maximum(_spread(blocks), 1e-6)[:, None, None]
    return levelled


def _displacements(here: _Array, there: _Array) -> _Array:
    """How far each block has moved, [B] px, where that is a fraction of a pixel (Lucas and Kanade
    1981). A block with edges in one direction only is asked for its movement across them."""
    y, x = np.gradient((here + there) / 2, axis=(1, 2))
    change = here - there
    xx, xy, yy = ((p * q).sum(axis=(1, 2)) for p, q in ((x, x), (x, y), (y, y)))
    matrices = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
    pulls = np.stack([(x * change).sum(axis=(1, 2)), (y * change).sum(axis=(1, 2))], -1)
    moves = np.linalg.pinv(matrices, rcond=0.05, hermitian=True) @ pulls[..., None]
    moved: _Array = np.linalg.norm(moves[..., 0], axis=-1)
    return moved
