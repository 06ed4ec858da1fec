"""Bundle adjustment: poses, points and cameras together, until points land where they were seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from recon.poses.native import colmap

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_ROBUST_SCALE = 0.5  # px: a Cauchy loss, since one wrong match must not move a pose
_MAX_ITERATIONS = 50
_TOLERANCE = 1e-6  # relative fall of the cost at which the adjustment has arrived


def adjust(
    model: Reconstruction,
    *,
    lenses: bool,
    principal_points: bool = False,
    robust: bool = True,
    held: Collection[int] = (),
) -> None:
    """Adjusts the pycolmap reconstruction `model` in place.

    `lenses` frees focal lengths and distortion, `principal_points` these; the cameras `held`, by
    id, stay as they are. A second or two, in which nothing else runs: `pycolmap.bundle_adjustment`
    would let go of Python's lock, but turns COLMAP's log on, for good.
    """
    pycolmap = colmap()
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_focal_length = lenses
    options.refine_extra_params = lenses
    options.refine_principal_point = principal_points
    if robust:
        options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
        options.ceres.loss_function_scale = _ROBUST_SCALE
    options.ceres.solver_options.num_threads = 1  # so that sums are rounded alike on all machines
    options.ceres.solver_options.max_num_iterations = _MAX_ITERATIONS
    options.ceres.solver_options.function_tolerance = _TOLERANCE
    problem = pycolmap.BundleAdjustmentConfig()
    for image_id in model.reg_image_ids():
        problem.add_image(image_id)
    for camera_id in held:
        problem.set_constant_cam_intrinsics(camera_id)
    problem.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(options, problem, model).solve()
