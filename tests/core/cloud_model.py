"""A model of made-up points, seen by cameras that we know, adjusted as COLMAP's mapper would."""

from __future__ import annotations

import numpy as np
import pycolmap

PHOTOS, POINTS = 8, 400
WIDTH, HEIGHT, FOCAL = 640, 480, 520.0
NOISE = 0.2  # px, of the observations


def cloud_model(
    shift: float = 0.0, points: int = POINTS, *, second_term: float = 0.0, wrong: float = 0.0
) -> pycolmap.Reconstruction:
    """Photos of a deep cloud from a 2 x 4 grid, adjusted as COLMAP would with one ordinary camera.

    Their true principal points lie up to `shift` px off the middle, the true lens has the radial
    terms 0.01 and `second_term`, and the part `wrong` of the observations is some px off: so little
    that the mapper's filters let it pass.
    """
    rng, other = np.random.default_rng(4), np.random.default_rng(5)
    cloud = rng.uniform((-3, -2.2, 4), (3, 2.2, 9), (points, 3))
    middles = np.array([WIDTH / 2, HEIGHT / 2]) + shift * rng.uniform(-1, 1, (PHOTOS, 2))
    model = pycolmap.Reconstruction()
    params = [FOCAL, WIDTH / 2, HEIGHT / 2, 0.01]
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=WIDTH, height=HEIGHT, params=params)
    camera.camera_id = 1
    model.add_camera_with_trivial_rig(camera)
    seen = []
    for index, pose in enumerate(true_poses()):
        lens = pycolmap.Camera(
            model="RADIAL", width=WIDTH, height=HEIGHT, params=[*params, second_term]
        )
        lens.principal_point_x, lens.principal_point_y = middles[index]
        pixels = np.array(lens.img_from_cam(pose * cloud)) + rng.normal(0, NOISE, (points, 2))
        pixels += (other.random((points, 1)) < wrong) * other.uniform(-2.5, 2.5, (points, 2))
        inside = ((pixels > 0) & (pixels < (WIDTH, HEIGHT))).all(axis=1).nonzero()[0]
        image = pycolmap.Image(
            name=f"{index}.jpg", keypoints=pixels[inside], camera_id=1, image_id=index + 1
        )
        model.add_image_with_trivial_frame(image, pose)
        seen.append({int(point): number for number, point in enumerate(inside)})
    for point in range(points):
        track = pycolmap.Track()
        for index, numbers in enumerate(seen):
            if point in numbers:
                track.add_element(index + 1, numbers[point])
        if track.length() >= 2:
            model.add_point3D(cloud[point], track, np.array([9, 99, 199], np.uint8))
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.bundle_adjustment(model, options)
    return model


def true_poses() -> list[pycolmap.Rigid3d]:
    """Where the cameras really are, cam_from_world, by number."""
    rng = np.random.default_rng(6)
    places = [np.array([i % 4 - 1.5, i // 4 - 0.5, 0.1 * i]) for i in range(PHOTOS)]
    return [pycolmap.Rigid3d(pycolmap.Rotation3d(rng.normal(0, 0.03, 3)), -p) for p in places]
