"""Every number that shapes a reconstruction, one frozen dataclass per stage, in named presets.

The resolved config is stored with the job (`output/cfg_args`) and hashed into the stages' done
markers, so it holds neither paths nor device names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypedDict

from recon.pipeline.wishes import OUTLIER_FILTERS, QUICK, Wishes, find_preset
from recon.poses.config import MappingConfig
from recon.splats.config import DenseConfig, TrainConfig


@dataclass(frozen=True, kw_only=True)
class PreflightConfig:
    """How photos are accepted and prepared."""

    min_photos: int = 3
    max_photos: int = 20
    min_image_size: int = 100  # px, each side
    max_image_size: int | None = 1600  # px, longest side of work/photos; None keeps full size
    max_megapixels: int = 100  # declared size of one photo, against decompression bombs
    jpeg_quality: int = 95  # of the re-encoded photos, 1 to 100
    min_free_disk_mb: int = 500  # refuse to start a job with less


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig:
    """SIFT, COLMAP's defaults."""

    max_image_size: int = 3200  # px, longest side on which features are found
    max_num_features: int = 8192  # per photo
    shared_camera: bool = True  # one camera for photos of the same size and focal length


@dataclass(frozen=True, kw_only=True)
class MatchingConfig:
    """Exhaustive matching, COLMAP's defaults; pairs are few with 20 photos."""

    min_num_inliers: int = 15  # verified matches for a pair to count


