"""How one photo file is opened: by its content, within limits, decoded to the last row.

Used where photos arrive (the upload form, the API) and where the pipeline prepares them, so that
the two cannot disagree about what a photo is.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pi_heif
from PIL import Image, ImageOps

from recon.pipeline.decoding import limits
from recon.pipeline.errors import UserError
from recon.pipeline.media import HEAD, is_avif

#: What Pillow may try; a file's name and declared type count for nothing.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")

# HEIC as phones send it. Only the picture: what else is in the file is not even decoded.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

#: EXIF orientations that swap width and height.
_SIDEWAYS = (5, 6, 7, 8)
_ORIENTATION = 0x0112

#: What Pillow's decoders raise on damaged files. Not `Exception`: a job's time limit is one too.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RuntimeError,  # libheif's
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class DecodedPhoto:
    """A photo whose every pixel was decoded."""

    image: Image.Image  # as stored, not yet turned upright
    format: str  # one of FORMATS
    exif: Image.Exif
    width: int  # px, upright
    height: int  # px, upright

    def upright(self) -> Image.Image:
        """The picture turned as its EXIF orientation asks."""
        return ImageOps.exif_transpose(self.image)


def decode(
    source: Path | BinaryIO,
    *,
    name: str,
    min_image_size: int,
    max_megapixels: int,
    longest_needed: int | None = None,
) -> DecodedPhoto:
    """Opens and fully decodes one photo; `name` is what the person calls it.

    The declared size is checked before a pixel is decoded: a few kilobytes may declare hundreds
    of megapixels. `load()` finds truncated files, which `verify()` lets pass. With
    `longest_needed` (px, of the longest side) the image of a large JPEG may come at a half, a
    quarter or an eighth of its size, as long as so much is left: its decoder is faster at that.

    Raises UserError: photo_unreadable, photo_too_small (px, each side), photo_too_large,
    photo_too_complex.
    """
    try:
        image = open_photo(source, name)
        exif = image.getexif()
        width, height = image.size
    except Image.DecompressionBombError as error:
        raise _too_large(name, _declared_pixels(error), max_megapixels) from error
    except DAMAGED as error:
        raise UserError("photo_unreadable", name=name) from error
    if width * height > max_megapixels * 1_000_000:
        raise _too_large(name, width * height, max_megapixels)
    if exif.get(_ORIENTATION) in _SIDEWAYS:
        width, height = height, width
    if min(width, height) < min_image_size:
        raise UserError(
            "photo_too_small", name=name, width=width, height=height, minimum=min_image_size
        )
    if longest_needed is not None:
        part = longest_needed / max(image.size)
        image.draft(image.mode, (math.ceil(image.width * part), math.ceil(image.height * part)))
    try:
        image.load()
    except DAMAGED as error:
        raise UserError("photo_unreadable", name=name) from error
    # A phone's JPEG with an extra picture in it (MPO) is a JPEG to everybody else.
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    return DecodedPhoto(image=image, format=kind, exif=exif, width=width, height=height)


def open_photo(source: Path | BinaryIO, name: str = "photo") -> Image.Image:
    """Opens a photo of one of `FORMATS`, nothing decoded yet. Raises what Pillow raises, and
    UserError("photo_too_complex") with `name`.

    The decoders of HEIC and AVIF both claim the brand that says "some picture".
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            limits.check_photo(file, name)
            head = file.read(HEAD)
    else:
        limits.check_photo(source, name)
        head = source.read(HEAD)
        source.seek(0)
    formats = [name for name in FORMATS if name != "HEIF"] if is_avif(head) else list(FORMATS)
    return Image.open(source, formats=formats)


def _declared_pixels(error: Image.DecompressionBombError) -> int:
    """The pixel count in Pillow's own message, the only place where it says it."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    return int(found.group(1)) if found else 2 * (Image.MAX_IMAGE_PIXELS or 0)


def _too_large(name: str, pixels: int, max_megapixels: int) -> UserError:
    return UserError(
        "photo_too_large", name=name, megapixels=round(pixels / 1e6), maximum=max_megapixels
    )
