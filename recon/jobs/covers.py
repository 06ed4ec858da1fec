"""A scene's start view and cover, as its owner chose them, and back to the automatic ones.

The cover is the picture of that start, as the owner's viewer drew it. It takes the poster's place
(the artifact's row names another file), so that cards, previews and embeds follow; the poster that
the run made stays on the disk, to go back to.
"""

from __future__ import annotations

import fnmatch
import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.db import transaction

from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror
from recon.jobs.people import quotas
from recon.models import Artifact, Job
from recon.pipeline.errors import PipelineError
from recon.pipeline.start_view import StartView

WAIT_S = 5.0  # for another tab that does the same, or a delete

_COVERS = "cover-*.jpg"


def choose(job: Job, view: StartView, jpeg: bytes) -> None:
    """`view` is the start from now on and `jpeg`, which we have encoded, the cover.

    Raises FileNotFoundError where the job is deleted, PipelineError("too_busy").
    """
    with _folder(job):
        path = job.workspace.output / f"cover-{secrets.token_hex(4)}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        stored = mirror.upload(job, [path])
        cover = {"path": path.relative_to(job.folder).as_posix(), "size": len(jpeg)}
        with transaction.atomic():
            _set_view(job, replace(view, trained_height=_training_height(job.view, view)).to_dict())
            Artifact.objects.update_or_create(job=job, kind=Artifact.Kind.POSTER, defaults=cover)
            mirror.record(stored)
        _remove_covers(job, but=path.name)
        _measure(job)


def reset(job: Job) -> None:
    """Start and cover are the run's again. Raises as `choose` does."""
    with _folder(job):
        poster = job.workspace.poster
        mirror.pull_here(job, mirror.path_of(job, poster))
        covers = job.artifacts.filter(kind=Artifact.Kind.POSTER, path__contains="/cover-")
        with transaction.atomic():
            _set_view(job, None)
            if poster.is_file():
                path = poster.relative_to(job.folder).as_posix()
                covers.update(path=path, size=poster.stat().st_size)
            else:
                covers.delete()
        _remove_covers(job)
        _measure(job)


@contextmanager
def _folder(job: Job) -> Iterator[None]:
    if mirror.is_used() and not mirror.rows(job).exists():  # staff deleted its files
        raise FileNotFoundError(job.folder)
    mirror.make_folder(job)
    try:
        with folder_lock.hold(job.folder, wait_s=WAIT_S):
            yield
    except folder_lock.FolderBusy as error:
        raise PipelineError("too_busy") from error


def _set_view(job: Job, view: dict[str, object] | None) -> None:
    Job.objects.filter(pk=job.pk).update(own_view=view, stored_bytes=None)
    job.own_view = view


def _measure(job: Job) -> None:
    """The folder has grown or shrunk."""
    quotas.measure_ended(Job.objects.filter(pk=job.pk))


def _training_height(automatic: dict[str, object] | None, view: StartView) -> float | None:
    """The height in px that the frame had in training, by the automatic start's focal length."""
    height, fov = (automatic or {}).get("trained_height"), (automatic or {}).get("fov_y_degrees")
    if not isinstance(height, int | float) or not isinstance(fov, int | float) or not fov:
        return None
    tangents = [math.tan(math.radians(angle) / 2) for angle in (view.fov_y_degrees, fov)]
    return float(height * tangents[0] / tangents[1])


def _remove_covers(job: Job, but: str = "") -> None:
    for path in job.workspace.output.glob(_COVERS):
        if path.name != but:
            path.unlink(missing_ok=True)
    if mirror.is_used():
        names = [row.path for row in mirror.rows(job, ["output"])]
        old = set(fnmatch.filter(names, f"output/{_COVERS}")) - {f"output/{but}"}
        if old:
            mirror.forget(job, *old)
