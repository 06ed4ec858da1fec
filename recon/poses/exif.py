"""What a photo's EXIF says, as far as it can be read.

Metadata is a hint. Editors, converters and messengers leave it broken while the pixels are sound,
so anything that can't be read counts as missing, and nothing here raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from numbers import Real

from PIL import Image

EXIF_IFD = 0x8769
ORIENTATION = 0x0112
_TAKEN = 0x9003  # DateTimeOriginal, by the camera's clock: "2026:05:03 14:05:00"
_EXPOSURE_TIME, _F_NUMBER, _ISO = 0x829A, 0x829D, 0x8827
_SHUTTER_SPEED, _APERTURE = 0x9201, 0x9202  # logs to base 2 of 1 / seconds and of f-number² (APEX)
_ISO_UNKNOWN = 65535  # more than the field holds
_DARKEST, _BRIGHTEST = -8.0, 24.0  # EV100 from a night sky to the sun itself: others are nonsense
_FIRST_YEAR = 1990  # before it there was no camera with a clock; many say 1970, or 0

#: How Pillow turns a picture upright, by the values of the tag that mean anything (EXIF 2.32).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


def tags_of(image: Image.Image) -> Mapping[int, object]:
    """The tags of the main directory that can be read."""
    try:
        return _readable(image.getexif())
    except Exception:  # the parser of damaged bytes raises many kinds
        return {}


def details_of(image: Image.Image) -> Mapping[int, object]:
    """The tags about the shot and the lens that can be read."""
    try:
        return _readable(image.getexif().get_ifd(EXIF_IFD))
    except Exception:
        return {}


def number(value: object) -> float | None:
    """A finite number of a tag's value; None for text, several numbers and divisions by zero."""
    try:
        found = float(value) if isinstance(value, Real) else None
    except (ArithmeticError, ValueError):
        return None
    return found if found is not None and math.isfinite(found) else None


def positive(value: object) -> float | None:
    """A number above 0; None for anything else."""
    found = number(value)
    return found if found is not None and found > 0 else None


def exposure_value(image: Image.Image) -> float | None:
    """EV100 of the shot, log2(N² / t) - log2(ISO / 100), from f-number, seconds and sensitivity
    (ISO 2720): one more is half the exposure. None where one of the three is missing.
    """
    details = details_of(image)
    f_number, seconds = positive(details.get(_F_NUMBER)), positive(details.get(_EXPOSURE_TIME))
    aperture, speed = positive(details.get(_APERTURE)), number(details.get(_SHUTTER_SPEED))
    said = details.get(_ISO)
    iso = positive(said[0] if isinstance(said, tuple) and said else said)
    doublings = aperture if f_number is None else 2 * math.log2(f_number)
    halvings = speed if seconds is None else -math.log2(seconds)
    if doublings is None or not halvings or iso is None or iso >= _ISO_UNKNOWN:
        return None
    value = doublings + halvings - math.log2(iso) + math.log2(100)
    return value if _DARKEST <= value <= _BRIGHTEST else None


def day_taken(image: Image.Image) -> date | None:
    """The day on which the camera says that the photo was taken."""
    said = re.match(r"(\d{4}):(\d\d):(\d\d)(?!\d)", str(details_of(image).get(_TAKEN, "")))
    if said is None:
        return None
    try:
        day = date(*map(int, said.groups()))
    except ValueError:  # the 31st of February
        return None
    return day if day.year >= _FIRST_YEAR else None


def orientation(image: Image.Image) -> int:
    """As the tag says: 1 is upright, also where it says nothing."""
    value = number(tags_of(image).get(ORIENTATION))
    return int(value) if value is not None else 1


def is_sideways(image: Image.Image) -> bool:
    """Whether width and height change places when the picture is turned upright."""
    return orientation(image) in _SIDEWAYS


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its orientation asks; as it is where that makes no sense."""
    turn = _UPRIGHT.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _readable(tags: Mapping[int, object]) -> dict[int, object]:
    found = {}
    for tag in list(tags):
        with suppress(Exception):  # one broken value does not spoil the others
            found[tag] = tags[tag]
    return found
