"""The rendered sample photos, made once per site and shared by every sample job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from recon.jobs.folder import lock as folder_lock
from recon.pipeline.config import PreflightConfig
from recon.pipeline.errors import PipelineError
from recon.pipeline.photos.photo_file import decode
from recon.pipeline.workspace import replacing_folder

SAMPLE_COUNT = 12

RENDER_WAIT_S = 90.0


@dataclass(frozen=True)
class SamplePhoto:
    """One rendered photo on disk."""

    path: Path
    sha256: str
    width: int  # px
    height: int  # px


def sample_photos() -> list[SamplePhoto]:
    """The site's sample photos in `DATA_DIR/samples`, rendered on the first call (half a minute).

    Raises PipelineError("internal") where another process is at it for longer than we wait.
    """
    folder = Path(settings.DATA_DIR) / "samples"
    if not folder.is_dir():
        try:
            # Whoever asks meanwhile waits for the same set.
            with folder_lock.hold(folder.parent, wait_s=RENDER_WAIT_S):
                if not folder.is_dir():
                    _render(folder)
        except folder_lock.FolderBusy as error:
            raise PipelineError("internal") from error
    return [_described(path) for path in sorted(folder.iterdir()) if path.suffix == ".jpg"]


def _render(folder: Path) -> None:
    """Renders beside `folder` and renames, so that nobody finds half a set."""
    from recon.samples import write_photos  # a ray caster; not needed to serve a page

    with replacing_folder(folder) as temporary:
        write_photos(temporary, count=SAMPLE_COUNT)


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
