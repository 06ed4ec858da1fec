"""What a run leaves in a job's folder, written as its stages write it, for pages that show it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from recon.models import Job
from recon.pipeline.outcome import Cameras, PlacedCamera, PreparedPhotos
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.results import FILTERED, UNFILTERED, Folds, Measured, Results
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace
from recon.splats.scores import Scores, ScoresAtSizes

#: PSNR, SSIM and LPIPS of a photo.
PhotoFigures = tuple[float | None, float | None, float | None]
#: What matching a photo's exposure adds.
CORRECTED_BY = (1.62, 0.021)

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def scores(views: Mapping[str, PhotoFigures]) -> Scores:
    """Figures of photos, by the photos' names in work/images."""
    per_view = {}
    for name, (psnr, ssim, lpips) in views.items():
        per_view[name] = {
            "psnr": psnr,
            "ssim": ssim,
            "lpips": lpips,
            "psnr_corrected": None if psnr is None else psnr + CORRECTED_BY[0],
            "ssim_corrected": None if ssim is None else ssim + CORRECTED_BY[1],
            "lpips_corrected": lpips,
        }
    return Scores(per_view)


def results(
    views: Mapping[str, PhotoFigures],
    *,
    at_photo: Mapping[str, PhotoFigures] | None = None,
    split: tuple[Sequence[str], Sequence[str]] = (("000.jpg", "002.jpg"), ("001.jpg",)),
    max_image_size: int | None = 400,
    photo_size: int = 1600,
    folded: Mapping[str, PhotoFigures] | None = None,
    folded_at_photo: Mapping[str, PhotoFigures] | None = None,
    lpips_reason: Reason | None = None,
) -> Results:
    """What EVALUATION found about a scene without its stray spots: on the photos in `views`, and on
    those in `folded` if each was held out once. Without `at_photo`, photos are no larger than the
    training size. `split` names the photos trained on and those held out."""
    measured = ScoresAtSizes(scores(views), scores(views if at_photo is None else at_photo))
    folds = None
    if folded is not None:
        own = folded if folded_at_photo is None else folded_at_photo
        tests = tuple((name,) for name in folded)
        folds = Folds(tests=tests, scored=ScoresAtSizes(scores(folded), scores(own)))
    train, test = split
    return Results(
        scene=FILTERED,
        lpips_reason=lpips_reason,
        measured=Measured(
            iterations=700,
            scored={UNFILTERED: measured, FILTERED: measured},
            filter_loss_db=0.0,
            gaussian_counts={UNFILTERED: 1300, FILTERED: 1234},
            max_image_size=max_image_size,
            photo_size=photo_size,
            train=tuple(train),
            test=tuple(test),
            folds=folds,
        ),
    )


def not_measured(reason: Reason | None) -> Results:
    return Results(scene=FILTERED, reason=reason, lpips_reason=reason)


def camera(number: int, position: tuple[float, float, float]) -> PlacedCamera:
    """One that looks along z."""
    return PlacedCamera(
        id=number, img_name=f"{number:03}.jpg", width=80, height=60, fx=70.0, fy=70.0,
        cx=40.0, cy=30.0, position=position, rotation=IDENTITY, start=number == 0,
    )  # fmt: skip


def row_of_cameras(numbers: Sequence[int], step: float = 1.0) -> Cameras:
    """Cameras in a row, `step` apart."""
    return Cameras(tuple(camera(n, (step * n, 0.0, step)) for n in numbers))


def write_prepared(job: Job, stored_names: Mapping[str, str] | None = None) -> None:
    """PREFLIGHT's record. `stored_names` maps the names of the JPEGs in work/photos to the photos'
    own; without it the two are the same."""
    if stored_names is None:
        stored_names = {photo.name: photo.name for photo in job.photos.all()}
    photos = (
        PreparedPhoto(name, stored, width=120, height=110, focal=None, digest="")
        for name, stored in stored_names.items()
    )
    PreparedPhotos(photos=tuple(photos)).write(job.workspace)


def written(record: Results | Cameras) -> bytes:
    """What `record` writes into its file."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(Path(name))
        record.write(workspace)
        path = workspace.results_json if isinstance(record, Results) else workspace.cameras_json
        return path.read_bytes()
