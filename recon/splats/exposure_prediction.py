"""The exposure of a photo that training never saw, predicted without a look at it.

A scene has one exposure, its photos have many: phones set it anew for each. A fair raw figure asks
how a photo from there and then would have been exposed. The camera wrote down exposure time,
aperture and ISO; the photos taken just before and after tell more, or those that look the same way.
Which of them predicts best is tried on the train photos, each from the others. Where none does, the
answer is the scene's own exposure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

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
#: exposure would have. With few photos some way always looks best by chance: at this limit it costs
#: at most 3% where exposures are random (docs/measurements/exposures.md).
_CLEARLY_BETTER = 0.8
#: Fewer photos can't say which way is the best.
_FEWEST = 4
#: How a picture's values follow its exposure, as a power: sRGB's curve is nearly this one.
_CURVE = 1 / 2.2
#: Each camera has a curve of its own, so it is fitted to the train photos, where sRGB's weighs as
#: much as so much evidence: a sum of squared logs of exposures.
_BELIEF = 0.05


@dataclass(frozen=True)
class Placed:
    """A photo's place in time and space, and its exposure value where all have one."""

    name: str  # sorts in the order in which the photos were taken or sent
    camera: Camera
    ev100: float | None = None  # one more is half the exposure

    @cached_property
    def position(self) -> Floats:
        """[3], in world units."""
        position: Floats = self.camera.position.cpu().double().numpy()
        return position

    @cached_property
    def look(self) -> Floats:
        """The direction that it looks in, a unit vector [3] in the world."""
        look: Floats = self.camera.viewmat[2, :3].cpu().double().numpy()
        return look


#: How much each of the `others` says about a photo's exposure, [V].
_Weights = Callable[[Placed, Sequence[Placed]], Floats]


@dataclass(frozen=True)
class Way:
    """A way to predict a photo's map: the mean of the others' maps by these weights, each brought
    to the photo's own exposure value first where that is used."""

    name: str
    weights: _Weights
    uses_ev: bool

    def predict(self, photo: Placed, others: Sequence[Placed], maps: Tensor) -> Tensor:
        """The map [3, 4] of `photo` from the `maps` [V, 3, 4] of the `others`."""
        if self.uses_ev:
            more = _within_reach(photo, others) - _log_exposures(others)  # [V]
            factors = np.exp(self._curve(others, maps) * more)
            maps = maps * torch.from_numpy(factors).float()[:, None, None]
        shares = torch.from_numpy(self._shares(photo, others)).float()
        return torch.einsum("v,vij->ij", shares, maps)

    def _shares(self, photo: Placed, others: Sequence[Placed]) -> Floats:
        """The weights of the `others`, [V], which sum to 1."""
        weights = self.weights(photo, others)
        shares: Floats = weights / weights.sum()
        return shares

    def _curve(self, photos: Sequence[Placed], maps: Tensor) -> float:
        """The slope of log brightness over log exposure among `photos`, whose maps [V, 3, 4] are
        known; both of each photo relative to this way's mean of the others."""
        exposures, brightness = _log_exposures(photos), _log_brightness(maps)
        across, up = [0.0], [0.0]
        for index, photo in enumerate(photos):
            rest = [number for number in range(len(photos)) if number != index]
            if rest:
                shares = self._shares(photo, [photos[number] for number in rest])
                across.append(exposures[index] - shares @ exposures[rest])
                up.append(brightness[index] - shares @ brightness[rest])
        slope = (np.dot(across, up) + _BELIEF * _CURVE) / (np.dot(across, across) + _BELIEF)
        return float(np.clip(slope, 0.0, 1.0))


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
    others = [photo for photo in train if photo.name in known]
    if not others:
        return {}
    values = ev100 or {}
    if any(photo.name not in values for photo in (*others, *wanted)):
        values = {}
    placed = [Placed(photo.name, photo.camera, values.get(photo.name)) for photo in others]
    maps = torch.stack([known[other.name].cpu().float() for other in others])
    way = best_way(placed, maps)
    [identity] = identities(1, maps.device)
    return {
        photo.name: identity
        if way is None
        else way.predict(Placed(photo.name, photo.camera, values.get(photo.name)), placed, maps)
        for photo in wanted
    }


def best_way(photos: Sequence[Placed], maps: Tensor) -> Way | None:
    """The way that predicts the `maps` [V, 3, 4] of the photos best, each from the others.

    None where none is clearly better than the identity.
    """
    if len(photos) < _FEWEST:
        return None
    has_ev = all(photo.ev100 is not None for photo in photos)
    [identity] = identities(1, maps.device)
    limit = _CLEARLY_BETTER * float(np.mean([_difference(one, identity) for one in maps]))
    errors = {way: _left_out_error(way, photos, maps) for way in WAYS if has_ev or not way.uses_ev}
    best = min(errors, key=lambda way: errors[way])
    return best if errors[best] < limit else None


def _log_exposures(photos: Sequence[Placed]) -> Floats:
    """Natural logs of the photos' exposures, [V], to a common constant."""
    return -math.log(2) * np.array([photo.ev100 for photo in photos], float)


def _within_reach(photo: Placed, others: Sequence[Placed]) -> float:
    """The log of the photo's exposure, at most a stop beyond those of the `others`: what is
    farther off was not tried, and more likely wrong metadata."""
    known = _log_exposures(others)
    [own] = _log_exposures([photo])
    return float(np.clip(own, known.min() - math.log(2), known.max() + math.log(2)))


def _log_brightness(maps: Tensor) -> Floats:
    """Natural logs of what the `maps` [V, 3, 4] make of the middle grey, over it, [V]."""
    grey = 0.5 * maps[:, :, :3].sum(2) + maps[:, :, 3]  # [V, 3]
    brightness: Floats = (grey.mean(1) / 0.5).clamp_min(1e-3).log().double().numpy()
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
    positions = np.stack([other.position for other in others])
    looks = np.stack([other.look for other in others])
    spread = np.linalg.norm(positions - positions.mean(0), axis=1).mean()
    apart = np.linalg.norm(positions - photo.position, axis=1) / max(spread, 1e-9)
    turned = np.arccos(np.clip(looks @ photo.look, -1, 1))  # radians
    distances = apart + turned
    third = np.sort(distances)[min(2, len(distances) - 1)]
    weights: Floats = np.exp(-2 * (distances / max(float(third), 1e-9)) ** 2)
    return weights


WAYS = (
    Way("in time", neighbours_in_time, uses_ev=False),
    Way("by place", by_place, uses_ev=False),
    Way("by exposure", alike, uses_ev=True),
    Way("by exposure, in time", neighbours_in_time, uses_ev=True),
    Way("by exposure, by place", by_place, uses_ev=True),
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
