"""What photos say of their lens, and which photos look like one camera's.

Focal lengths are in pixels of the photo that they belong to; pixels are square.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from PIL import Image

from recon.poses.native import colmap

EXIF_IFD = 0x8769
FOCAL_LENGTH_IN_35MM_FILM = 0xA405
FULL_FRAME_DIAGONAL = 43.27  # mm

#: Focal lengths beyond these, as parts of the longest side, are nonsense in the metadata.
PLAUSIBLE_FOCAL = (0.2, 10.0)

#: Focal lengths that differ by less than this part are one lens at one zoom.
SAME_FOCAL = 0.01


@dataclass(frozen=True)
class Photo:
    """A prepared photo: what structure from motion has to know about it."""

    name: str  # file name in work/photos
    width: int  # px
    height: int  # px
    focal: float | None  # px, from the metadata; None where that says nothing


@dataclass(frozen=True)
class CameraGroup:
    """Photos that share one camera's intrinsics."""

    names: tuple[str, ...]
    width: int  # px
    height: int  # px
    focal: float | None  # px, the prior


def exif_focal(path: Path, image: Image.Image) -> float | None:
    """The focal length in px of the photo as stored in `path`, opened as `image`, or None.

    COLMAP's own reader comes first: it knows sensor widths by camera model where the 35 mm
    equivalent is missing. It can't read every format, so that Pillow is asked too.
    """
    exif = image.getexif()
    if not exif:
        return None
    focal = _colmaps_focal(path, image) if image.format in ("JPEG", "MPO") else None
    if focal is None:
        equivalent = exif.get_ifd(EXIF_IFD).get(FOCAL_LENGTH_IN_35MM_FILM)
        if isinstance(equivalent, int | float) and equivalent > 0:
            diagonal = (image.width**2 + image.height**2) ** 0.5
            focal = float(equivalent) / FULL_FRAME_DIAGONAL * diagonal
    low, high = PLAUSIBLE_FOCAL
    if focal is None or not low * max(image.size) <= focal <= high * max(image.size):
        return None
    return focal


def _colmaps_focal(path: Path, image: Image.Image) -> float | None:
    try:
        camera = colmap().infer_camera_from_image(path)
    except ValueError:  # a JPEG that Pillow reads and COLMAP's library does not
        return None
    if not camera.has_prior_focal_length:
        return None
    # The reader may have turned the picture, but a focal length has no orientation.
    longest = max(camera.width, camera.height)
    return float(camera.mean_focal_length()) * max(image.size) / longest


def group(photos: Iterable[Photo], *, shared: bool) -> list[CameraGroup]:
    """The photos by camera: one for all of the same size and focal length, or one each.

    A portrait photo is its own group beside landscape ones: after orientation its sensor lies
    the other way.
    """
    ordered = sorted(photos, key=lambda p: (p.width, p.height, p.focal or 0.0, p.name))
    if not shared:
        return [_grouped([photo]) for photo in sorted(ordered, key=lambda p: p.name)]
    groups: list[CameraGroup] = []
    for _, same_size in groupby(ordered, key=lambda p: (p.width, p.height)):
        alike: list[Photo] = []
        for photo in same_size:
            if alike and not _same_focal(alike[0], photo):
                groups.append(_grouped(alike))
                alike = []
            alike.append(photo)
        groups.append(_grouped(alike))
    return groups


def _same_focal(a: Photo, b: Photo) -> bool:
    if a.focal is None or b.focal is None:
        return a.focal == b.focal
    return abs(a.focal - b.focal) <= SAME_FOCAL * a.focal


def _grouped(photos: list[Photo]) -> CameraGroup:
    known = [p.focal for p in photos if p.focal is not None]
    focal = sum(known) / len(known) if known else None
    names = tuple(sorted(p.name for p in photos))
    return CameraGroup(names, photos[0].width, photos[0].height, focal)
