"""output/results.json: the figures of a finished scene, under graphdeco's names and ours.

All are of photos that the measured model never saw. The file is public, and its form stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from recon.pipeline.records import RecordError, as_record, read_content
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace, write_json
from recon.splats.scores import CORRECTED, METRICS, ScoresAtSizes, Table

#: The trained model as it is, and what the outlier filter leaves of it.
Which = Literal["unfiltered", "filtered"]
UNFILTERED: Which = "unfiltered"
FILTERED: Which = "filtered"

HELD_OUT, CROSS_VALIDATION = "held-out", "cross-validation"

#: What a picture shows: the held-out photo, or what the scene makes of its view.
PictureKind = Literal["gt", "renders"]
PICTURE_KINDS: tuple[PictureKind, ...] = ("gt", "renders")

_OURS = "ours_"  # and the number of steps, as graphdeco calls a model's table


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Every photo held out once, or why that was not done."""

    tests: tuple[tuple[str, ...], ...] = ()  # each fold's held-out photos
    scored: ScoresAtSizes | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The figures of the job's split, and of its folds."""

    iterations: int  # steps trained: output/test/ours_N has the pictures
    scored: dict[Which, ScoresAtSizes]
    filter_loss_db: float  # of the means of PSNR
    gaussian_counts: dict[Which, int]
    max_image_size: int | None  # px, longest side trained and compared at; None: the photos' own
    photo_size: int  # px, longest side of the largest photo
    train: tuple[str, ...]  # photos, by their names in work/images
    test: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # neither: no other photo confirms their depths
    folds: Folds | None = None


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How a scene's figures were taken, for those who read them: no photo is named."""

    held_out: int = 0  # photos of the job's own split
    train: int = 0
    max_image_size: int | None = None  # px, longest side trained and compared at
    photo_size: int | None = None  # px, longest side of the largest photo
    #: Means at the photos' own size by metric; empty where they are those of the size trained at.
    at_photo: Mapping[str, float | None] = field(default_factory=dict)
    reason: Reason | None = None  # why nothing was measured
    lpips_reason: Reason | None = None  # why LPIPS was not


