"""Focal lengths in the photos' metadata are hints: cropped photos keep the whole photo's, and
editors and converters don't change it either. This module decides when to drop such hints, and says
so.

Focal lengths are in px of the photo, or where it says so in mm on 35 mm film.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recon.poses.cameras import FULL_FRAME_DIAGONAL, CameraGroup
from recon.poses.colmap.features import import_photos
from recon.poses.ladder.candidates import Candidate
from recon.poses.native import camera_of, colmap

#: Where the mapper begins without a hint, as parts of the longest side: where COLMAP does, and a
#: wide lens'. A focal length that both lead to is the photos' own.
STARTS = (1.2, 0.75)

#: Models agree where their focal lengths differ by no larger a factor.
_SAME = 1.05

#: One model explains more than another where its error is below this part of the other's and as
#: many matches fit, or where so many more fit (as a part of them all). A hint that is twice off,
#: held, made the error 3 to 7 times as large, and 5 to 18% fewer matches fitted; one that is
#: nearly right (`berlin`, 1.10) changed neither.
_LESS_ERROR, _MORE_FITTING = 0.8, 0.05
#: It has this part of the other's photos at the least: fewer are easier to explain.
_AS_MANY = 0.75


@dataclass(frozen=True)
class Misfit:
    """Photos whose focal length is not the one that their metadata give."""

    names: tuple[str, ...]
    said: float  # mm on 35 mm film, by the metadata of the photo that is furthest off
    found: float  # mm on 35 mm film, in that photo

    @property
    def in_words(self) -> str:
        return (
            f"the focal length in the files does not fit: {self.said:.0f} mm there, "
            f"{self.found:.0f} mm by the photos; not used for {len(self.names)} photos"
        )


def with_cameras(
    database: Path, place: Path, photos: Path, groups: Sequence[CameraGroup], start: float
) -> None:
    """Writes keypoints, matches and verified pairs of `database` to a new file, `place`, for other
    cameras.

    Those are `groups`'; without a focal length they begin at `start` times the longest side.
    A wrong one costs hardly any verified matches, since COLMAP verifies by the fundamental matrix
    where that fits more, so pairs are not verified again. `photos` is the folder of the photos.
    """
    pycolmap = colmap()
    pycolmap.Database.open(place).close()
    for group in groups:
        import_photos(place, photos, group, start)
    with pycolmap.Database.open(database) as old, pycolmap.Database.open(place) as new:
        ids = {i.image_id: new.read_image_with_name(i.name).image_id for i in old.read_all_images()}
        for there, here in ids.items():
            new.write_keypoints(here, old.read_keypoints(there))
        for pair_id in old.read_two_view_geometries()[0]:
            a, b = pycolmap.pair_id_to_image_pair(pair_id)
            new.write_two_view_geometry(ids[a], ids[b], old.read_two_view_geometry(a, b))
            if old.exists_matches(a, b):
                new.write_matches(ids[a], ids[b], old.read_matches(a, b))


def focals(candidate: Candidate) -> dict[str, float]:
    """px, by the name of the photo."""
    model = candidate.model
    images = [model.images[i] for i in model.reg_image_ids()]
    return {image.name: float(camera_of(image).mean_focal_length()) for image in images}


def misfit(candidate: Candidate, hints: Mapping[str, float], most: float) -> Misfit | None:
    """The photos whose focal length is more than `most` times off their hint; None without any."""
    found = focals(candidate)
    off = {n: _factor(found[n], hints[n]) for n in found.keys() & hints.keys()}
    names = sorted(name for name, factor in off.items() if factor > most)
    if not names:
        return None
    furthest = max(names, key=lambda name: off[name])
    cameras = {i.name: i.camera for i in candidate.model.images.values() if i.has_camera_ptr()}
    camera = cameras[furthest]
    film = FULL_FRAME_DIAGONAL / math.hypot(camera.width, camera.height)  # mm a px
    return Misfit(tuple(names), hints[furthest] * film, found[furthest] * film)


def same_focals(candidates: Sequence[Candidate]) -> bool:
    """Whether all have the same focal length for every photo that they share."""
    by_model = [focals(candidate) for candidate in candidates]
    names = set.intersection(*(set(found) for found in by_model))
    spread = [_factor(max(f[n] for f in by_model), min(f[n] for f in by_model)) for n in names]
    return bool(spread) and max(spread) <= _SAME


def explains_more(one: Candidate, other: Candidate | None) -> bool:
    """Whether the photos clearly favour `one`."""
    if other is None:
        return True
    if one.worth < _AS_MANY * other.worth:
        return False
    here, there = one.facts, other.facts
    if here.agreeing >= there.agreeing + _MORE_FITTING:
        return True
    less = here.median_reprojection_error <= _LESS_ERROR * there.median_reprojection_error
    return less and here.agreeing >= there.agreeing - 0.01


def _factor(a: float, b: float) -> float:
    """How many times off, either way."""
    return max(a / b, b / a)
