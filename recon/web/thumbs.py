"""Small pictures of the photos, made when first asked for and kept in the job's folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from recon.models import Photo
from recon.pipeline.photos import open_photo
from recon.pipeline.workspace import replacing

SIDE = 320  # px, longest side: sharp at 160 CSS px on a dense screen


def thumb_of(photo: Photo) -> Path | None:
    """The small JPEG of `photo`: upright, without metadata. None where its file is gone."""
    small = photo.thumb_path
    if small.is_file():
        return small
    try:
        image = _small_image(photo.path)
        # Not `parents=True`: a job deleted meanwhile must not get its folder back.
        small.parent.mkdir(exist_ok=True)
        with replacing(small) as temporary:
            image.save(temporary, "JPEG", quality=80)
    except (FileNotFoundError, UnidentifiedImageError):
        return None
    return small


def _small_image(path: Path) -> Image.Image:
    """Raises FileNotFoundError, UnidentifiedImageError."""
    with open_photo(path) as image:
        image.draft("RGB", (SIDE, SIDE))  # JPEGs are decoded small at once
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((SIDE, SIDE))
    plain = upright.convert("RGB")
    plain.info.clear()
    return plain
