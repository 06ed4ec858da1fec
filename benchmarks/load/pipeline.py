"""Every step of a job, with its reports and files, in LOAD_JOB_S seconds."""

from __future__ import annotations

import os

from benchmarks.faults import pipeline as checking
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import WORKING_STEPS, RunReport
from recon.pipeline.workspace import Workspace


def run_pipeline(workspace: Workspace, config: PipelineConfig, report: RunReport) -> Summary:
    """Reports as often as the benchmark of faults does, and writes as much."""
    pieces = checking.PIECES * len(WORKING_STEPS)
    checking.PAUSE_S = float(os.environ["LOAD_JOB_S"]) / pieces
    return checking.run_pipeline(workspace, config, report)
