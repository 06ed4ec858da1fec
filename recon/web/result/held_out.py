"""The held-out photos of a finished job, each beside what its scene makes of the same view.

For the owner only: these are the photos themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import reverse
from PIL import Image, UnidentifiedImageError

from recon.models import Job
from recon.picture_size import fitted_size
from recon.web import thumbs
from recon.web.result.metrics import SCALES, Scale, recorded_of, table_of

#: What a picture shows: its folder in graphdeco's layout.
PICTURES = {"photo": "gt", "scene": "renders"}


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """One photo that the measured model never saw."""

    number: int  # from 1 on, by file name
    stem: str  # of the photo's file
    name: str  # what the person called it
    labels: tuple[str, ...]  # of the figures: those of `SCALES` that any photo has
    figures: tuple[str, ...]  # "–" for what was not measured of this one
    at_training: dict[str, float | None]  # by label, at the size trained at
    at_photo: dict[str, float | None]  # at the photo's own size; empty where that was not taken
    corrected: str  # PSNR with the photo's exposure matched
    files: dict[str, Path]  # by kind of picture; empty where they are gone
    urls: dict[str, str]
    size: tuple[int, int] | None  # px, of the pictures as they are served


def held_out_of(job: Job) -> list[HeldOut]:
    """Every photo that was held out, by file name; [] where nothing was measured."""
    if not job.is_completed:
        return []
    recorded = recorded_of(job)
    try:
        table = table_of(job, recorded)
        views, matched = table["per_view"], table.get("corrected", {}).get("per_view", {})
        own = table.get("at_photo_size", {}).get("per_view", {})
    except KeyError:
        return []
    names = {Path(photo.name).stem: photo.original_name for photo in job.photos.all()}
    scales = [s for s in SCALES if any(view.get(s.label) is not None for view in views.values())]
    found = []
    for number, image in enumerate(sorted(views), 1):
        stem = Path(image).stem
        files = _files(job, recorded, image)
        found.append(
            HeldOut(
                number=number,
                stem=stem,
                name=names.get(stem, image),
                labels=tuple(scale.label for scale in scales),
                figures=tuple(_figure(scale, views[image]) for scale in scales),
                at_training=views[image],
                at_photo=own.get(image, {}),
                corrected=_figure(SCALES[0], matched.get(image, {})),
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


def _figure(scale: Scale, view: dict[str, Any]) -> str:
    value = view.get(scale.label)
    return "–" if value is None else scale.figure.format(value)


def _files(job: Job, recorded: dict[str, Any], image: str) -> dict[str, Path]:
    """Where the pictures of the photo `image` lie: the job's split is numbered, folds are named."""
    output = job.workspace.output / "test"
    test = recorded.get("split", {}).get("test", [])
    if image in test:
        ours = next((key for key in recorded if key.startswith("ours_")), "")
        folder, name = output / ours, f"{test.index(image):05d}.png"
    else:
        folder, name = job.workspace.fold_pictures, f"{Path(image).stem}.png"
    files = {kind: folder / inner / name for kind, inner in PICTURES.items()}
    return files if all(path.is_file() for path in files.values()) else {}


def _size(path: Path | None) -> tuple[int, int] | None:
    """So that the page keeps their place while they load. Reads the file's head only."""
    if path is None:
        return None
    try:
        with Image.open(path) as image:
            return fitted_size(*image.size, thumbs.LARGE_SIDE)
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def _url(job: Job, number: int, kind: str) -> str:
    return reverse("recon:held_out", args=(job.pk, number, kind))
