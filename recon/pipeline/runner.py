"""Runs the stages in order, skips those whose results still hold, and sums up what came out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, PipelineError, ReconError, UserError
from recon.pipeline.gate import stop_where_there_is_no_scene
from recon.pipeline.machine import disk, memory
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import WORKING_STEPS, RunReport, Step
from recon.pipeline.stages import STAGES, Stage
from recon.pipeline.workspace import Marker, Workspace, digest_json, remove_scratch
from recon.reporting import ForwardingReport, Report, WarningRecord
from recon.splats.checkpoints import remove_checkpoints


class _WarningCollector(ForwardingReport):
    """Passes everything on and keeps the warnings, so that a reused stage can repeat them."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.warnings: list[WarningRecord] = []

    def warn(self, code: str, **facts: object) -> None:
        self.warnings.append({"code": code, "facts": facts})
        super().warn(code, **facts)


def run_pipeline(
    workspace: Workspace,
    config: PipelineConfig,
    report: RunReport,
    *,
    start: Step | None = None,
    until: Step = WORKING_STEPS[-1],
) -> Summary:
    """Runs the photos in `workspace.upload` to a scene; never raises for a failed job.

    `start` forces that stage and all after it to run anew; `until` is the last one to run.
    Faults of the photos, faults of ours and cancelling all come back as a `Summary` that says so;
    the traceback of a fault of ours goes to the log.
    """
    summary = Summary()
    forced = len(WORKING_STEPS) if start is None else WORKING_STEPS.index(start)
    for index, step in enumerate(WORKING_STEPS[: WORKING_STEPS.index(until) + 1]):
        summary.step = step
        try:
            with _named_faults(workspace, config, report):
                _run_step(step, workspace, config, report, summary, force=index >= forced)
        except Cancelled:
            summary.status = "CANCELLED"
            return summary
        except ReconError as error:
            summary.status = "FAILED"
            summary.fault = "user" if isinstance(error, UserError) else "ours"
            summary.error_code, summary.error = error.code, str(error)
            summary.error_facts = error.facts
            return summary
    done = until == WORKING_STEPS[-1]
    summary.step = Step.DONE if done else until
    summary.status = "COMPLETED" if done else "STOPPED"
    return summary


def _run_step(
    step: Step,
    workspace: Workspace,
    config: PipelineConfig,
    report: RunReport,
    summary: Summary,
    *,
    force: bool,
) -> None:
    stage = STAGES[step]
    report.start(step)
    began = time.monotonic()
    marker = None if force else find_valid_marker(stage, step, workspace, config)
    reused = marker is not None
    if force:
        remove_checkpoints(workspace.checkpoint)
    if marker is None:
        workspace.remove_marker(step)
        for folder in (workspace.colmap, workspace.images.parent):
            remove_scratch(folder)
        inputs = digest_json(stage.inputs(workspace, config))
        watching = disk.DiskWatchingReport(
            report, workspace.root, config.preflight.min_free_disk_mb
        )
        collector = _WarningCollector(watching)
        facts = stage.run(workspace, config, collector)
        marker = Marker(
            inputs=inputs,
            config=digest_json(stage.settings(config)),
            outputs=digest_json(stage.outputs(workspace, config)),
            seconds=round(time.monotonic() - began, 3),
            facts=facts,
            warnings=collector.warnings,
        )
        workspace.write_marker(step, marker)
        remove_checkpoints(workspace.checkpoint)
    else:
        for warning in marker.warnings:
            report.warn(warning["code"], **warning["facts"])
    summary.seconds[step] = marker.seconds
    summary.warnings += marker.warnings
    summary.take(marker.facts)
    report.finish(step, marker.seconds, reused=reused)
    stop_where_there_is_no_scene(step, marker.facts, summary, config)


def find_valid_marker(
    stage: Stage, step: Step, workspace: Workspace, config: PipelineConfig
) -> Marker | None:
    """The marker of an earlier run whose inputs, settings and outputs all still hold."""
    marker = workspace.read_marker(step)
    if (
        marker is not None
        and marker.config == digest_json(stage.settings(config))
        and marker.inputs == digest_json(stage.inputs(workspace, config))
        and marker.outputs == digest_json(stage.outputs(workspace, config))
    ):
        return marker
    return None


@contextmanager
def _named_faults(
    workspace: Workspace, config: PipelineConfig, report: RunReport
) -> Iterator[None]:
    """Gives every unforeseen exception a code, and its traceback to the log."""
    try:
        yield
    except (Cancelled, UserError, PipelineError):
        raise
    except Exception as error:
        with suppress(OSError):  # the log may be what can't be written
            for line in traceback.format_exc().rstrip().splitlines():
                report.log(line)
        if disk.explains(error, workspace.root):
            raise disk.full_error(workspace.root, config.preflight.min_free_disk_mb) from error
        if memory.explains(error):
            raise PipelineError("out_of_memory") from error
        raise PipelineError("internal") from error
