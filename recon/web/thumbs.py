"""Smaller pictures of the photos, kept in the job's folder.

Made when a photo comes in, or when they are first asked for.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from recon.jobs import decoders
from recon.jobs.folder import mirror
from recon.models import Photo
from recon.pipeline.errors import UserError
from recon.web import files_on_demand

LARGE_SIDE = 1600  # px, to lie over the scene


def thumb_of(photo: Photo) -> Path | None:
    """The small JPEG of `photo`: upright, without metadata. None where its file is gone.

    It is a stranger's photo that is opened, so that is done in a process of its own, and once,
    however many ask. Raises PipelineError("too_busy").
    """

    def write(place: Path) -> None:
        mirror.pull(photo.job, mirror.path_of(photo.job, photo.path))
        place.write_bytes(decoders.opener().small_picture(photo.path))

    mirror.make_folder(photo.job)
    try:
        return files_on_demand.once(photo.thumb_path, write, wait_s=decoders.PATIENCE_S)
    except (FileNotFoundError, UserError):
        return None


def large_of(path: Path, folder: Path) -> Path | None:
    """The photo at `path`, which we have prepared, at most 1600 px large, kept in `folder`. None
    where it is gone."""
    return _small_copy(path, folder / f"large-{path.name}.jpg")


def compared_of(path: Path, folder: Path, name: str) -> Path | None:
    """The same of a picture that people look at closely, kept as `name`."""
    return _small_copy(path, folder / f"compared-{name}.jpg", quality=92)


def _small_copy(photo: Path, small: Path, quality: int = 80) -> Path | None:
    if small.is_file():
        return small
    try:
        image = _large_image(photo)
        return files_on_demand.put(small, lambda place: image.save(place, "JPEG", quality=quality))
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def _large_image(path: Path) -> Image.Image:
    """Raises FileNotFoundError, UnidentifiedImageError."""
    with Image.open(path, formats=("JPEG", "PNG")) as image:
        image.draft("RGB", (LARGE_SIDE, LARGE_SIDE))  # JPEGs are decoded small at once
        image.thumbnail((LARGE_SIDE, LARGE_SIDE))
        plain = image.convert("RGB")
    plain.info.clear()
    return plain
