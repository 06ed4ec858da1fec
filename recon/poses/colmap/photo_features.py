"""The features of one photo, for whoever shows what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.poses.colmap import databases


@dataclass(frozen=True)
class PhotoFeatures:
    """A photo with the features that were found in it."""

    photo: str  # COLMAP's name
    places: NDArray[np.float32]  # [N, 3]: x, y, radius, px; the top-left pixel's centre is 0.5, 0.5

    @classmethod
    def read(cls, database: Path, names: Sequence[str]) -> PhotoFeatures:
        """Of the photos `names` that have features, the one in the middle.

        Raises ValueError where none has any, or the database can't be read.
        """
        try:
            counts = databases.count_descriptors(database)
            found = [name for name in names if counts.get(name)]
            if not found:
                raise ValueError("no photo has features")
            middle = found[len(found) // 2]
            return cls(middle, databases.keypoints(database, middle))
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{database.name} can't be read: {error}") from error
