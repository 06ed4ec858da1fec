"""The exposure of a photo that training never saw, predicted without a look at it.

A scene has one exposure, its photos have many: phones set it anew for each. A fair raw figure asks
how a photo from there and then would have been exposed, and the other photos know: those taken just
before and after, or those that look the same way. Which of them know best is asked of the train
photos, each predicted from the others. Where none does, the answer is the scene's own exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.exposure import identities
from recon.splats.gaussians import Camera
from recon.splats.scene import PosedPhoto

Floats = NDArray[np.float64]

#: Greys at which two maps are compared.
_GREYS = (0.1, 0.3, 0.5, 0.7)
#: A way to predict is taken if its mean squared error is below this part of what the scene's own
#: exposure would have. Of few photos one is always the best by chance.
_CLEARLY_BETTER = 0.5
#: Fewer photos can't say which way is the best.
_FEWEST = 4


@dataclass(frozen=True)
class Placed:
    """A photo's place in time and space."""

    name: str  # sorts in the order in which the photos were taken or sent
    camera: Camera


#: How much each of the `others` says about a photo's exposure, [V].
_Way = Callable[[Placed, Sequence[Placed]], Floats]


def predict_exposures(
    known: Mapping[str, Tensor], train: Sequence[PosedPhoto], wanted: Sequence[PosedPhoto]
) -> dict[str, Tensor]:
    """The maps [3, 4] of the photos `wanted`, by name, from those of the `train` photos in `known`.

    Empty where no maps are known: the scene's own exposure is every photo's then.
    """
    others = [Placed(photo.name, photo.camera) for photo in train if photo.name in known]
    if not others:
        return {}
    maps = torch.stack([known[other.name].cpu().float() for other in others])
    way = best_way(others, maps)
    [identity] = identities(1, maps.device)
    return {
        photo.name: identity
        if way is None
        else _mean(maps, way(Placed(photo.name, photo.camera), others))
        for photo in wanted
    }


def best_way(photos: Sequence[Placed], maps: Tensor) -> _Way | None:
    """The way that predicts the `maps` [V, 3, 4] of the photos best, each from the others.

    None where none is clearly better than the identity.
    """
    if len(photos) < _FEWEST:
        return None
    [identity] = identities(1, maps.device)
    limit = _CLEARLY_BETTER * float(np.mean([_difference(one, identity) for one in maps]))
    errors = {way: _left_out_error(way, photos, maps) for way in (neighbours_in_time, by_place)}
    best = min(errors, key=lambda way: errors[way])
    return best if errors[best] < limit else None


def neighbours_in_time(photo: Placed, others: Sequence[Placed]) -> Floats:
    """The one before and the one after, alike. `others` are sorted by name."""
    place = sum(other.name < photo.name for other in others)
    weights = np.zeros(len(others))
    weights[max(place - 1, 0) : place + 1] = 1.0
    return weights


def by_place(photo: Placed, others: Sequence[Placed]) -> Floats:
    """The nearer a photo stands and the more alike it looks, the more; three or so count."""
    positions = np.stack([_position(other.camera) for other in others])
    looks = np.stack([_look(other.camera) for other in others])
    spread = np.linalg.norm(positions - positions.mean(0), axis=1).mean()
    apart = np.linalg.norm(positions - _position(photo.camera), axis=1) / max(spread, 1e-9)
    turned = np.arccos(np.clip(looks @ _look(photo.camera), -1, 1))  # radians
    distances = apart + turned
    third = np.sort(distances)[min(2, len(distances) - 1)]
    weights: Floats = np.exp(-2 * (distances / max(float(third), 1e-9)) ** 2)
    return weights


def _left_out_error(way: _Way, photos: Sequence[Placed], maps: Tensor) -> float:
    errors = []
    for index, photo in enumerate(photos):
        others = [number for number in range(len(photos)) if number != index]
        weights = way(photo, [photos[number] for number in others])
        errors.append(_difference(_mean(maps[others], weights), maps[index]))
    return float(np.mean(errors))


def _mean(maps: Tensor, weights: Floats) -> Tensor:
    return torch.einsum("v,vij->ij", torch.from_numpy(weights / weights.sum()).float(), maps)


def _difference(one: Tensor, other: Tensor) -> float:
    """The mean squared difference of what two maps make of some greys."""
    greys = torch.tensor(_GREYS)[:, None].expand(-1, 3)
    change = one - other
    return float((greys @ change[:, :3].T + change[:, 3]).square().mean())


def _position(camera: Camera) -> Floats:
    position: Floats = camera.position.cpu().double().numpy()
    return position


def _look(camera: Camera) -> Floats:
    """The direction that it looks in, a unit vector in the world."""
    look: Floats = camera.viewmat[2, :3].cpu().double().numpy()
    return look
