"""The COLMAP model as a zip that COLMAP and its relatives open."""

from __future__ import annotations

import zipfile
from pathlib import Path

from recon.poses.colmap.sparse_model import RegisteredPhoto, read_sparse

_FOLDER = "sparse/0"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip's earliest date: the same model is the same file

_ABOUT = """\
The COLMAP model of this scene, made by InstaRecon3D.

{folder} holds cameras, images and points3D (and, for COLMAP 3.12 and later, rigs and frames) in
COLMAP's binary format: https://colmap.github.io/format.html

Open it in COLMAP with File > Import model, in Python with pycolmap.Reconstruction("{folder}"), or
give the folder to any program that reads COLMAP models, beside a folder with your photos.

Photos
  The names are those that the photos have here: all are .jpg, and on the site a number comes first,
  the photo's place in your upload. Name your photos so to use them with the model. Pixels are those
  of the photos as prepared here: upright, in the sizes below. Where yours have another size, scale
  them, or multiply the camera's parameters (width, height, focal length, principal point).

Conventions
  Poses are camera-from-world: a point X of the world is at R X + t in front of the camera.
  Camera axes: x right, y down, z forward. Quaternions: w, x, y, z.
  The centre of the top-left pixel is at (0.5, 0.5).
  World units are the model's own; one is no metre.
  The scene's PLY and .splat files have the same world. An SPZ file has it turned by half a turn
  about x: (x, y, z) is (x, -y, -z) there, as that format wants it.

Photos that have a place ({count})
{placed}
{others}"""


def write_model_archive(sparse: Path, photos: Path, path: Path) -> None:
    """Zips the binary COLMAP model in the folder `sparse`; `photos` is the prepared ones' folder.

    Raises FileNotFoundError where there is no model, and ValueError for one that can't be read.
    """
    placed = read_sparse(sparse).photos
    everything = sorted(p.relative_to(photos).as_posix() for p in photos.rglob("*") if p.is_file())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "README.txt", _about(placed, everything).encode())
        for file in sorted(sparse.glob("*.bin")):
            _add(archive, f"{_FOLDER}/{file.name}", file.read_bytes())


def _about(placed: list[RegisteredPhoto], everything: list[str]) -> str:
    lines = [f"  {photo.name}  {photo.width} x {photo.height} px" for photo in placed]
    left_out = sorted(set(everything) - {photo.name for photo in placed})
    others = [f"\nPhotos without a place ({len(left_out)})", *(f"  {name}" for name in left_out)]
    return _ABOUT.format(
        folder=_FOLDER,
        count=len(placed),
        placed="\n".join(lines),
        others="\n".join(others) + "\n" if left_out else "",
    )


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    about = zipfile.ZipInfo(name, _EPOCH)
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o644 << 16
    archive.writestr(about, content)
