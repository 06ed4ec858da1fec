"""Large photos for the memory benchmark: a job's photos with poses, made larger.

Real photos are the source, so that depth, texture and overlap are real; only their finest detail is
missing. Poses are those of the small photos: cameras and keypoints are scaled with the pictures.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from recon.pipeline.workspace import Workspace

_JPEG_QUALITY = 95


def enlarge(source: Workspace, target: Workspace, longest: int) -> None:
    """Writes the poses of `source` to `target`, photos with `longest` px on their longest side."""
    target.images.mkdir(parents=True)
    target.undistorted_sparse.mkdir(parents=True)
    for path in sorted(source.images.iterdir()):
        with Image.open(path) as picture:
            size = enlarged_size(picture.size, longest)
            large = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        large.save(target.images / path.name, quality=_JPEG_QUALITY)
    for split in ("train_txt", "test_txt"):
        shutil.copyfile(getattr(source, split), getattr(target, split))
    _enlarge_model(source.undistorted_sparse, target.undistorted_sparse, longest)


def enlarged_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` (px) with `longest` px on its longest side, both sides rounded."""
    factor = longest / max(size)
    return round(size[0] * factor), round(size[1] * factor)


def _enlarge_model(source: Path, target: Path, longest: int) -> None:
    """Scales COLMAP's text model: cameras.txt by each camera's size, keypoints by their photo's."""
    factors: dict[str, tuple[float, float]] = {}
    lines = []
    for line in _lines(source / "cameras.txt"):
        number, kind, width, height, fx, fy, cx, cy = line.split()
        size = enlarged_size((int(width), int(height)), longest)
        x, y = factors[number] = (size[0] / int(width), size[1] / int(height))
        params = float(fx) * x, float(fy) * y, float(cx) * x, float(cy) * y
        lines.append(" ".join(map(str, (number, kind, *size, *params))))
    (target / "cameras.txt").write_text("\n".join(lines) + "\n")

    lines = []
    poses = iter(_lines(source / "images.txt"))
    for pose in poses:
        if not pose.strip():
            continue
        keypoints = np.array(next(poses, "").split(), float).reshape(-1, 3)
        keypoints[:, :2] *= factors[pose.split()[8]]
        lines += [pose, " ".join(f"{x:.3f} {y:.3f} {point:.0f}" for x, y, point in keypoints)]
    (target / "images.txt").write_text("\n".join(lines) + "\n")
    shutil.copyfile(source / "points3D.txt", target / "points3D.txt")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]
