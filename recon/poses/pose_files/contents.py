"""What a file of camera positions says, whatever its format.

Frames are COLMAP's: camera axes x right, y down, z forward, poses camera-from-world, the centre of
the top-left pixel at (0.5, 0.5). World axes and units are the file's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: No point: what an observation of none has as its id.
NO_POINT = -1


class PoseFileError(Exception):
    """A fault of the file, or of its fit to the photos. `code` and `facts` are those of the error
    that people see; `detail` is for the log."""

    def __init__(self, code: str, detail: str = "", **facts: object) -> None:
        super().__init__(f"{code}: {detail or facts}")
        self.code, self.detail, self.facts = code, detail, facts


@dataclass(frozen=True)
class FileCamera:
    """A camera: COLMAP's name of its model, and that model's parameters, in px of the picture."""

    model: str
    width: int  # px
    height: int  # px
    params: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class FilePhoto:
    """A photo that has a position."""

    name: str  # as the file calls it, perhaps with folders
    camera: FileCamera
    cam_from_world: NDArray[np.float64]  # [3, 4]
    xys: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))  # [K, 2] px
    point_ids: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(0, np.int64)
    )  # [K], or NO_POINT


@dataclass(frozen=True, eq=False)
class FilePoints:
    """Points that photos observe."""

    ids: NDArray[np.int64]  # [P]
    xyz: NDArray[np.float64]  # [P, 3]
    rgb: NDArray[np.uint8]  # [P, 3]


NO_POINTS = FilePoints(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3), np.uint8))


@dataclass(frozen=True, eq=False)
class PoseFile:
    """Photos with positions, in the file's order, and the points that they observe."""

    photos: tuple[FilePhoto, ...]
    points: FilePoints = NO_POINTS
