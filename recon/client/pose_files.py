"""Which files on this machine have camera positions, as a site takes them."""

from __future__ import annotations

from pathlib import Path

from recon.client.errors import WrongUse

TRANSFORMS = "transforms.json"
_PARTS = ("cameras", "images", "points3D")
#: Where both are there, the binary model counts.
_KINDS = (".bin", ".txt")
#: Where programs put a model in a folder, best first.
PLACES = ("", "sparse/0", "colmap/sparse/0", "sparse", "colmap", "colmap/0", "0")


def find(place: Path) -> dict[str, Path]:
    """The files at `place` by the names that the site knows them by: a zip or a JSON file, or what
    is in a folder, a COLMAP model before a transforms.json. Raises WrongUse."""
    if place.is_file() and place.suffix.lower() in (".zip", ".json"):
        return {TRANSFORMS if place.suffix.lower() == ".json" else place.name: place}
    for folder in (place / name for name in PLACES):
        for kind in _KINDS:
            if (folder / f"images{kind}").is_file():
                model = (folder / f"{part}{kind}" for part in _PARTS)
                return {file.name: file for file in model if file.is_file()}
    for folder in (place / name for name in PLACES):
        if (folder / TRANSFORMS).is_file():
            return {TRANSFORMS: folder / TRANSFORMS}
    raise WrongUse(
        f"There are no camera positions at {place}.",
        "Name a COLMAP model's folder, a transforms.json, or a zip with one of them.",
    )
