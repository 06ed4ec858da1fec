"""Camera positions on their way out of a decoding process: a message for each photo, then points.

Arrays travel as their bytes, little-endian. Who reads them does not trust who wrote them.
"""

from __future__ import annotations

import numpy as np

from recon.pipeline.decoding.messages import Facts
from recon.poses.pose_files.contents import FileCamera, FilePhoto, FilePoints

_KEYPOINT = 3 * 8  # bytes: x, y, and the number of its point
_POINT = 8 + 3 * 8 + 3  # bytes: its number, x, y, z, and the colour


def of_photo(photo: FilePhoto) -> tuple[Facts, bytes]:
    camera = photo.camera
    facts = {
        "name": photo.name,
        "camera": [camera.model, camera.width, camera.height, list(camera.params)],
        "cam_from_world": photo.cam_from_world.ravel().tolist(),
    }
    return facts, photo.xys.astype("<f8").tobytes() + photo.point_ids.astype("<i8").tobytes()


def read_photo(facts: Facts, body: bytes) -> FilePhoto:
    """Raises ValueError, TypeError, KeyError."""
    model, width, height, params = facts["camera"]
    camera = FileCamera(str(model), int(width), int(height), tuple(float(one) for one in params))
    pose = np.array(facts["cam_from_world"], np.float64).reshape(3, 4)
    count, rest = divmod(len(body), _KEYPOINT)
    if rest:
        raise ValueError(f"{len(body)} bytes are no keypoints")
    xys = np.frombuffer(body, "<f8", 2 * count).reshape(count, 2)
    return FilePhoto(
        str(facts["name"]), camera, pose, xys, np.frombuffer(body, "<i8", count, xys.nbytes)
    )


def of_points(points: FilePoints) -> tuple[Facts, bytes]:
    ids, xyz = points.ids.astype("<i8").tobytes(), points.xyz.astype("<f8").tobytes()
    return {}, ids + xyz + points.rgb.tobytes()


def read_points(body: bytes) -> FilePoints:
    """Raises ValueError."""
    count, rest = divmod(len(body), _POINT)
    if rest:
        raise ValueError(f"{len(body)} bytes are no points")
    ids = np.frombuffer(body, "<i8", count)
    xyz = np.frombuffer(body, "<f8", 3 * count, ids.nbytes).reshape(count, 3)
    rgb = np.frombuffer(body, np.uint8, 3 * count, ids.nbytes + xyz.nbytes).reshape(count, 3)
    return FilePoints(ids, xyz, rgb)
