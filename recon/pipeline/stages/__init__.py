"""The stages in running order. A stage is a module with these three functions.

    inputs(workspace, config)  -> {name: digest}   the content that decides the result
    outputs(workspace, config) -> {name: digest}   the content that it leaves behind
    run(workspace, config, report) -> facts        the work; JSON-able facts for the summary

plus `settings(config)`, the part of the config that decides the result. `inputs` and `outputs`
are called before and after `run`; a missing file is part of a digest, never an error.
"""

from __future__ import annotations

from typing import Protocol, cast

from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Step
from recon.pipeline.stages import (
    evaluate,
    export,
    features,
    mapping,
    matching,
    preflight,
    train,
    undistort,
)
from recon.pipeline.workspace import Workspace
from recon.reporting import Report


class Stage(Protocol):
    """The shape of a stage module."""

    def settings(self, config: PipelineConfig) -> dict[str, object]: ...
    def inputs(self, workspace: Workspace, config: PipelineConfig) -> dict[str, str]: ...
    def outputs(self, workspace: Workspace, config: PipelineConfig) -> dict[str, str]: ...
    def run(
        self, workspace: Workspace, config: PipelineConfig, report: Report
    ) -> dict[str, object]: ...


STAGES: dict[Step, Stage] = {
    Step.PREFLIGHT: cast(Stage, preflight),
    Step.COLMAP_FEAT: cast(Stage, features),
    Step.COLMAP_MATCH: cast(Stage, matching),
    Step.COLMAP_MAP: cast(Stage, mapping),
    Step.COLMAP_UNDIST: cast(Stage, undistort),
    Step.GS_TRAIN: cast(Stage, train),
    Step.EVALUATION: cast(Stage, evaluate),
    Step.EXPORT_PLY: cast(Stage, export),
}
