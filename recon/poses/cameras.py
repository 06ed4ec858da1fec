"""What photos say about their lens, and which photos look like one camera's.

Focal lengths are in pixels of the photo that they belong to; pixels are square.

Photos share a camera where all of this is the same: the folder that they were sent in, what the
metadata says of body and lens, the size, and the focal length within 1%. So two zooms, two phones,
and photos with and without metadata get cameras of their own. Portrait photos from a phone also
have a camera of their own: after orientation the sensor is turned. It starts from the same focal
length, and on rendered photos both arrive at the same (docs/develop/cameras.md).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from PIL import Image

from recon.poses import exif
from recon.poses.native import colmap

FOCAL_LENGTH_IN_35MM_FILM = 0xA405
FULL_FRAME_DIAGONAL = 43.27  # mm
_PIXEL_DIMENSIONS = (0xA002, 0xA003)  # width and height in px, as the camera wrote them
_DIGITAL_ZOOM = 0xA404

#: A width by height that differs by less than this part is the same shape, rounded.
_SAME_SHAPE = 0.01

#: What distinguishes cameras: maker and model, then the body's and the lens's own.
_BODY_TAGS = (0x010F, 0x0110)
_DETAIL_TAGS = (0xA431, 0xA433, 0xA434, 0xA435)  # serial; lens maker, model, serial

#: Focal lengths beyond these, as parts of the longest side, are nonsense in the metadata.
PLAUSIBLE_FOCAL = (0.2, 10.0)

#: Focal lengths that differ by less than this part are one lens at one zoom.
SAME_FOCAL = 0.01

#: COLMAP's camera models, for focal lengths (mm on 35 mm film) below these; measured in
#: docs/develop/cameras.md. The widest is a fisheye's, whose four terms also follow a straight lens.
WIDE_MODELS = ((18.0, "OPENCV_FISHEYE"), (24.0, "RADIAL"))

#: One focal length and one radial term: what COLMAP uses for ordinary photos.
ORDINARY_MODEL = "SIMPLE_RADIAL"


@dataclass(frozen=True)
class Photo:
    """A prepared photo: what structure from motion needs to know about it."""

    name: str  # file name in work/photos
    width: int  # px
    height: int  # px
    focal: float | None  # px, from the metadata; None where that says nothing
    device: str | None = None  # the same for photos by one body and lens; None where unknown
    folder: str = ""  # that the photo was sent in


@dataclass(frozen=True)
class CameraGroup:
    """Photos that share one camera's intrinsics."""

    names: tuple[str, ...]
    width: int  # px
    height: int  # px
    focal: float | None  # px, the prior
    model: str = ORDINARY_MODEL  # COLMAP's name
    known_params: tuple[float, ...] | None = None  # all of the model's, where they are known

    def params(self) -> str | None:
        """The parameters of `model` to start from, as COLMAP writes them; None without a prior."""
        if self.known_params is not None:
            return ", ".join(map(repr, self.known_params))
        if self.focal is None:
            return None
        camera = colmap().Camera.create_from_model_name(
            0, self.model, self.focal, self.width, self.height
        )
        return str(camera.params_to_string())


def exif_device(image: Image.Image) -> str | None:
    """A digest of what the metadata says of body and lens, or None where it does not.

    A digest, since a serial number says who took the photo.
    """
    tags, details = exif.tags_of(image), exif.details_of(image)
    said = [str(tags.get(tag, "")).strip("\0 ") for tag in _BODY_TAGS]
    said += [str(details.get(tag, "")).strip("\0 ") for tag in _DETAIL_TAGS]
    if not any(said):
        return None
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def exif_focal(path: Path, image: Image.Image) -> float | None:
    """The focal length in px of the photo as stored in `path`, opened as `image`, or None.

    From the 35 mm equivalent; where that is missing, from COLMAP's own reader, which knows sensor
    widths by camera model (and decodes the whole photo for it). Both mean the whole picture, so a
    cropped one is measured by the size that it had. It is only a hint all the same: a crop in the
    same shape can't be recognised (`focal_retry`).
    """
    if not exif.tags_of(image):
        return None
    details = exif.details_of(image)
    whole = _size_before_cropping(details, image.size)
    if whole is None:
        return None
    equivalent = exif.positive(details.get(FOCAL_LENGTH_IN_35MM_FILM))
    if equivalent is not None:
        focal = equivalent / FULL_FRAME_DIAGONAL * math.hypot(*whole)
    else:
        lens = _colmaps_focal(path, image) if image.format in ("JPEG", "MPO") else None
        # What the equivalent would have followed.
        zoom = max(exif.positive(details.get(_DIGITAL_ZOOM)) or 1.0, 1.0)
        focal = (lens or 0.0) * zoom * math.hypot(*whole) / math.hypot(*image.size)
    low, high = PLAUSIBLE_FOCAL
    return focal if low * max(image.size) <= focal <= high * max(image.size) else None


