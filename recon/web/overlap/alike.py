"""Whether photos of a job look alike, from the small pictures that pages show of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from recon.models import Job
from recon.poses.photo_check import colours
from recon.web.file_memory import remember


def alike_in(job: Job) -> Callable[[str, str], bool]:
    """Whether two photos of `job`, by their file names, could be of one place by their colours.

    Those without a small picture could be: nothing speaks against it.
    """
    paths = {photo.name: photo.thumb_path for photo in job.photos.all()}

    @cache
    def colours_of(name: str) -> NDArray[np.float32] | None:
        try:
            return _histogram(paths[name])
        except (KeyError, OSError, UnidentifiedImageError):
            return None

    def alike(a: str, b: str) -> bool:
        one, other = colours_of(a), colours_of(b)
        return one is None or other is None or colours.distance(one, other) <= colours.UNLIKE

    return alike


@remember(2000, lambda path: path)  # of 2 kB
def _histogram(path: Path) -> NDArray[np.float32]:
    with Image.open(path) as picture:
        return colours.histogram(picture)
