"""How one photo file is opened: by its content, within limits, decoded to the last row.

Used where photos arrive (the upload form, the API) and where the pipeline prepares them, so that
the two cannot disagree about what a photo is.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pi_heif
from PIL import Image

from recon.pipeline.decoding import limits
from recon.pipeline.errors import UserError
from recon.pipeline.photos import spherical
from recon.pipeline.photos.file_kinds import refuse_other_kinds
from recon.pipeline.photos.media import HEAD, is_avif
from recon.pipeline.photos.stripped_photos import strip_metadata
from recon.pipeline.photos.whole_photos import is_whole
from recon.poses import exif

#: What Pillow may try; a file's name and declared type count for nothing.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")

# HEIC as phones send it. Only the picture: what else is in the file is not even decoded.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

#: What Pillow's decoders raise on damaged files. Not `Exception`: a job's time limit is one too.
_DAMAGED = (
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
    ArithmeticError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class DecodedPhoto:
    """A photo whose every pixel was decoded."""

    image: Image.Image  # as stored, not yet turned upright
    format: str  # one of FORMATS
    width: int  # px, upright
    height: int  # px, upright

    def upright(self) -> Image.Image:
        """The picture turned as its EXIF orientation says."""
        return exif.upright(self.image)


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
    of megapixels. Metadata that can't be read counts as missing. With `longest_needed` (px, of
    the longest side) the image of a large JPEG may come at a half, a quarter or an eighth of its
    size, as long as so much is left: its decoder is faster at that.

    Raises UserError: photo_unreadable, photo_too_small (px, each side), photo_too_large, and for
    what is no ordinary photo photo_raw, photo_other_kind, video_other_kind, photo_spherical,
    photo_too_complex.
    """
    refuse_other_kinds(source, name)

    def look(image: Image.Image) -> None:
        if image.width * image.height > max_megapixels * 1_000_000:
            raise _too_large(name, image.width * image.height, max_megapixels)
        if min(image.size) < min_image_size:
            width, height = _upright_size(image)
            sides = {"width": width, "height": height, "minimum": min_image_size}
            raise UserError("photo_too_small", name=name, **sides)
        if spherical.says_spherical(image):
            raise UserError("photo_spherical", name=name)

    try:
        image, stored = load_photo(source, name=name, longest_needed=longest_needed, look=look)
    except Image.DecompressionBombError as error:
        raise _too_large(name, _declared_pixels(error), max_megapixels) from error
    if spherical.looks_spherical(image):
        raise UserError("photo_spherical", name=name)
    width, height = reversed(stored) if exif.is_sideways(image) else stored
    return DecodedPhoto(image=image, format=_format(image), width=width, height=height)


def load_photo(
    source: Path | BinaryIO,
    *,
    name: str,
    longest_needed: int | None = None,
    look: Callable[[Image.Image], None] = lambda image: None,
) -> tuple[Image.Image, tuple[int, int]]:
    """The decoded picture as stored, and the size (px) that it is stored in.

    If metadata keeps the decoder from the pixels, it is cut out. `look` sees the image before
    it is decoded, and may raise; `longest_needed` is `decode`'s.

    Raises UserError: photo_unreadable, photo_too_complex; Image.DecompressionBombError, and what
    `look` raises.
    """
    try:
        return _load(source, name, longest_needed, look)
    except UserError as error:
        if error.code != "photo_unreadable":
            raise
        without = strip_metadata(_content(source))
        if without is None:
            raise
    return _load(without, name, longest_needed, look)


def _load(
    source: Path | BinaryIO,
    name: str,
    longest_needed: int | None,
    look: Callable[[Image.Image], None],
) -> tuple[Image.Image, tuple[int, int]]:
    """`load()` finds truncated files, which `verify()` lets pass."""
    try:
        image = open_photo(source, name)
        size = image.size
        look(image)
        if longest_needed is not None:
            part = longest_needed / max(size)
            image.draft(image.mode, (math.ceil(size[0] * part), math.ceil(size[1] * part)))
        image.load()
        whole = is_whole(source, _format(image))
    except _DAMAGED as error:
        raise UserError("photo_unreadable", name=name) from error
    if not whole:
        raise UserError("photo_unreadable", name=name)
    return image, size


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if exif.is_sideways(image) else (width, height)


def _format(image: Image.Image) -> str:
    """A phone's JPEG with an extra picture in it (MPO) is a JPEG to everybody else."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def _content(source: Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    source.seek(0)
    return source.read()


def open_photo(source: Path | BinaryIO, name: str) -> Image.Image:
    """Opens a photo of one of `FORMATS`, nothing decoded yet. Raises what Pillow raises, and
    UserError("photo_too_complex").

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
