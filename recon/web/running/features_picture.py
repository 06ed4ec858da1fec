"""The features that were found, drawn on one photo: for its owner, while the job runs.

Made when first requested and kept in the job's folder, beside the small pictures of the photos.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, UnidentifiedImageError

from recon.jobs.folder import mirror
from recon.models import Job
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.photos.photo_file import FORMATS
from recon.poses.colmap.photo_features import PhotoFeatures
from recon.web import files_on_demand
from recon.web.left_behind import left_by

SIDE = 960  # px, longest side
DRAWN = 3000  # features, the largest: more would hide the photo
_DIMMED = 0.75  # of the photo's light, so that the marks stand out
_MARK, _SHADE = (126, 231, 255, 235), (6, 18, 30, 150)


def is_ready(job: Job) -> bool:
    """Whether features have been found. The stage puts its database in place when it is done."""
    return mirror.has(job, mirror.path_of(job, job.workspace.database))


def features_of(job: Job) -> Path | None:
    """The picture, a JPEG without metadata. None where features or photos are not there."""
    files = (job.workspace.database, job.workspace.photos)
    mirror.pull(job, *(mirror.path_of(job, file) for file in files))
    try:
        return files_on_demand.made_from(
            job.workspace.database,
            job.folder / "thumbs" / "features.jpg",
            lambda place: _draw(job).save(place, "JPEG", quality=85),
        )
    except (OSError, ValueError, UnidentifiedImageError):
        return None


def _draw(job: Job) -> Image.Image:
    """Raises ValueError where there are no features to draw, and what opening the photo raises."""
    workspace, prepared = job.workspace, left_by(job, PreparedPhotos.read)
    names = [photo.name for photo in prepared.photos] if prepared else []
    found = PhotoFeatures.read(workspace.database, names)
    with Image.open(workspace.photos / found.photo, formats=FORMATS) as photo:
        full = photo.size
        photo.draft("RGB", (SIDE, SIDE))
        small = photo.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    small = small.point(lambda light: int(light * _DIMMED))
    scale = small.width / full[0]
    largest = found.places[found.places[:, 2].argsort()[::-1][:DRAWN]] * scale
    pen = ImageDraw.Draw(small, "RGBA")
    for x, y, size in largest.tolist():
        radius = min(max(size, 1.6), SIDE / 24)
        for grown, colour in ((radius + 1, _SHADE), (radius, _MARK)):
            pen.ellipse((x - grown, y - grown, x + grown, y + grown), outline=colour)
    return small
