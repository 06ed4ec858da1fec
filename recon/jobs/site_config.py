"""What people wish for a scene, as settings within this site's limits."""

from __future__ import annotations

from django.conf import settings

from recon.pipeline.config import PipelineConfig
from recon.pipeline.wishes import Wishes
from recon.pipeline.wishes_to_settings import resolve


def usual_wishes() -> Wishes:
    """The wishes of somebody who makes no special ones."""
    return Wishes(preset=settings.DEFAULT_PRESET)


def resolved_config(wishes: Wishes) -> PipelineConfig:
    """What is wished for, within this site's limits."""
    return resolve(
        wishes,
        overrides=_site_overrides(),
        max_iterations=settings.TRAINING_ITERATIONS,
        max_image_size=settings.MAX_IMAGE_SIZE,
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
