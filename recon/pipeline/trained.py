"""What GS_TRAIN tells the stages after it: the settings that it really used, not those asked for.

The number of steps may be decided from the photos, and a GPU that ran out of memory makes
resolution and cap smaller. What follows (evaluation, folds, refinement) must use the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from recon.pipeline.config import PipelineConfig, from_dict
from recon.pipeline.workspace import Workspace, write_json
from recon.splats.config import TrainConfig

_ONLY_WATCHES = "gpu_check_interval"  # decides nothing, so it is no part of a digest


def deciding(train: TrainConfig) -> dict[str, Any]:
    """The settings that decide what training makes."""
    chosen = asdict(train)
    del chosen[_ONLY_WATCHES]
    return chosen


def write_record(workspace: Workspace, used: TrainConfig, facts: dict[str, Any]) -> None:
    """Leaves work/training.json: `facts` for people, and the settings that were `used`."""
    write_json(workspace.training_json, {**facts, "settings": deciding(used)})


def settings_used(workspace: Workspace, asked: TrainConfig) -> TrainConfig:
    """What training used. `asked` gives what only watches. Raises FileNotFoundError before it."""
    used = {"train": _record(workspace)["settings"]}
    return from_dict(used, base=PipelineConfig(train=asked)).train


def steps_trained(workspace: Workspace) -> int:
    """The N of `iteration_N`; 0 before training, so that looking for files there finds none."""
    try:
        return int(_record(workspace)["settings"]["iterations"])
    except (FileNotFoundError, ValueError, KeyError):
        return 0


def _record(workspace: Workspace) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(workspace.training_json.read_text())
    return record
