"""Where a stage's training writes its checkpoints, and what these belong to.

All trainings of a job use one folder, one after another: the digest in each file says whose it is.
`runner` empties it when a stage is done or has to run again.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from recon.pipeline.outcome import settings_that_decide
from recon.pipeline.workspace import PIPELINE_VERSION, Workspace, digest_json
from recon.reporting import Report
from recon.splats.checkpoints import Checkpoints
from recon.splats.config import TrainConfig


def checkpoints_of(
    workspace: Workspace,
    training: TrainConfig,
    decided_by: Mapping[str, object],
    *,
    device: torch.device,
    report: Report,
) -> Checkpoints:
    """Those of the training on `device` that the settings `training` and `decided_by` decide.

    `decided_by` is JSON-able: digests of photos and poses, the seed, and which training it is.
    """
    key = digest_json(
        {
            "version": PIPELINE_VERSION,
            "settings": settings_that_decide(training),
            "device": device.type,
            **decided_by,
        }
    )
    return Checkpoints(workspace.checkpoint, key, log=report.log)
