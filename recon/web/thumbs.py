"""Smaller pictures of the photos, made when first asked for and kept in the job's folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from recon.models import Photo
from recon.pipeline.errors import UserError
from recon.pipeline.photos import load_photo
from recon.poses.exif import upright
from recon.web import kept

SIDE = 320  # px, longest side: sharp at 160 CSS px on a dense screen
LARGE_SIDE = 1600  # px, to lie over the scene


def thumb_of(photo: Photo) -> Path | None:
    """The small JPEG of `photo`: upright, without metadata. None where its file is gone."""
    return _kept(photo.path, photo.thumb_path, SIDE)


def large_of(path: Path, folder: Path) -> Path | None:
    """The photo at `path` at most 1600 px large, kept in `folder`. None where it is gone."""
    return _kept(path, folder / f"large-{path.name}.jpg", LARGE_SIDE)


def compared_of(path: Path, folder: Path, name: str) -> Path | None:
    """The same of a picture that people look at closely, kept as `name`."""
    return _kept(path, folder / f"compared-{name}.jpg", LARGE_SIDE, quality=92)


def _kept(photo: Path, small: Path, side: int, quality: int = 80) -> Path | None:
    if small.is_file():
        return small
    try:
        image = _small_image(photo, side)
        return kept.put(small, lambda place: image.save(place, "JPEG", quality=quality))
    except (FileNotFoundError, UserError):
        return None


def _small_image(path: Path, side: int) -> Image.Image:
    """At most `side` px. Raises FileNotFoundError, UserError("photo_unreadable")."""
    image, _ = load_photo(path, name=path.name, longest_needed=side)  # JPEGs small at once
    with image:
        turned = upright(image)
        turned.thumbnail((side, side))
    plain = turned.convert("RGB")
    plain.info.clear()
    return plain
