"""The presets: from the quickest to the most detailed, each with its settings."""

from __future__ import annotations

from recon.pipeline.config import PipelineConfig
from recon.pipeline.wishes import QUICK
from recon.splats.config import DenseConfig, TrainConfig

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
            dense=DenseConfig(
                max_image_size=400,
                sweep_shrink=1,
                max_planes=96,
                compared=4,
                min_agreeing=1,
                share=0.75,
            ),
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
