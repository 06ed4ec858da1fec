"""What earlier photo checks found out, by the photos' content: `check/` in a job's folder.

A photo that was looked at is not looked at again, nor is a pair; what is kept of a removed photo is
deleted. Anything that can't be read, or comes from another version, counts as missing.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from recon.pipeline.workspace import replacing, write_json
from recon.poses.photo_check.brightness import Brightness
from recon.poses.photo_check.photo_look import PhotoLook
from recon.poses.photo_check.quick_pairs import PairFacts, QuickFeatures

#: Raise it when a look or a comparison comes to other results.
VERSION = 3

PairKey = tuple[str, str]  # the two photos' digests, the smaller first


@dataclass(frozen=True)
class _Pairs:
    """pairs.json."""

    version: int
    pairs: tuple[tuple[str, str, PairFacts], ...]


def read_look(folder: Path, digest: str) -> PhotoLook | None:
    """The look at the photo with SHA-256 `digest`, or None."""
    try:
        with _look_path(folder, digest).open("rb") as file:
            return unpack_look(file)
    except OSError:
        return None


def write_look(folder: Path, digest: str, look: PhotoLook) -> None:
    with replacing(_look_path(folder, digest)) as temporary, temporary.open("wb") as file:
        pack_look(file, look)


def unpack_look(file: BinaryIO) -> PhotoLook | None:
    """What `pack_look` wrote, or None."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            facts = json.loads(str(archive["facts"]))
            if facts.pop("version") != VERSION:
                return None
            width, height = facts.pop("small")
            features = QuickFeatures(
                width, height, archive["points"], archive["descriptors"], archive["sharp_at"]
            )
            light = Brightness(**facts.pop("brightness"))
            return PhotoLook(
                **facts,
                detail=archive["detail"],
                brightness=light,
                colours=archive["colours"],
                features=features,
                small=archive["small_grey"],
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def pack_look(file: BinaryIO, look: PhotoLook) -> None:
    facts = {
        "version": VERSION,
        "width": look.width,
        "height": look.height,
        "focal": look.focal,
        "brightness": asdict(look.brightness),
        "small": [look.features.width, look.features.height],
    }
    np.savez(
        file,
        facts=np.array(json.dumps(facts)),
        detail=look.detail,
        colours=look.colours,
        points=look.features.points,
        descriptors=look.features.descriptors,
        sharp_at=look.features.detail,
        small_grey=look.small,
    )


def read_pairs(folder: Path) -> dict[PairKey, PairFacts]:
    """All pairs that were compared."""
    try:
        content = msgspec.json.decode(_pairs_path(folder).read_bytes(), type=_Pairs)
    except (OSError, msgspec.MsgspecError):
        return {}
    return {(a, b): facts for a, b, facts in content.pairs} if content.version == VERSION else {}


def write_pairs(folder: Path, pairs: dict[PairKey, PairFacts]) -> None:
    rows = [[a, b, asdict(facts)] for (a, b), facts in sorted(pairs.items())]
    write_json(_pairs_path(folder), {"version": VERSION, "pairs": rows})


def forget_others(folder: Path, digests: Iterable[str]) -> None:
    """Deletes the looks at photos other than those with `digests`."""
    current = {_look_path(folder, digest) for digest in digests}
    for path in (folder / "looks").glob("*.npz"):
        if path not in current:
            path.unlink(missing_ok=True)


def _look_path(folder: Path, digest: str) -> Path:
    return folder / "looks" / f"{digest}.npz"


def _pairs_path(folder: Path) -> Path:
    return folder / "pairs.json"