@dataclass(frozen=True, kw_only=True)
class Results:
    """All of results.json."""

    scene: Which  # the one that is delivered
    measured: Measured | None = None
    reason: Reason | None = None  # why nothing was measured
    lpips_reason: Reason | None = None  # why LPIPS was not

    @property
    def headline(self) -> ScoresAtSizes | None:
        """What the scene's figures are the means of."""
        if self.measured is None:
            return None
        folds = self.measured.folds
        return (folds and folds.scored) or self.measured.scored[self.scene]

    @property
    def protocol(self) -> str | None:
        """How the headline's photos were held out; None where nothing was measured."""
        if self.measured is None:
            return None
        folds = self.measured.folds
        return CROSS_VALIDATION if folds and folds.scored else HELD_OUT

    @property
    def means(self) -> dict[str, float | None]:
        """The headline's figures, raw and corrected."""
        headline = self.headline
        return headline.at_training.means if headline else dict.fromkeys(METRICS + CORRECTED)

    @property
    def spread(self) -> dict[str, float | None] | None:
        """Standard deviations over the photos, where each was held out once."""
        folds = self.measured.folds if self.measured else None
        return folds.scored.at_training.spreads if folds and folds.scored else None

    @property
    def conditions(self) -> Conditions:
        if self.measured is None or self.headline is None:
            return Conditions(reason=self.reason, lpips_reason=self.lpips_reason)
        at_training, at_photo = self.headline.at_training.means, self.headline.at_photo.means
        differ = any(at_photo[metric] != at_training[metric] for metric in METRICS)
        return Conditions(
            held_out=len(self.measured.test),
            train=len(self.measured.train),
            max_image_size=self.measured.max_image_size,
            photo_size=self.measured.photo_size,
            at_photo={metric: at_photo[metric] for metric in METRICS} if differ else {},
            lpips_reason=self.lpips_reason,
        )

    @classmethod
    def read(cls, workspace: Workspace) -> Results:
        """Raises FileNotFoundError before EVALUATION, RecordError for a file not written by it."""
        path = workspace.results_json
        content = read_content(path)
        file = as_record(content, _File, path)
        return cls(
            scene=file["scene"],
            measured=_measured(content, path) if "split" in file else None,
            reason=Reason.read(file.get("reason")),
            lpips_reason=Reason.read(file.get("lpips_reason")),
        )

    def write(self, workspace: Workspace) -> None:
        write_json(workspace.results_json, self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """As the file has it."""
        if self.measured is None:
            told = {
                "reason": _reason_to_dict(self.reason),
                "lpips_reason": _reason_to_dict(self.lpips_reason),
            }
            return {**self.means, **told, "scene": self.scene}
        one = self.measured
        tables = {str(which): scored.to_table() for which, scored in one.scored.items()}
        left_out = {"left_out": list(one.left_out)} if one.left_out else {}
        content: dict[str, object] = {
            f"{_OURS}{one.iterations}": tables[self.scene],
            **tables,
            **self.means,
            "protocol": self.protocol,
            "scene": self.scene,
            "filter_loss_db": one.filter_loss_db,
            "gaussian_counts": one.gaussian_counts,
            "lpips_reason": _reason_to_dict(self.lpips_reason),
            "max_image_size": one.max_image_size,
            "photo_size": one.photo_size,
            "split": {"train": list(one.train), "test": list(one.test)} | left_out,
        }
        if one.folds is None:
            return content
        if one.folds.scored is None:
            return content | {"cross_validation": {"reason": _reason_to_dict(one.folds.reason)}}
        tests = [list(test) for test in one.folds.tests]
        folds = {"folds": tests, **one.folds.scored.to_table()}
        return content | {"spread": self.spread, "cross_validation": folds}


class _ReasonFile(TypedDict):
    code: str
    detail: NotRequired[str]


class _File(TypedDict):
    """What every results.json has."""

    scene: Which
    reason: NotRequired[_ReasonFile | None]
    lpips_reason: NotRequired[_ReasonFile | None]
    split: NotRequired[object]


class _Split(TypedDict):
    train: list[str]
    test: list[str]
    left_out: NotRequired[list[str]]


class _MeasuredFile(TypedDict):
    """What those have where something was measured."""

    unfiltered: Table
    filtered: Table
    filter_loss_db: float
    gaussian_counts: dict[Which, int]
    max_image_size: int | None
    photo_size: int
    split: _Split
    cross_validation: NotRequired[dict[str, object]]


class _FoldsFile(Table):
    folds: list[list[str]]


def _measured(content: object, path: Path) -> Measured:
    file = as_record(content, _MeasuredFile, path)
    names = as_record(content, dict[str, object], path)
    steps = [name.removeprefix(_OURS) for name in names if name.startswith(_OURS)]
    if len(steps) != 1 or not steps[0].isdecimal():
        raise RecordError(f"{path.name} has no table {_OURS}N of the scene's own steps")
    return Measured(
        iterations=int(steps[0]),
        scored={
            UNFILTERED: ScoresAtSizes.of_table(file["unfiltered"]),
            FILTERED: ScoresAtSizes.of_table(file["filtered"]),
        },
        filter_loss_db=file["filter_loss_db"],
        gaussian_counts=file["gaussian_counts"],
        max_image_size=file["max_image_size"],
        photo_size=file["photo_size"],
        train=tuple(file["split"]["train"]),
        test=tuple(file["split"]["test"]),
        left_out=tuple(file["split"].get("left_out", ())),
        folds=_folds(file.get("cross_validation"), path),
    )


def _folds(recorded: dict[str, object] | None, path: Path) -> Folds | None:
    if recorded is None:
        return None
    if "folds" not in recorded:
        return Folds(reason=Reason.read(recorded.get("reason")))
    file = as_record(recorded, _FoldsFile, path)
    return Folds(tests=tuple(map(tuple, file["folds"])), scored=ScoresAtSizes.of_table(file))


def fold_picture_name(image: str) -> str:
    """What the pictures of the photo `image` of work/images are called, without their suffix."""
    return Path(image).stem


def pictures_of(workspace: Workspace, measured: Measured, image: str) -> dict[PictureKind, Path]:
    """Where the pictures of the held-out photo `image` lie, whether or not they are there still.

    Those of the job's split are numbered, those of the folds have the photos' names.
    """
    if image in measured.test:
        folder = workspace.split_pictures(measured.iterations)
        name = f"{measured.test.index(image):05d}"
    else:
        folder, name = workspace.fold_pictures, fold_picture_name(image)
    return {kind: folder / kind / f"{name}.png" for kind in PICTURE_KINDS}


def _reason_to_dict(reason: Reason | None) -> dict[str, str] | None:
    return reason.to_dict() if reason else None