def _size_before_cropping(
    details: Mapping[int, object], size: tuple[int, int]
) -> tuple[int, int] | None:
    """Width and height in px of the picture that the camera took, in the pixels of this one.

    Editors often leave the size in the metadata as it was. If the shape is the same, the photo was
    made smaller (or is whole), otherwise it was cropped. None if it was also scaled.
    """
    said = [exif.positive(details.get(tag)) for tag in _PIXEL_DIMENSIONS]
    if said[0] is None or said[1] is None:
        return size
    across, down = max(1, int(said[0])), max(1, int(said[1]))
    if (across > down) != (size[0] > size[1]):  # turned since
        across, down = down, across
    shape = (across / size[0]) / (down / size[1])
    if abs(shape - 1) <= _SAME_SHAPE:
        return size
    return (across, down) if across >= size[0] and down >= size[1] else None


def _colmaps_focal(path: Path, image: Image.Image) -> float | None:
    try:
        camera = colmap().infer_camera_from_image(path)
    except Exception:  # a JPEG that Pillow reads and COLMAP's library does not, or broken metadata
        return None
    if not camera.has_prior_focal_length:
        return None
    # The reader may have turned the picture, but a focal length has no orientation.
    longest = max(camera.width, camera.height)
    return float(camera.mean_focal_length()) * max(image.size) / longest


def group(photos: Iterable[Photo], *, shared: bool) -> list[CameraGroup]:
    """The photos by camera, as the module's text says; or one camera each."""
    ordered = sorted(photos, key=lambda p: (*_apart(p), p.focal or 0.0, p.name))
    if not shared:
        return [_make_group([photo]) for photo in sorted(ordered, key=lambda p: p.name)]
    groups: list[CameraGroup] = []
    for _, comparable in groupby(ordered, key=_apart):
        alike: list[Photo] = []
        for photo in comparable:
            if alike and not _same_focal(alike[0], photo):
                groups.append(_make_group(alike))
                alike = []
            alike.append(photo)
        groups.append(_make_group(alike))
    return groups


def model_for(focal: float | None, width: int, height: int) -> str:
    """The name of COLMAP's camera model for a focal length and a size in px."""
    if focal is not None:
        millimetres = focal / (width**2 + height**2) ** 0.5 * FULL_FRAME_DIAGONAL
        for below, model in WIDE_MODELS:
            if millimetres < below:
                return model
    return ORDINARY_MODEL


def _apart(photo: Photo) -> tuple[str, str, int, int]:
    """What no two photos by one camera differ in."""
    return photo.folder, photo.device or "", photo.width, photo.height


def _same_focal(a: Photo, b: Photo) -> bool:
    if a.focal is None or b.focal is None:
        return a.focal == b.focal
    return abs(a.focal - b.focal) <= SAME_FOCAL * a.focal


def _make_group(photos: list[Photo]) -> CameraGroup:
    known = [p.focal for p in photos if p.focal is not None]
    focal = sum(known) / len(known) if known else None
    names = tuple(sorted(p.name for p in photos))
    width, height = photos[0].width, photos[0].height
    return CameraGroup(names, width, height, focal, model_for(focal, width, height))
