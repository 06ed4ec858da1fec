"""The numbers that shape training, one comment each with its unit.

Here and not in `recon.pipeline.config`, which has the presets, because `splats` is below the
pipeline and imports nothing from it. No torch: the site reads these too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DenseConfig:
    """Dense starting points by multi-view stereo: `recon.splats.dense_init` and `depth_maps`."""

    enabled: bool = True
    max_image_size: int = 700  # px, longest side of the depth maps
    sweep_shrink: int = 2  # the plane sweep runs at this fraction of it
    planes: int = 96  # inverse depths of the sweep, at least,
    max_planes: int = 288  # and at most
    max_step: float = 1.0  # px, between two planes in a neighbour, as far as `max_planes` allows
    beyond: float = 10.0  # the sweep's end, times the 98th percentile of a photo's SfM depths
    chunk: int = 16  # planes whose neighbours are warped at a time
    refinements: int = 2  # at full size, each half as wide as the one before
    neighbours: int = 8  # photos whose own maps may confirm a photo's depths
    compared: int = 6  # of these, the best, that its pixels are compared with
    window: int = 7  # px, of the ZNCC
    min_zncc: float = 0.4  # -1 to 1
    max_shift: float = 1.0  # px: neighbours' maps within it agree
    max_depth_error: float = 0.005  # relative, likewise
    min_agreeing: int = 2  # neighbours that must agree; at most half of those that there are
    share: float = 0.5  # of the cap on Gaussians that the start may fill
    min_coverage: float = 0.02  # of the photos' pixels; with less the SfM points are the start
    initial_opacity: float = 0.5


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """3D Gaussian Splatting (Kerbl et al. 2023), tuned for few photos."""

    iterations: int = 3000  # steps, one photo each; at most
    steps_per_photo: int = 135  # to train on: more suits these photos and no others; 0 sets no rule
    min_iterations: int = 600  # where that makes fewer, these (never over `iterations`)
    max_image_size: int | None = 1600  # px, longest side trained at; None trains at full size
    max_gaussians: int = 300_000  # hard cap
    gaussians_per_pixel: float = 0.05  # of all photos to train on: the cap is no higher; 0: no rule
    sh_degree: int = 1
    sh_degree_interval: int = 500  # steps before the next SH degree switches on
    ssim_weight: float = 0.2  # loss = (1 - w) L1 + w (1 - SSIM)
    means_lr: float = 8e-4  # per scene extent, decays to 1% at the end
    scales_lr: float = 2e-2
    quats_lr: float = 1e-3
    opacities_lr: float = 5e-2
    sh0_lr: float = 2.5e-3
    shN_lr: float = 2.5e-3 / 20
    dense: DenseConfig = DenseConfig()
    initial_opacity: float = 0.1  # of Gaussians that start from SfM points
    initial_scale: float = 1.0  # times the mean distance to the three nearest neighbours
    refine_start: float = 0.1  # fraction of iterations: densification begins
    refine_stop: float = 0.6  # fraction of iterations: densification ends
    refine_every: int = 100  # steps
    grow_grad2d: float = 1.5e-4  # mean 2D gradient (in half image sides) above which one grows
    grow_scale3d: float = 0.01  # of the scene extent; smaller are cloned, larger are split
    prune_opacity: float = 0.005
    opacity_decay: float = 0.993  # factor per step after refinement begins; 1 is none
    dropout: float = 0.1  # share of the Gaussians that each step leaves out; 0 is none
    random_background: bool = True
    min_size: float = 0.3  # px in the nearest photo, standard deviation; 0 sets no limit
    max_reach: float = 1.0  # standard deviation over the distance to a camera; 0 sets no limit
    average_from: float = 0.8  # fraction of iterations: the result is the mean from here on; 1 not
    exposure_estimate: bool = True  # maps start from what points seen in several photos say
    exposure_lr: float = 2e-3  # of each photo's affine map of colours; 0 learns none
    exposure_weight: float = 0.1  # times the map's squared distance from where it began
    final_refine: float = 0.3  # fraction of iterations, on all photos after the evaluation
    gpu_check_interval: int = 100  # steps between samples of GPU memory; 0 takes none

    def steps_for(self, photos: int) -> int:
        """How many steps so many photos to train on are worth."""
        if not self.steps_per_photo:
            return self.iterations
        return min(self.iterations, max(self.steps_per_photo * photos, self.min_iterations))
