"""The pipeline's presets within this site's limits."""

from __future__ import annotations

from django.conf import settings

from recon.pipeline.config import PipelineConfig, resolve


def resolved_config(
    preset: str,
    *,
    original_resolution: bool,
    cross_validate: bool = False,
    final_refine: bool = True,
    outlier_filter: str = "",
) -> PipelineConfig:
    """The preset with this site's limits. Raises KeyError for an unknown preset."""
    return resolve(
        preset,
        overrides=_site_overrides(),
        original_resolution=original_resolution,
        max_iterations=settings.TRAINING_ITERATIONS,
        max_image_size=settings.MAX_IMAGE_SIZE,
        cross_validate=cross_validate,
        final_refine=final_refine,
        outlier_filter=outlier_filter,
    )


def _site_overrides() -> dict[str, object]:
    return {
        "preflight": {
            "min_photos": settings.MIN_PHOTOS,
            "max_photos": settings.MAX_PHOTOS,
            "min_image_size": settings.MIN_IMAGE_SIZE,
        },
        "train": {"gpu_check_interval": settings.GPU_CHECK_INTERVAL * settings.MONITOR_GPU},
        "export": {
            "outlier_k_neighbors": settings.OUTLIER_K_NEIGHBORS,
            "outlier_std_threshold": settings.OUTLIER_STD_THRESHOLD,
            "outlier_min_cluster_ratio": settings.OUTLIER_MIN_CLUSTER_RATIO,
        },
    }
