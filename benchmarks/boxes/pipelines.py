"""The pipelines that run on the boxes: one that checks every file it finds, and the real one."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.faults import pipeline as checking
from recon.pipeline import runner
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import RunReport
from recon.pipeline.workspace import Workspace

#: Seconds before each of the 40 pieces of the checking one: a job takes about ten seconds.
PAUSE_S = 0.25


def check(workspace: Workspace, config: PipelineConfig, report: RunReport) -> Summary:
    """Slow enough that jobs are left for the box that comes back."""
    checking.PAUSE_S = PAUSE_S
    return checking.run_pipeline(workspace, config, report)


def reconstruct(workspace: Workspace, config: PipelineConfig, report: RunReport) -> Summary:
    """The site's own, from photos to scene, as small as it goes: half a minute of one core."""
    dense = replace(config.train.dense, max_image_size=160)
    train = replace(
        config.train, iterations=100, max_image_size=240, max_gaussians=8000, dense=dense
    )
    evaluate = replace(config.evaluate, lpips=False)
    return runner.run_pipeline(workspace, replace(config, train=train, evaluate=evaluate), report)
