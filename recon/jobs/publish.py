"""Records what a finished run left in the job's folder, all in one transaction.

A run that finished is first written down in the folder itself (`note_finished`), so that a horse
that dies before the database knows is not a horse whose work is lost: `reconcile` publishes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction

from recon.jobs import lifecycle
from recon.models import Artifact, Job
from recon.pipeline.errors import PipelineError
from recon.pipeline.workspace import write_json

#: The figures of a summary that a job's row keeps.
_FIGURES = (
    "registered", "psnr", "ssim", "lpips", "psnr_corrected", "ssim_corrected", "gaussian_count",
    "iterations",
)  # fmt: skip


class _Superseded(Exception):
    """The attempt is not running any more; the transaction rolls back."""


def publish(job: Job, summary: Mapping[str, Any]) -> bool:
    """Records artifacts, figures, view and COMPLETED for the job's present attempt.

    `summary` is `recon.pipeline.runner.Summary.to_dict()`. False, with nothing changed, when
    the attempt was cancelled or taken over meanwhile. Raises PipelineError("internal") where a
    file that the run promised is missing.
    """
    artifacts = [
        _artifact(job, kind, path)
        for kind, path in summary["artifacts"].items()
        if kind in Artifact.Kind.values
    ]
    figures = {name: _finite(summary.get(name)) for name in _FIGURES}
    spread = summary.get("spread") or {}
    results = {
        **figures,
        "protocol": summary.get("protocol") or "",
        "spread": {name: _finite(value) for name, value in spread.items()} or None,
        "refined": summary.get("refined"),
        "view": _view(job),
        "warnings": list(summary.get("warnings", [])),
    }
    try:
        with transaction.atomic():
            if not lifecycle.complete(job.pk, job.attempt, **results):
                raise _Superseded
            Artifact.objects.filter(job=job).delete()
            Artifact.objects.bulk_create(artifacts)
    except _Superseded:
        return False
    _note(job).unlink(missing_ok=True)
    return True


def note_finished(job: Job, summary: Mapping[str, Any]) -> None:
    """Writes into the folder that the pipeline is through, before the database is told."""
    write_json(_note(job), dict(summary))


def forget_finished(job: Job) -> None:
    """An attempt begins: an earlier note says nothing about it."""
    _note(job).unlink(missing_ok=True)


def finished(job: Job) -> dict[str, Any] | None:
    """The summary of a run that finished and was not recorded, or None."""
    try:
        summary: dict[str, Any] = json.loads(_note(job).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return summary


def _note(job: Job) -> Path:
    return job.folder / "work" / "finished.json"


def _artifact(job: Job, kind: str, path: str) -> Artifact:
    try:
        size = (job.folder / path).stat().st_size
    except FileNotFoundError as error:
        raise PipelineError("internal") from error
    return Artifact(job=job, kind=kind, path=path, size=size)


def _view(job: Job) -> dict[str, Any] | None:
    """Where the viewer starts; without it the viewer frames the whole scene."""
    try:
        view: dict[str, Any] = json.loads(job.workspace.viewer_json.read_text())
    except FileNotFoundError:
        return None
    return view


def _finite(value: float | int | None) -> float | int | None:
    """A figure that isn't a number is no figure; JSON couldn't carry it either."""
    return value if value is not None and math.isfinite(value) else None
