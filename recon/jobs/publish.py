"""Records what a finished run wrote to the job's folder, all in one transaction.

A run that finished is first written down in the folder itself (`note_finished`), so that its work
is not lost if the horse dies before the database knows: `reconcile` publishes it.
"""

from __future__ import annotations

import hashlib
import logging
import math
from pathlib import Path

from django.db import transaction

from recon.jobs import lifecycle
from recon.jobs.folder import mirror
from recon.models import Artifact, Figures, Job
from recon.pipeline.errors import PipelineError
from recon.pipeline.outcome import Summary
from recon.pipeline.records import RecordError
from recon.pipeline.start_view import StartView
from recon.splats.ply_header import count_gaussians

logger = logging.getLogger(__name__)


class _Superseded(Exception):
    """The attempt is not running any more; the transaction rolls back."""


def publish(job: Job, summary: Summary) -> bool:
    """Records artifacts, figures, view and COMPLETED for the job's present attempt.

    False, with nothing changed, when the attempt was cancelled or taken over meanwhile. Raises
    PipelineError("internal") where a file that the run promised is missing.
    """
    artifacts = [
        _artifact(job, kind, path)
        for kind, path in summary.artifacts.items()
        if kind in Artifact.Kind.values
    ]
    try:
        with transaction.atomic():
            done = {"view": _view(job), "warnings": summary.warnings}
            if not lifecycle.complete(job.pk, job.attempt, **done):
                raise _Superseded
            Figures.objects.filter(job=job).update(**_figures(summary))
            Artifact.objects.filter(job=job).delete()
            Artifact.objects.bulk_create(artifacts)
    except _Superseded:
        return False
    forget_finished(job)
    return True


def note_finished(job: Job, summary: Summary) -> None:
    """Notes in the folder that the pipeline is done, before the database knows."""
    summary.write(job.workspace)


def forget_finished(job: Job) -> None:
    """An attempt begins: an earlier note no longer holds."""
    job.workspace.finished_json.unlink(missing_ok=True)


def unrecorded_summary(job: Job) -> Summary | None:
    """The summary of a run that finished and was not recorded, or None."""
    try:
        summary = Summary.read(job.workspace)
        return summary if summary.status == "COMPLETED" else None
    except FileNotFoundError:
        return None
    except RecordError as error:
        logger.warning("What job %s says of its end can't be read: %s", job.pk, error)
        return None


def _artifact(job: Job, kind: str, path: str) -> Artifact:
    mirror.pull_here(job, path)
    try:
        size, digest = _measure(job.folder / path)
        gaussians = count_gaussians(job.folder / path) if path.endswith(".ply") else None
    except FileNotFoundError as error:
        raise PipelineError("internal") from error
    facts = {"size": size, "sha256": digest, "gaussians": gaussians}
    return Artifact(job=job, kind=kind, path=path, **facts)


def _measure(file: Path) -> tuple[int, str]:
    """Bytes, and the SHA-256 by which a program knows that it has all of them."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        return content.tell(), digest


def _figures(summary: Summary) -> dict[str, object]:
    """The columns of `Figures`."""
    spread = {name: _finite(value) for name, value in (summary.spread or {}).items()}
    return {
        "registered": summary.registered,
        "psnr": _finite(summary.psnr),
        "ssim": _finite(summary.ssim),
        "lpips": _finite(summary.lpips),
        "psnr_corrected": _finite(summary.psnr_corrected),
        "ssim_corrected": _finite(summary.ssim_corrected),
        "small_psnr": _finite(summary.small_psnr),
        "small_ssim": _finite(summary.small_ssim),
        "held_out": summary.held_out,
        "confirmed": _finite(summary.confirmed),
        "gaussian_count": summary.gaussian_count,
        "iterations": summary.iterations,
        "protocol": summary.protocol or "",
        "spread": spread or None,
        "refined": summary.refined,
    }


def _view(job: Job) -> dict[str, object] | None:
    """Where the viewer starts; without it the viewer frames the whole scene."""
    try:
        return StartView.read(job.workspace).to_dict()
    except FileNotFoundError:
        return None


def _finite(value: float | None) -> float | None:
    """NaN and infinity are not figures; JSON couldn't carry them either."""
    return value if value is not None and math.isfinite(value) else None
