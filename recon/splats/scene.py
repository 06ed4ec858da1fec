"""What training starts from: photos with their cameras, the split, and the SfM points.

Reads COLMAP's text model (cameras.txt, images.txt, points3D.txt) of undistorted photos. Frames and
pixel origin are those of `recon.splats.gaussians`: COLMAP's world, OpenCV's camera axes, the centre
of the top-left pixel at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from recon.geometry import rotation_matrix
from recon.picture_size import fitted_size
from recon.splats.gaussians import Camera
from recon.splats.triangulation import Tracks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PosedPhoto:
    """One registered photo: its camera at the photo's own size, and what SfM saw in it."""

    name: str
    camera: Camera
    xys: Floats  # [F, 2] px, keypoints
    point_ids: NDArray[np.int64]  # [F] the SfM point of each keypoint, -1 for none


@dataclass(frozen=True)
class Points:
    """The SfM points."""

    ids: NDArray[np.int64]  # [P] as `PosedPhoto.point_ids` has them
    xyz: Floats  # [P, 3] world units


@dataclass(frozen=True)
class View:
    """One photo, ready to train on or to score against."""

    name: str
    camera: Camera  # of the picture's size
    image: Tensor  # [H, W, 3] uint8 RGB

    def to(self, device: torch.device | str) -> View:
        return View(self.name, self.camera.to(device), self.image.to(device))

    @property
    def colours(self) -> Tensor:
        """The picture as float32 between 0 and 1, [H, W, 3]."""
        return self.image.float() / 255


@dataclass(frozen=True)
class Model:
    """The SfM model and its split. Photos are sorted by name."""

    train: list[PosedPhoto]
    test: list[PosedPhoto]

    @property
    def photos(self) -> list[PosedPhoto]:
        return sorted(self.train + self.test, key=lambda posed: posed.name)


def read_model(sparse: Path, train_txt: Path, test_txt: Path) -> Model:
    """The text model in the folder `sparse`, split by the two lists of photo names.

    Raises ValueError for a camera with distortion and KeyError for a listed photo that the model
    lacks: the undistortion stage writes neither.
    """
    cameras = dict(_read_cameras(sparse / "cameras.txt"))
    posed = {photo.name: photo for photo in _read_images(sparse / "images.txt", cameras)}

    def listed(path: Path) -> list[PosedPhoto]:
        return [posed[name] for name in sorted(path.read_text().split("\n")) if name]

    return Model(listed(train_txt), listed(test_txt))


def read_points(sparse: Path) -> Points:
    """The points of the text model in the folder `sparse`."""
    fields = [line.split(maxsplit=4)[:4] for line in _lines(sparse / "points3D.txt")]
    return Points(
        ids=np.array([point[0] for point in fields], np.int64),
        xyz=np.array([point[1:] for point in fields], np.float64).reshape(-1, 3),
    )


def load_view(posed: PosedPhoto, images: Path, max_image_size: int | None) -> View:
    """The photo `posed` from the folder `images`, at most `max_image_size` px on its longest side.

    Shrunk by averaging areas; None keeps the photo's own size.
    """
    with Image.open(images / posed.name) as file:
        picture = file.convert("RGB")
    assert picture.size == (posed.camera.width, posed.camera.height), posed.name
    size = fitted_size(*picture.size, max_image_size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BOX)
    return View(posed.name, posed.camera.resized(*size), torch.from_numpy(np.array(picture)))


def scene_extent(cameras: Iterable[Camera]) -> float:
    """1.1 times the largest distance of a camera from their mean (3DGS), in world units."""
    positions = torch.stack([camera.position for camera in cameras])
    return 1.1 * float((positions - positions.mean(0)).norm(dim=1).max())


def train_tracks(train: list[PosedPhoto]) -> Tracks:
    """Every SfM point that at least two of the `train` photos observe, with those observations.

    Nothing of a held-out photo enters: not its observations, nor the joint model's positions.
    """
    seen = [photo.point_ids >= 0 for photo in train]
    views = np.concatenate([np.full(mask.sum(), i) for i, mask in enumerate(seen)])
    xys = np.concatenate([photo.xys[mask] for photo, mask in zip(train, seen, strict=True)])
    ids = np.concatenate([photo.point_ids[mask] for photo, mask in zip(train, seen, strict=True)])
    # A track may touch one photo twice: two observations of one photo are no parallax.
    _, first = np.unique(np.stack([ids, views]), axis=1, return_index=True)
    views, xys, ids = views[first], xys[first], ids[first]
    _, points, counts = np.unique(ids, return_inverse=True, return_counts=True)
    enough = counts[points] >= 2
    _, points = np.unique(points[enough], return_inverse=True)
    return Tracks(points=points, views=views[enough], xys=xys[enough])


def _read_cameras(path: Path) -> Iterator[tuple[int, tuple[Tensor, int, int]]]:
    """(camera id, (K, width, height)) of every line of cameras.txt."""
    for line in _lines(path):
        number, kind, width, height, *params = line.split()
        if kind != "PINHOLE":
            raise ValueError(f"{path.name}: camera {number} is {kind}, not an undistorted PINHOLE")
        fx, fy, cx, cy = map(float, params)
        K = torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        yield int(number), (K, int(width), int(height))


def _read_images(path: Path, cameras: dict[int, tuple[Tensor, int, int]]) -> Iterator[PosedPhoto]:
    """Every photo of images.txt: a line with its pose, then one with its keypoints."""
    lines = _lines(path, keep_empty=True)
    for line in lines:
        if not line.strip():
            continue
        fields = line.split(maxsplit=9)
        viewmat = torch.eye(4)
        viewmat[:3, :3] = torch.from_numpy(rotation_matrix(np.array(fields[1:5], float)))
        viewmat[:3, 3] = torch.tensor([float(value) for value in fields[5:8]])
        K, width, height = cameras[int(fields[8])]
        keypoints = np.array(next(lines, "").split(), float).reshape(-1, 3)
        yield PosedPhoto(
            name=fields[9].strip(),
            camera=Camera(viewmat, K, width, height),
            xys=keypoints[:, :2],
            point_ids=keypoints[:, 2].astype(np.int64),
        )


def _lines(path: Path, *, keep_empty: bool = False) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#") and (keep_empty or line.strip()):
                yield line
