"""What a run writes for the site, the command line and the stages that follow: each file of
the job's folder as one frozen dataclass, with one `read` and one `write`.

| file | record |
|---|---|
| work/photos.json | `PreparedPhotos` |
| work/environment.json | `Machine` |
| colmap/pairs.json | `recon.poses.pair_graph.PairGraph` |
| work/training.json | `TrainingRecord` |
| output/cameras.json | `Cameras` |
| output/results.json | `recon.pipeline.results.Results` |
| output/viewer.json | `recon.pipeline.start_view.StartView` |
| work/finished.json | `Summary` |

Every `read` raises FileNotFoundError if the stage has not run, and `records.RecordError` for a file
that it did not write. results.json, cameras.json and viewer.json are public: their form must not
change. Frames are COLMAP's: x right, y down, z forward; lengths in the model's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from recon.pipeline.machine.environment import Check
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.progress import Step
from recon.pipeline.quality import UNMEASURED, Evidence, Verdict, verdict_of
from recon.pipeline.records import VERSION, read_record
from recon.pipeline.workspace import Workspace, write_json
from recon.poses.pair_graph import PairGraph
from recon.reporting import WarningRecord
from recon.splats.config import TrainConfig

Vector = tuple[float, float, float]

_ONLY_WATCHES = "gpu_check_interval"  # decides nothing, so it is not part of a digest


@dataclass(frozen=True, kw_only=True)
class PreparedPhotos:
    """What PREFLIGHT made from the photos that were sent."""

    photos: tuple[PreparedPhoto, ...]
    #: Left out -> the photo that it is a copy of, both by their names in upload/images.
    copies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, workspace: Workspace) -> PreparedPhotos:
        return read_record(workspace.photos_json, cls)

    def write(self, workspace: Workspace) -> None:
        write_json(workspace.photos_json, {"version": VERSION, **asdict(self)})

    @property
    def stored_names(self) -> dict[str, str]:
        """Name in work/photos, COLMAP's and training's -> the photo's own, in upload/images."""
        return {photo.name: photo.stored_name for photo in self.photos}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the machine was found to have when the run began."""

    checks: tuple[Check, ...]

    @classmethod
    def read(cls, workspace: Workspace) -> Machine:
        return read_record(workspace.environment_json, cls)

    def write(self, workspace: Workspace) -> None:
        write_json(workspace.environment_json, {"version": VERSION, **asdict(self)})

    @property
    def found(self) -> dict[str, str]:
        """What is there, by the checks' names."""
        return {check.name: check.found for check in self.checks if check.ok}


def read_pair_graph(workspace: Workspace) -> PairGraph:
    """What matching and mapping have found out so far."""
    return read_record(workspace.pairs_json, PairGraph)


def write_pair_graph(workspace: Workspace, graph: PairGraph) -> None:
    write_json(workspace.pairs_json, {"version": VERSION, **asdict(graph)})


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """What GS_TRAIN really used, not what was asked for.

    The number of steps may be decided from the photos, and a GPU that ran out of memory makes
    resolution and cap smaller. Everything after it (evaluation, folds, refinement) must use the
    same.
    """

    iterations: int  # the N of output/*/point_cloud/iteration_N
    gaussian_count: int
    training_size: tuple[int, int]  # px, width and height of the largest photo
    max_image_size: int | None  # px, longest side; None is the photos' own
    max_gaussians: int
    settings: TrainConfig
    #: From the scene's colours to each train photo's, [3][4]; none where photos share one exposure.
    exposures: dict[str, list[list[float]]] = field(default_factory=dict)
    #: Share of each train photo's pixels whose depth other photos confirm.
    confirmed: dict[str, float] = field(default_factory=dict)
    #: Train photos that were not trained on: no other confirms their depths.
    left_out: tuple[str, ...] = ()

    @classmethod
    def read(cls, workspace: Workspace) -> TrainingRecord:
        return read_record(workspace.training_json, cls)

    def write(self, workspace: Workspace) -> None:
        content = {
            "version": VERSION,
            **asdict(self),
            "settings": settings_that_decide(self.settings),
        }
        write_json(workspace.training_json, content)


def settings_that_decide(train: TrainConfig) -> dict[str, object]:
    """The settings that decide what training makes."""
    chosen = asdict(train)
    del chosen[_ONLY_WATCHES]
    return chosen


def settings_used(workspace: Workspace, asked: TrainConfig) -> TrainConfig:
    """What training used. `asked` gives what only watches. Raises as `TrainingRecord.read`."""
    used = TrainingRecord.read(workspace).settings
    return replace(used, gpu_check_interval=asked.gpu_check_interval)


def photos_left_out(workspace: Workspace) -> frozenset[str]:
    """The train photos that training left out. Raises as `TrainingRecord.read`."""
    return frozenset(TrainingRecord.read(workspace).left_out)


