"""A model's quality on photos that it never saw, at the size trained at and at their own.

The held-out evaluation and every fold of a cross-validation are scored here, so that their figures
can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from recon.picture_size import fitted_size
from recon.pipeline.config import ExportConfig
from recon.pipeline.outcome import PreparedPhotos, TrainingRecord
from recon.pipeline.workspace import Workspace
from recon.reporting import Progress, part
from recon.splats.evaluation import draw, exposed, score, to_bytes
from recon.splats.exposure_prediction import predict_exposures
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips
from recon.splats.outliers import keep_mask
from recon.splats.scene import Model, PosedPhoto, View, load_view
from recon.splats.scores import Scores, ScoresAtSizes


@dataclass(frozen=True)
class Scorer:
    """How a job's models are scored."""

    images: Path  # folder of the photos
    trained_size: int | None  # px, longest side trained at; None is the photos' own
    lpips: Lpips | None

    def score(
        self,
        gaussians: Gaussians,
        photos: Sequence[PosedPhoto],
        report: Progress,
        exposures: Mapping[str, Tensor] | None = None,
    ) -> ScoresAtSizes:
        """The figures on `photos`, in the `exposures` predicted for them; `report` is called for
        each of them."""
        at_training = self._at(
            self.trained_size, gaussians, photos, part(report, 0.0, 0.5), exposures
        )
        if all(_size(photo, self.trained_size) == _size(photo, None) for photo in photos):
            report(1.0)
            return ScoresAtSizes(at_training, at_training)
        at_photo = self._at(None, gaussians, photos, part(report, 0.5, 1.0), exposures)
        return ScoresAtSizes(at_training, at_photo)

    def save_pictures(
        self,
        gaussians: Gaussians,
        photos: Mapping[str, PosedPhoto],
        folder: Path,
        report: Progress,
        exposures: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Each photo as `gt/NAME.png` in `folder`, beside what the scene makes of it as
        `renders/NAME.png`, at the size trained at; `report` is called after each."""
        for kind in ("renders", "gt"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        for number, (name, photo) in enumerate(photos.items()):
            view = load_view(photo, self.images, self.trained_size)
            image = exposed(draw(gaussians, view.camera), photo.name, exposures)
            render = to_bytes(image)
            for kind, picture in (("renders", render), ("gt", view.image.numpy())):
                # Level 6, the default, takes three times as long to save 6% of the bytes.
                Image.fromarray(picture).save(folder / kind / f"{name}.png", compress_level=1)
            report((number + 1) / len(photos))

    def _at(
        self,
        max_image_size: int | None,
        gaussians: Gaussians,
        photos: Sequence[PosedPhoto],
        report: Progress,
        exposures: Mapping[str, Tensor] | None,
    ) -> Scores:
        def views() -> Iterator[View]:  # one photo in memory at a time
            for number, photo in enumerate(photos):
                yield load_view(photo, self.images, max_image_size)
                report((number + 1) / len(photos))

        return score(gaussians, views(), self.lpips, exposures)


def predicted_exposures(workspace: Workspace, model: Model) -> dict[str, Tensor]:
    """The exposures [3, 4] of the held-out photos, as those that GS_TRAIN learnt predict them."""
    learnt = TrainingRecord.read(workspace).exposures
    maps = {name: torch.tensor(rows) for name, rows in learnt.items()}
    return predict_exposures(maps, model.train, model.test, exposure_values(workspace, model))


def exposure_values(workspace: Workspace, model: Model) -> dict[str, float]:
    """EV100 of the `model`'s photos, by name; none where they are of several cameras, which make
    pictures of different brightness at the same value."""
    try:
        prepared = PreparedPhotos.read(workspace).photos
    except FileNotFoundError:  # poses made elsewhere
        return {}
    names = {photo.name for photo in model.photos}
    photos = [photo for photo in prepared if photo.name in names]
    if len({photo.device for photo in photos}) > 1:
        return {}
    return {photo.name: photo.ev100 for photo in photos if photo.ev100 is not None}


def without_outliers(gaussians: Gaussians, config: ExportConfig, report: Progress) -> Gaussians:
    """What the outlier filter leaves of `gaussians`, which lie on the CPU."""
    means, scales = gaussians.means.numpy(), gaussians.scales.exp().numpy()
    keep = keep_mask(means, scales, **config.filter_arguments(), report=report)
    return gaussians.select(torch.from_numpy(keep))


def _size(photo: PosedPhoto, max_image_size: int | None) -> tuple[int, int]:
    return fitted_size(photo.camera.width, photo.camera.height, max_image_size)
