"""The held-out photos of a finished job, each beside what its scene makes of the same view.

For the owner only: these are the photos themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.urls import reverse
from PIL import Image, UnidentifiedImageError

from recon.jobs.folder import mirror
from recon.models import Job
from recon.picture_size import fitted_size
from recon.pipeline.results import PictureKind, Results, pictures_of
from recon.web import thumbs
from recon.web.left_behind import left_by
from recon.web.result.metrics import SCALES, Scale
from recon.web.result.photo_names import photos_by_image

#: What addresses call a picture, and what the run does.
PICTURES: dict[str, PictureKind] = {"photo": "gt", "scene": "renders"}


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """One photo that the measured model never saw."""

    number: int  # from 1 on, by file name
    sha256: str  # of the photo as it was sent; empty where its row is not known
    original_name: str  # what the person called it
    labels: tuple[str, ...]  # of the figures: those of `SCALES` that any photo has
    figures: tuple[str, ...]  # "–" for what was not measured of this one
    at_training: Mapping[str, float | None]  # by metric, at the size trained at
    at_photo: Mapping[str, float | None]  # at the photo's own size
    corrected: str  # PSNR with the photo's exposure matched
    files: dict[str, Path]  # by kind of picture; empty where they are gone
    urls: dict[str, str]
    size: tuple[int, int] | None  # px, of the pictures as they are served


def held_out_of(job: Job) -> list[HeldOut]:
    """Every photo that was held out, by file name; [] where nothing was measured."""
    results = left_by(job, Results.read) if job.is_completed else None
    mirror.pull(job, "output/test")
    if results is None or results.measured is None or results.headline is None:
        return []
    at_training = results.headline.at_training.per_view
    at_photo = results.headline.at_photo.per_view
    photos = photos_by_image(job)
    scales = [s for s in SCALES if any(view[s.key] is not None for view in at_training.values())]
    found = []
    for number, image in enumerate(sorted(at_training), 1):
        pictures = pictures_of(job.workspace, results.measured, image)
        files = {kind: pictures[folder] for kind, folder in PICTURES.items()}
        if not all(path.is_file() for path in files.values()):
            files = {}
        photo, view = photos.get(image), at_training[image]
        found.append(
            HeldOut(
                number=number,
                sha256=photo.sha256 if photo else "",
                original_name=photo.original_name if photo else image,
                labels=tuple(scale.label for scale in scales),
                figures=tuple(_figure(scale, view[scale.key]) for scale in scales),
                at_training=view,
                at_photo=at_photo[image],
                corrected=_figure(SCALES[0], view["psnr_corrected"]),
                files=files,
                urls={kind: _url(job, number, kind) for kind in files},
                size=_size(files.get("photo")),
            )
        )
    return found


def picture_of(job: Job, number: int, kind: str) -> Path | None:
    """A JPEG of one of the two pictures of held-out photo `number`; None where it is gone."""
    held_out = next((one for one in held_out_of(job) if one.number == number), None)
    path = held_out.files.get(kind) if held_out else None
    return thumbs.compared_of(path, job.folder / "thumbs", f"{kind}-{number}") if path else None


def _figure(scale: Scale, value: float | None) -> str:
    return "–" if value is None else scale.figure.format(value)


def _size(path: Path | None) -> tuple[int, int] | None:
    """So that the page keeps their place while they load. Reads only the file's head."""
    if path is None:
        return None
    try:
        with Image.open(path) as image:
            return fitted_size(*image.size, thumbs.LARGE_SIDE)
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def _url(job: Job, number: int, kind: str) -> str:
    return reverse("recon:held_out", args=(job.pk, number, kind))
