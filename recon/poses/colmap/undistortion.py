"""Pinhole photos and the model that fits them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.native import colmap, run_native
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken


def undistort(
    model: Path, photos: Path, scratch: Path, *, jpeg_quality: int, report: Progress
) -> tuple[Path, Path]:
    """Writes the registered photos without distortion; returns their folder and the model's.

    `model` is a COLMAP model's folder, `scratch` an empty one that everything is written to. The
    returned model is in COLMAP's text format, its cameras are PINHOLE, and its observations are
    those of the undistorted photos. Photos keep about their size: COLMAP crops to the largest
    picture without empty borders.
    """
    pycolmap = colmap()
    total = len(pycolmap.Reconstruction(model).reg_image_ids())
    images = scratch / "images"

    def call(token: CancellationToken) -> None:
        pycolmap.undistort_images(
            scratch, model, photos, jpeg_quality=jpeg_quality, cancellation_token=token
        )

    def poll() -> None:
        done = sum(1 for _ in images.glob("*.jpg")) if images.is_dir() else 0
        report(min(done / total, 1.0), "photo", number=min(done + 1, total), total=total)

    run_native(call, poll)
    text = scratch / "text"
    text.mkdir()
    pycolmap.Reconstruction(scratch / "sparse").write_text(text)
    return images, text
