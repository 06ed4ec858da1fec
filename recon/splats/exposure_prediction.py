"""The exposure of a photo that training never saw, predicted without a look at it.

A scene has one exposure, its photos have many: phones set it anew for each. A fair raw figure asks
how a photo from there and then would have been exposed, and two things know: the camera itself,
which wrote into the file how much light it let in, and the other photos, those taken just before
and after, or those that look the same way. Which of them know best is asked of the train photos,
each predicted from the others. Where none does, the answer is the scene's own exposure.
"""

from __future__ import annotations

import math
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
#: exposure would have. Of few photos one is always the best by chance: where exposures have no
#: rhyme at all, the best way is 4% further off than none (docs/measurements/exposures.md).
_CLEARLY_BETTER = 0.8
#: Fewer photos can't say which way is the best.
_FEWEST = 4
#: How a picture's values follow the light, as a power: sRGB's curve is nearly this one.
_CURVE = 1 / 2.2
#: Each camera has a curve of its own, so it is fitted to the train photos, where sRGB's weighs as
#: much as so much evidence: a sum of squared logs of the light.
_BELIEF = 0.05


@dataclass(frozen=True)
class Placed:
    """A photo's place in time and space, and what its camera let in."""

    name: str  # sorts in the order in which the photos were taken or sent
    camera: Camera
    ev100: float | None = None  # exposure value; one more is half the light


#: How much each of the `others` says about a photo's exposure, [V].
_Weights = Callable[[Placed, Sequence[Placed]], Floats]


@dataclass(frozen=True)
class Way:
    """A way to predict a photo's map: the mean of the others' maps by these weights, each brought
    to the photo's own light first where that is used."""

    name: str
    weights: _Weights
    uses_light: bool

    def predict(self, photo: Placed, others: Sequence[Placed], maps: Tensor) -> Tensor:
        """The map [3, 4] of `photo` from the `maps` [V, 3, 4] of the `others`."""
        weights = self._shares(photo, others)
        if self.uses_light:
            more = _light([photo])[0] - _light(others)
            maps = (
                maps
                * torch.from_numpy(np.exp(self._curve(others, maps) * more)).float()[:, None, None]
            )
        return torch.einsum("v,vij->ij", torch.from_numpy(weights).float(), maps)

    def _shares(self, photo: Placed, others: Sequence[Placed]) -> Floats:
        weights = self.weights(photo, others)
        return weights / weights.sum()

    def _curve(self, photos: Sequence[Placed], maps: Tensor) -> float:
        """The power with which pictures follow the light: by how much more of it each of the
        `photos` has than those that this way compares it with, and how much brighter it is."""
        light, seen = _light(photos), _brightness(maps)
        more, brighter = [], []
        for index, photo in enumerate(photos):
            rest = [number for number in range(len(photos)) if number != index]
            shares = self._shares(photo, [photos[number] for number in rest])
            more.append(light[index] - shares @ light[rest])
            brighter.append(seen[index] - shares @ seen[rest])
        evidence = np.dot(more, more)
        return float((np.dot(more, brighter) + _BELIEF * _CURVE) / (evidence + _BELIEF))


def predict_exposures(
    known: Mapping[str, Tensor],
    train: Sequence[PosedPhoto],
    wanted: Sequence[PosedPhoto],
    ev100: Mapping[str, float] | None = None,
) -> dict[str, Tensor]:
    """The maps [3, 4] of the photos `wanted`, by name, from those of the `train` photos in `known`.

    `ev100` are the exposure values of photos of one camera, by name; they are used where all these
    photos have one. Empty where no maps are known: the scene's own exposure is every photo's then.
    """
    values = ev100 or {}
    placed = {p.name: Placed(p.name, p.camera, values.get(p.name)) for p in (*train, *wanted)}
    others = [placed[photo.name] for photo in train if photo.name in known]
    if not others:
        return {}
    maps = torch.stack([known[other.name].cpu().float() for other in others])
    has_light = all(placed[p.name].ev100 is not None for p in wanted)
    way = best_way(others, maps, has_light=has_light)
    [identity] = identities(1, maps.device)
    return {
        photo.name: way.predict(placed[photo.name], others, maps) if way else identity
        for photo in wanted
    }


def best_way(photos: Sequence[Placed], maps: Tensor, *, has_light: bool = True) -> Way | None:
    """The way that predicts the `maps` [V, 3, 4] of the photos best, each from the others.

    None where none is clearly better than the identity. `has_light` says whether the photos that
    the way is for have exposure values.
    """
    if len(photos) < _FEWEST:
        return None
    has_light = has_light and all(photo.ev100 is not None for photo in photos)
    ways = [way for way in WAYS if has_light or not way.uses_light]
    [identity] = identities(1, maps.device)
    limit = _CLEARLY_BETTER * float(np.mean([_difference(one, identity) for one in maps]))
    errors = {way: _left_out_error(way, photos, maps) for way in ways}
    best = min(errors, key=lambda way: errors[way])
    return best if errors[best] < limit else None


def _light(photos: Sequence[Placed]) -> Floats:
    """Logs of the light that their cameras let in, [V], to a common constant."""
    return -math.log(2) * np.array([photo.ev100 or 0.0 for photo in photos])


def _brightness(maps: Tensor) -> Floats:
    """Logs of what the `maps` [V, 3, 4] make of a grey, [V]."""
    brightness: Floats = maps[:, :, :3].sum(2).mean(1).clamp_min(1e-3).log().double().numpy()
    return brightness


def alike(photo: Placed, others: Sequence[Placed]) -> Floats:
    """All as much."""
    return np.ones(len(others))


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


WAYS = (
    Way("in time", neighbours_in_time, uses_light=False),
    Way("by place", by_place, uses_light=False),
    Way("by light", alike, uses_light=True),
    Way("by light, in time", neighbours_in_time, uses_light=True),
    Way("by light, by place", by_place, uses_light=True),
)


def _left_out_error(way: Way, photos: Sequence[Placed], maps: Tensor) -> float:
    errors = []
    for index, photo in enumerate(photos):
        others = [number for number in range(len(photos)) if number != index]
        predicted = way.predict(photo, [photos[number] for number in others], maps[others])
        errors.append(_difference(predicted, maps[index]))
    return float(np.mean(errors))


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
