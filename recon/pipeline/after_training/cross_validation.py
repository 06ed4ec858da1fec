"""Few photos, honest figures: every photo is held out once, by a training of its own.

With ten photos one split holds out two, and which two decides the figure. Here each fold is trained
as the job's model was, from its own train photos only, and scored on the rest; the job's split is
one of the folds and is not trained again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recon.pipeline.after_training.optional_work import attempt
from recon.pipeline.after_training.scoring import Scorer, exposure_values, without_outliers
from recon.pipeline.checkpoint_folder import checkpoints_of
from recon.pipeline.config import PipelineConfig
from recon.pipeline.machine.gpu_memory import memory_of
from recon.pipeline.outcome import photos_left_out, settings_used
from recon.pipeline.progress import Within
from recon.pipeline.results import Folds, fold_picture_name
from recon.pipeline.same_spot import read_same_spot
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import PIPELINE_VERSION, Workspace, digest_json, write_json
from recon.poses.splits import folds
from recon.reporting import Part, Report, part, within
from recon.splats import engine
from recon.splats.engine import TrainedScene
from recon.splats.exposure_prediction import predict_exposures
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, PosedPhoto
from recon.splats.scores import Scores, ScoresAtSizes

_TRAIN_SHARE = 0.9  # of a fold's time


def applies(config: PipelineConfig, photos: int, log: Callable[[str], None]) -> bool:
    """Whether `photos` registered photos are cross-validated; logs why not, if it was requested."""
    if config.evaluate.cross_validate and not config.may_cross_validate:
        log("Holding out every photo once was asked for; the quick preset does not do that.")
    elif config.may_cross_validate and not config.cross_validates(photos):
        limit = config.evaluate.cross_validate_max_photos
        log(
            f"Holding out every photo once was asked for; it is done for {limit} photos or fewer, "
            f"and {photos} have a place in the scene."
        )
    return config.cross_validates(photos)


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """One job's folds. `decided_by` are digests of what decides their figures: see `_key`."""

    workspace: Workspace
    config: PipelineConfig
    model: Model
    scorer: Scorer
    filtered: bool  # whether the job's scene is, by its own split
    decided_by: dict[str, object]

    def run(self, held_out: ScoresAtSizes, report: Report) -> Folds:
        """The folds' figures. `held_out` are those of the job's split.

        If a fold fails, the scene's figures stay those of that split, with a warning that gives the
        reason.
        Raises Cancelled.
        """
        photos = {"held_out": len(self.model.test), "total": len(self.model.photos)}
        found = attempt(
            lambda: self._folds(held_out, report), report, "not_cross_validated", **photos
        )
        return Folds(reason=found) if isinstance(found, Reason) else found

    def _folds(self, held_out: ScoresAtSizes, report: Report) -> Folds:
        scored, tests = self._score_folds(held_out, report)
        self._tell(scored, report)
        return Folds(tests=tuple(map(tuple, tests)), scored=scored)

    def _tell(self, scored: ScoresAtSizes, report: Report) -> None:
        # A fold is kept for the next attempt, and there will be none.
        shutil.rmtree(self.workspace.folds, ignore_errors=True)
        means, spread = scored.at_training.means, scored.at_training.spreads
        report.log(
            f"Each of the {len(self.model.photos)} photos was held out once: "
            f"{means['psnr']:.2f} dB, standard deviation {spread['psnr']:.2f} dB."
        )

    def _score_folds(
        self, held_out: ScoresAtSizes, report: Report
    ) -> tuple[ScoresAtSizes, list[list[str]]]:
        """Every photo's figures from the fold that held it out, and the folds' photos.

        Folds of an interrupted run whose figures still hold are not trained again.
        """
        known = [photo.name for photo in self.model.test]
        tests = self._tests()
        found = []
        for number, test in enumerate(tests):
            share = Part(report, number / len(tests), (number + 1) / len(tests))
            fold = Within(share, "fold", number=number + 1, total=len(tests))
            found.append(held_out if test == known else self._read_or_train(number, test, fold))
            fold(1.0)
        return ScoresAtSizes.merge(found), tests

    def _tests(self) -> list[list[str]]:
        """The photos that each fold holds out; none that the job's own training left out, since
        from a wrong place no scene can be judged."""
        tests = folds(
            [photo.name for photo in self.model.photos],
            every=self.config.undistort.holdout_every,
            together=read_same_spot(self.workspace),
        )
        left_out = photos_left_out(self.workspace)
        tests = [[name for name in test if name not in left_out] for test in tests]
        return [test for test in tests if test]

    def _read_or_train(self, number: int, test: list[str], report: Report) -> ScoresAtSizes:
        key = self._key(test)
        path = self.workspace.folds / f"{number}.json"
        earlier = _read(path, key)
        if earlier is not None:
            report.log("its figures still hold")
            report.taken_over(1.0)
            return earlier
        scored = self._train_and_score(test, report)
        views = {size: scores.per_view for size, scores in vars(scored).items()}
        write_json(path, {"key": key, **views})
        return scored

    def _key(self, test: list[str]) -> str:
        """A fold's figures hold as long as this does."""
        ours = {"test": test, "filtered": self.filtered, "version": PIPELINE_VERSION}
        return digest_json({**self.decided_by, **ours})

    def _train_and_score(self, test: list[str], report: Report) -> ScoresAtSizes:
        """Trains on all photos but those of `test` and scores on those."""
        scene = self._train(test, Part(report, 0.0, _TRAIN_SHARE))
        gaussians = scene.gaussians.to("cpu")
        if self.filtered:
            filter_part = part(report, _TRAIN_SHARE, _TRAIN_SHARE)
            gaussians = without_outliers(gaussians, self.config.export, filter_part)
        gaussians = gaussians.to(best_device())
        photos = {fold_picture_name(p.name): p for p in self.model.photos if p.name in test}
        comparison = within(part(report, _TRAIN_SHARE, _TRAIN_SHARE), "comparing_fold")
        exposures = predict_exposures(
            scene.exposures,
            self._train_photos(test),
            list(photos.values()),
            exposure_values(self.workspace, self.model),
        )
        place = self.workspace.fold_pictures
        self.scorer.save_pictures(gaussians, photos, place, comparison, exposures)
        return self.scorer.score(gaussians, list(photos.values()), comparison, exposures)

    def _train_photos(self, test: list[str]) -> list[PosedPhoto]:
        absent = {*test, *photos_left_out(self.workspace)}
        return [photo for photo in self.model.photos if photo.name not in absent]

    def _train(self, test: list[str], report: Report) -> TrainedScene:
        """The fold's scene. Training gets no photo of `test` to see."""
        device = best_device()
        used = settings_used(self.workspace, self.config.train)
        decided_by = {"training": "fold", "fold": self._key(test), "seed": self.config.seed}
        return engine.train(
            self._train_photos(test),
            self.workspace.images,
            used,
            device=device,
            seed=self.config.seed,
            report=report,
            memory=memory_of(device),
            checkpoints=checkpoints_of(
                self.workspace, used, decided_by, device=device, report=report
            ),
        )


def _read(path: Path, key: str) -> ScoresAtSizes | None:
    """The fold's figures in the file `path`, where they were made of the same."""
    try:
        earlier = json.loads(path.read_text())
        if earlier["key"] != key:
            return None
        return ScoresAtSizes(Scores(earlier["at_training"]), Scores(earlier["at_photo"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
