"""Which files of a folder have the camera positions, and which reader reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from recon.poses.pose_files.colmap_binary import read_binary_model
from recon.poses.pose_files.colmap_text import read_text_model
from recon.poses.pose_files.contents import PoseFile, PoseFileError
from recon.poses.pose_files.transforms_json import read_transforms

TRANSFORMS = "transforms.json"
#: The files of a COLMAP model that are read; rigs and frames say nothing more of single photos.
_NEEDED = ("cameras", "images")
_PARTS = (*_NEEDED, "points3D")
_KINDS = (".bin", ".txt")  # where both are there, COLMAP reads the binary one, too

#: All that files of camera positions are called.
FILE_NAMES = frozenset({*(part + kind for part in _PARTS for kind in _KINDS), TRANSFORMS})

#: Bytes of them together that people may send: a model of some hundred photos.
MOST_BYTES = 64 * 2**20
#: What no honest file goes beyond: photos, and letters of a photo's name with its folders.
_MOST_PHOTOS, _LONGEST_NAME = 20_000, 1000

#: Where programs put the model, best first.
_PLACES = ("", "sparse/0", "colmap/sparse/0", "sparse", "colmap", "colmap/0", "0")


def pose_files_among(names: Collection[str]) -> list[str]:
    """Which of the files `names`, paths in one folder, have the camera positions: those of one
    COLMAP model, or a transforms.json; none where there are none.

    A model at the top, or where COLMAP puts its first, comes before others; of several others,
    the one with the shortest path, then the first by name.
    """
    models = {
        (folder, kind)
        for folder, stem, kind in map(_split, names)
        if stem == "images" and kind in _KINDS
    }
    best = min(models, key=lambda model: (*_rank(model[0]), _KINDS.index(model[1])), default=None)
    if best is not None:
        folder, kind = best
        wanted = [str(PurePosixPath(folder, part + kind)) for part in _PARTS]
        return [name for name in wanted if name in names]
    found = [name for name in names if PurePosixPath(name).name == TRANSFORMS]
    return sorted(found, key=lambda name: (name.count("/"), name))[:1]


def find_pose_files(place: Path) -> list[Path]:
    """The files at `place`: a transforms.json (of any name that ends so), a COLMAP model's folder,
    or a folder that has one of these in it. None where there are none."""
    if place.is_file():
        return [place] if place.suffix == ".json" else []
    if not place.is_dir():
        return []
    folders = [place / name for name in _PLACES]
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    names = {file.relative_to(place).as_posix(): file for file in files if file.is_file()}
    return [names[name] for name in pose_files_among(names)]


def read_pose_files(contents: Mapping[str, bytes]) -> PoseFile:
    """What the files say, by name as in FILE_NAMES; of one photo at least. Raises PoseFileError."""
    found, name = _read(contents)
    if not found.photos:
        raise PoseFileError("poses_unreadable", "it has no photos", file=name)
    if len(found.photos) > _MOST_PHOTOS:
        raise PoseFileError("poses_too_large", f"{len(found.photos)} photos",
                            limit_mb=MOST_BYTES // 2**20)  # fmt: skip
    for photo in found.photos:
        if not _is_name(photo.name):
            raise PoseFileError("poses_unreadable", f"no name: {photo.name!r:.100}", file=name)
    return found


def _read(contents: Mapping[str, bytes]) -> tuple[PoseFile, str]:
    """The content, and the name of the file that lists the photos."""
    for kind, read in ((".bin", read_binary_model), (".txt", read_text_model)):
        if f"images{kind}" in contents:
            if f"cameras{kind}" not in contents:
                raise PoseFileError("poses_unreadable", "it is missing", file=f"cameras{kind}")
            return read(contents), f"images{kind}"
    if TRANSFORMS in contents:
        return read_transforms(contents[TRANSFORMS], TRANSFORMS), TRANSFORMS
    raise PoseFileError(
        "poses_unreadable", "no file of camera positions", file=f"images{_KINDS[0]}"
    )


def _is_name(text: str) -> bool:
    """Whether a file can be called so: JSON may have half letters and NUL in a text."""
    try:
        return "\0" not in text and len(text.encode()) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _split(name: str) -> tuple[str, str, str]:
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    return folder, path.stem, path.suffix


def _rank(folder: str) -> tuple[int, int, str]:
    place = _PLACES.index(folder) if folder in _PLACES else len(_PLACES)
    return place, folder.count("/"), folder