@dataclass(frozen=True, kw_only=True)
class UndistortConfig:
    """Pinhole images and the recorded train/test split."""

    holdout_every: int = 5  # photos sorted by name, index % 5 == 2 is held out
    holdout_offset: int = 2
    holdout_offset_few: int = 1  # with fewer photos than `holdout_every`, this index is
    jpeg_quality: int = 97  # of the undistorted photos, 1 to 100


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Held-out quality."""

    lpips: bool = True
    outlier_filter: str = "auto"  # "always", "never", or by the next line
    max_filter_loss_db: float = 0.1  # the filtered scene is used if mean PSNR falls by no more
    cross_validate: bool = False  # hold out every photo once; never in the quick preset
    cross_validate_max_photos: int = 10  # registered; with more, one split says enough


class OutlierFilter(TypedDict):
    """The arguments of `recon.splats.outliers.keep_mask`."""

    k_neighbors: int
    std_threshold: float  # standard deviations over the mean neighbour distance
    min_cluster_ratio: float  # of all Gaussians


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The delivered scene: the outlier filter (statistical, then DBSCAN) and its files."""

    final_refine: bool = True  # the measured model is finished with all photos
    max_haze_loss_db: float = 0.1  # before that, haze is removed if held-out photos lose no more
    outlier_k_neighbors: int = 20
    outlier_std_threshold: float = 2.0  # standard deviations over the mean neighbour distance
    outlier_min_cluster_ratio: float = 0.05  # of all Gaussians; smaller clusters go
    poster_size: int = 800  # px, longest side
    turntable: bool = True  # make a video along a path through the photos
    turntable_size: int = 1280  # px, longest side at most; smaller photos and CPUs make it smaller

    def filter_arguments(self) -> OutlierFilter:
        """The arguments of `recon.splats.outliers.keep_mask`."""
        return {
            "k_neighbors": self.outlier_k_neighbors,
            "std_threshold": self.outlier_std_threshold,
            "min_cluster_ratio": self.outlier_min_cluster_ratio,
        }


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """One job's whole configuration."""

    preset: str = "standard"
    seed: int = 42
    preflight: PreflightConfig = field(default_factory=PreflightConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    mapping: MappingConfig = field(default_factory=MappingConfig)
    undistort: UndistortConfig = field(default_factory=UndistortConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    export: ExportConfig = field(default_factory=ExportConfig)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def may_cross_validate(self) -> bool:
        """Whether it is requested and may run: the quick preset is for those who can't wait."""
        return self.evaluate.cross_validate and self.preset != QUICK

    def cross_validates(self, photos: int) -> bool:
        """Whether each of this many registered photos is held out once."""
        return self.may_cross_validate and photos <= self.evaluate.cross_validate_max_photos


PRESETS: dict[str, PipelineConfig] = {
    # A laptop without a GPU: small pictures, few Gaussians, minutes.
    QUICK: PipelineConfig(
        preset=QUICK,
        train=TrainConfig(
            iterations=1200,
            steps_per_photo=75,
            min_iterations=400,
            max_image_size=400,
            max_gaussians=40_000,
            sh_degree=0,
            refine_every=50,
            means_lr=5e-4,
            opacity_decay=0.997,
            # Against fitting the photos too well; so few Gaussians and steps don't fit them enough.
            exposure_lr=0.0,
            dropout=0.0,
            random_background=False,
            min_size=0.0,
            average_from=1.0,
            dense=DenseConfig(max_image_size=400, sweep_shrink=1, compared=4, share=0.75),
        ),
    ),
    "standard": PipelineConfig(preset="standard"),
    "high": PipelineConfig(
        preset="high",
        train=TrainConfig(
            iterations=7000,
            steps_per_photo=400,
            min_iterations=1200,
            max_gaussians=1_000_000,
            gaussians_per_pixel=0.15,
            sh_degree=2,
            sh_degree_interval=1000,
            dropout=0.2,
            dense=DenseConfig(share=0.2),
        ),
    ),
}


def resolve(
    wishes: Wishes,
    *,
    overrides: Mapping[str, object] | None = None,
    max_iterations: int | None = None,
    max_image_size: int | None = None,
    seed: int | None = None,
) -> PipelineConfig:
    """The settings that fulfil the wishes.

    `overrides` change the preset's settings, nested like `PipelineConfig`
    (`{"train": {"iterations": 500}}`); the wishes come on top. `max_iterations` (steps)
    and `max_image_size` (px) are ceilings, not settings.

    Raises ValueError for an unknown or ill-typed key.
    """
    config = from_dict(overrides or {}, base=PRESETS[wishes.preset])
    config = from_dict(_asked_for(wishes), base=config)
    config = from_dict(_below(config, max_iterations, max_image_size), base=config)
    return config if seed is None else replace(config, seed=seed)


def _asked_for(wishes: Wishes) -> dict[str, dict[str, object]]:
    """The settings that the wishes change, nested like `PipelineConfig`.

    Photos that keep their full size are also trained on at that size, except in the quick preset,
    which is small by definition (its score at full size is still reported).
    """
    changes: dict[str, dict[str, object]] = {
        "preflight": {},
        "train": {},
        "evaluate": {},
        "export": {},
    }
    if wishes.original_resolution:
        changes["preflight"]["max_image_size"] = None
        if wishes.preset != QUICK:
            changes["train"]["max_image_size"] = None
    if wishes.cross_validate:
        changes["evaluate"]["cross_validate"] = True
    if wishes.outlier_filter != "auto":
        changes["evaluate"]["outlier_filter"] = wishes.outlier_filter
    if not wishes.final_refine:
        changes["export"]["final_refine"] = False
    return changes


def _below(
    config: PipelineConfig, max_iterations: int | None, max_image_size: int | None
) -> dict[str, dict[str, object]]:
    """The settings that lie over a ceiling, lowered to it, nested like `PipelineConfig`."""
    changes: dict[str, dict[str, object]] = {"preflight": {}, "train": {}}
    if max_iterations is not None:
        changes["train"]["iterations"] = min(config.train.iterations, max_iterations)
    if max_image_size is not None:
        for name, stage in (("preflight", config.preflight), ("train", config.train)):
            changes[name]["max_image_size"] = _ceiling(stage.max_image_size, max_image_size)
    return changes


def from_dict(data: Mapping[str, object], *, base: PipelineConfig | None = None) -> PipelineConfig:
    """`base` (default: the standard preset) with the values of the nested mapping `data`.

    Raises ValueError for an unknown key or a value of the wrong type, naming it.
    """
    return _merge(base or PRESETS["standard"], data, "")


def _merge(target: Any, data: Mapping[str, object], path: str) -> Any:
    known = {f.name for f in fields(target)}
    changes: dict[str, object] = {}
    for key, value in data.items():
        name = f"{path}{key}"
        if key not in known:
            raise ValueError(f"unknown setting {name}; known are {', '.join(sorted(known))}")
        current = getattr(target, key)
        if is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ValueError(f"{name} must be a group of settings, not {value!r}")
            changes[key] = _merge(current, value, f"{name}.")
        else:
            changes[key] = _check_type(name, current, value)
    return replace(target, **changes)


def _check_type(name: str, current: Any, value: Any) -> Any:
    """`value` if it has the type of `current`; whole numbers pass as floats, lists as tuples."""
    if name.endswith("max_image_size") and (value is None or type(value) is int):
        return value
    if name == "preset" and isinstance(value, str):
        return find_preset(value)
    if name == "evaluate.outlier_filter" and value not in OUTLIER_FILTERS:
        raise ValueError(f"{name} must be one of {', '.join(OUTLIER_FILTERS)}, not {value!r}")
    if isinstance(current, float) and type(value) is int:
        return float(value)
    if isinstance(current, tuple) and isinstance(value, list):  # JSON knows no tuples
        return tuple(value)
    if type(value) is not type(current):
        expected = type(current).__name__
        raise ValueError(f"{name} must be {expected}, not {type(value).__name__} {value!r}")
    return value


def _ceiling(value: int | None, ceiling: int) -> int:
    return ceiling if value is None else min(value, ceiling)
