"""Features and matches of an earlier job, for photos that are also in this one.

A photo is the same where its prepared file has the same SHA-256, and features are the same where
they were made with the same settings; then this only saves work, and the result is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recon.poses.native import colmap

if TYPE_CHECKING:
    from pycolmap import Database


@dataclass(frozen=True)
class KnownPhotos:
    """What an earlier database knows about the photos here."""

    database: Path  # the earlier one
    names: Mapping[str, str]  # name here -> name there

    def bring_in(self, database: Path) -> None:
        """Copies keypoints and descriptors to `database`, which has the photos but not these."""
        with _open(self.database) as old, _open(database) as new:
            for here, there in self.names.items():
                theirs, ours = _id(old, there), _id(new, here)
                new.write_keypoints(ours, old.read_keypoints(theirs))
                new.write_descriptors(ours, old.read_descriptors(theirs))

    def bring_in_matches(self, database: Path) -> int:
        """Copies the matches of pairs, not yet verified; returns how many pairs had any.

        They must be those of the features that are in `database`.
        """
        copied = 0
        with _open(self.database) as old, _open(database) as new:
            for a, b in combinations(sorted(self.names), 2):
                theirs = _id(old, self.names[a]), _id(old, self.names[b])
                if old.exists_matches(*theirs):
                    matches = np.array(old.read_matches(*theirs))
                    # In the order that the matcher writes, whichever photo was first there.
                    matches = matches[np.argsort(matches[:, 0], kind="stable")]
                    new.write_matches(_id(new, a), _id(new, b), matches)
                    copied += 1
        return copied


def find_known_photos(
    database: Path, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> KnownPhotos | None:
    """What `database` knows of our photos; None where that is nothing.

    `theirs` and `ours` are the digests of the photos by name.
    """
    by_digest = {digest: name for name, digest in theirs.items() if digest}
    with _open(database) as old:
        described = {
            image.name for image in old.read_all_images() if old.exists_descriptors(image.image_id)
        }
    same = {
        name: by_digest[digest]
        for name, digest in ours.items()
        if digest in by_digest and by_digest[digest] in described
    }
    return KnownPhotos(database, same) if same else None


def _open(database: Path) -> Database:
    return colmap().Database.open(database)


def _id(content: Database, name: str) -> int:
    image = content.read_image_with_name(name)
    if image is None:
        raise KeyError(name)
    return int(image.image_id)
