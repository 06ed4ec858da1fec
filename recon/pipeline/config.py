"""Every number that shapes a reconstruction, one frozen dataclass per stage.

The values here are the standard preset's; `presets` has the others.

The resolved config is stored with the job (`output/cfg_args`) and hashed into the stages' done
markers, so it holds neither paths nor device names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypedDict

from recon.pipeline.wishes import OUTLIER_FILTERS, QUICK, find_preset
from recon.poses.config import MappingConfig
from recon.splats.config import TrainConfig


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
    make_anyway: bool = False  # deliver even what is no scene; decides nothing within a step
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


def from_dict(data: Mapping[str, object], *, base: PipelineConfig | None = None) -> PipelineConfig:
    """`base` (default: the standard preset) with the values of the nested mapping `data`.

    Raises ValueError for an unknown key or a value of the wrong type, naming it.
    """
    return _merge(base or PipelineConfig(), data, "")


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
