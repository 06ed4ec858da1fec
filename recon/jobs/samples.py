"""The rendered sample photos, made once per site and shared by every sample job."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from recon.pipeline.config import PreflightConfig
from recon.pipeline.photos import decode

SAMPLE_COUNT = 12


@dataclass(frozen=True)
class SamplePhoto:
    """One rendered photo on disk."""

    path: Path
    sha256: str
    width: int  # px
    height: int  # px


def sample_photos() -> list[SamplePhoto]:
    """The site's sample photos in `DATA_DIR/samples`, rendered on the first call."""
    folder = Path(settings.DATA_DIR) / "samples"
    if not folder.is_dir():
        _render(folder)
    return [_described(path) for path in sorted(folder.iterdir()) if path.suffix == ".jpg"]


def _render(folder: Path) -> None:
    """Renders beside `folder` and renames, so that nobody finds half a set."""
    from recon.samples import write_photos  # a ray caster; not needed to serve a page

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".samples-", dir=folder.parent))
    try:
        write_photos(temporary, count=SAMPLE_COUNT)
        os.rename(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Somebody else rendered the same set meanwhile.
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _described(path: Path) -> SamplePhoto:
    limits = PreflightConfig()
    photo = decode(
        path,
        name=path.name,
        min_image_size=limits.min_image_size,
        max_megapixels=limits.max_megapixels,
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SamplePhoto(path=path, sha256=digest, width=photo.width, height=photo.height)