def steps_trained(workspace: Workspace) -> int:
    """The N of `iteration_N`; 0 before training, so that looking for files there finds none."""
    try:
        return TrainingRecord.read(workspace).iterations
    except (FileNotFoundError, ValueError):
        return 0


@dataclass(frozen=True, kw_only=True)
class PlacedCamera:
    """A registered photo's camera, as graphdeco's viewers read it: world-from-camera, pixels.

    graphdeco takes the principal point for the middle; cx, cy (the centre of the top-left pixel is
    at 0.5, 0.5) and `start` are ours.
    """

    id: int
    img_name: str  # in work/images, as in work/photos
    width: int  # px
    height: int  # px
    position: Vector  # world units
    rotation: tuple[Vector, Vector, Vector]  # rows of world-from-camera
    fy: float  # px
    fx: float  # px
    cx: float
    cy: float
    start: bool = False  # the scene starts from this photo

    @property
    def cam_from_world(self) -> list[list[float]]:
        """The 3 rows of [R | t]."""
        rows = [[self.rotation[j][i] for j in range(3)] for i in range(3)]
        return [
            [*row, -sum(r * p for r, p in zip(row, self.position, strict=True))] for row in rows
        ]


@dataclass(frozen=True)
class Cameras:
    """The registered photos' cameras, sorted by name."""

    cameras: tuple[PlacedCamera, ...]

    @classmethod
    def read(cls, workspace: Workspace) -> Cameras:
        return cls(read_record(workspace.cameras_json, tuple[PlacedCamera, ...]))

    def write(self, workspace: Workspace) -> None:
        entries = [asdict(camera) for camera in self.cameras]
        for entry in entries:
            if not entry["start"]:
                del entry["start"]
        write_json(workspace.cameras_json, entries)

    @property
    def start(self) -> PlacedCamera | None:
        """The one that the scene starts from."""
        return next((camera for camera in self.cameras if camera.start), None)


@dataclass
class Summary:
    """What `--json` prints: one run's outcome. Figures are those of the scene as shown."""

    status: str = "PROCESSING"  # COMPLETED, STOPPED (at --until), FAILED or CANCELLED
    step: str = Step.QUEUED
    error_code: str | None = None
    error: str | None = None
    fault: str | None = None  # "user" (the photos, the settings) or "ours"
    registered: int | None = None  # photos
    total: int | None = None  # photos
    protocol: str | None = None  # "held-out", or "cross-validation": each photo held out once
    psnr: float | None = None  # dB, mean over held-out photos
    ssim: float | None = None
    lpips: float | None = None
    psnr_corrected: float | None = None  # the same with each photo's exposure matched
    ssim_corrected: float | None = None
    lpips_corrected: float | None = None
    small_psnr: float | None = None  # dB, what the word is made of: `quality.Evidence`
    small_ssim: float | None = None
    held_out: int | None = None  # photos that the figures are means of
    confirmed: float | None = None  # mean share of a train photo whose depth others confirm
    spread: dict[str, float | None] | None = None  # cross-validation: deviation over the photos
    gaussian_count: int | None = None
    refined: bool | None = None  # the scene was finished with all photos, after it was measured
    iterations: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # per step
    warnings: list[WarningRecord] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)  # name -> path in the workspace
    error_facts: dict[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict | None:
        """How good the scene is, in one word; None before EVALUATION."""
        return verdict_of(self.evidence) if Step.EVALUATION in self.seconds else None

    @property
    def word(self) -> str | None:
        """Its word; None before EVALUATION, and where nothing was measured."""
        verdict = self.verdict
        return verdict.word if verdict and verdict.word != UNMEASURED else None

    @property
    def evidence(self) -> Evidence:
        """What the word is made of, as far as it is known."""
        return Evidence(
            psnr=self.small_psnr,
            ssim=self.small_ssim,
            held_out=self.held_out,
            confirmed=self.confirmed,
            registered=self.registered,
            total=self.total,
        )

    @classmethod
    def read(cls, workspace: Workspace) -> Summary:
        return read_record(workspace.finished_json, cls)

    def write(self, workspace: Workspace) -> None:
        write_json(workspace.finished_json, self.to_dict())

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def take(self, facts: Mapping[str, object]) -> None:
        """Copies what a stage found out into the fields of the same name."""
        for name, value in facts.items():
            if name == "artifacts" and isinstance(value, Mapping):
                self.artifacts.update(value)
            elif name in SUMMARY_FACTS:
                setattr(self, name, value)


SUMMARY_FACTS = {
    "registered", "total", "protocol", "psnr", "ssim", "lpips", "psnr_corrected",
    "ssim_corrected", "lpips_corrected", "small_psnr", "small_ssim", "held_out", "confirmed",
    "spread", "gaussian_count", "refined", "iterations",
}  # fmt: skip
