"""The features of one photo, for whoever shows what COLMAP_FEAT has found."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.records import RecordError
from recon.pipeline.workspace import Workspace
from recon.poses.colmap import databases


@dataclass(frozen=True)
class PhotoFeatures:
    """A photo with the features that were found in it."""

    photo: Path  # in work/photos
    places: NDArray[np.float32]  # [N, 3]: x, y, radius, px; the top-left pixel's centre is 0.5, 0.5

    @classmethod
    def read(cls, workspace: Workspace) -> PhotoFeatures:
        """Of the photos in order that have features, the one in the middle.

        Raises FileNotFoundError where no photo has any or COLMAP_FEAT has not been, RecordError for
        files that can't be read.
        """
        photos = PreparedPhotos.read(workspace).photos
        if not workspace.database.is_file():
            raise FileNotFoundError(workspace.database)
        try:
            counts = databases.count_descriptors(workspace.database)
            names = [photo.name for photo in photos if counts.get(photo.name)]
            if not names:
                raise FileNotFoundError("no photo has features")
            name = names[len(names) // 2]
            places = databases.keypoints(workspace.database, name)
        except sqlite3.DatabaseError as error:
            raise RecordError(f"{workspace.database.name}: {error}") from error
        return cls(workspace.photos / name, places)
