"""The command line: `python -m recon.pipeline PHOTOS/ OUT/ --preset quick`.

After `pip install .` it is also called `instarecon-reconstruct`.

Exit codes: 0 done, 2 wrong use, 3 the photos are at fault, 1 we are, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recon.pipeline.cli.arguments import (
    WrongUse,
    find_photos,
    find_poses,
    make_config,
    make_parser,
    photos_to_read,
)
from recon.pipeline.cli.check_command import check_photos
from recon.pipeline.cli.console import ConsoleReporter
from recon.pipeline.cli.ending import DONE, OUR_FAULT, exit_code, print_outcome
from recon.pipeline.cli.explain import explain_poses
from recon.pipeline.config import PipelineConfig
from recon.pipeline.known_poses.placement import keep_pose_files
from recon.pipeline.machine import environment
from recon.pipeline.outcome import Summary
from recon.pipeline.photos import uploads
from recon.pipeline.progress import Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.workspace import Workspace


def main(arguments: Sequence[str] | None = None, *, program: str = "") -> int:
    """Runs the command, called `program` in what it says, and returns its exit code."""
    parser = make_parser(program)
    options = parser.parse_args(arguments)  # exits with 2 by itself
    try:
        if options.check:
            return check(options.out or options.photos or Path())
        if options.explain and options.out is None and options.photos is not None:
            return explain(Workspace(options.photos))
        if options.check_photos:
            check_photos(photos_to_read(options), as_json=options.json)
            return DONE
        photos, poses = find_photos(options), find_poses(options)
        config = make_config(options)
        workspace = Workspace(options.out)
        with only_one(workspace):
            summary = run(photos, poses, workspace, config, options)
    except WrongUse as error:
        parser.error(str(error))
    if options.explain:
        explain(workspace)
    print_outcome(summary, workspace, as_json=options.json)
    return exit_code(summary)


def check(folder: Path) -> int:
    """Prints the environment report."""
    checks = environment.report(folder)
    sys.stdout.write(environment.format(checks) + "\n")
    return DONE if all(c.ok or not c.needed for c in checks) else OUR_FAULT


def explain(workspace: Workspace) -> int:
    """Prints what the ladder decided in `workspace`. Raises WrongUse where no run ever was."""
    if not workspace.root.is_dir():
        raise WrongUse(f"{workspace.root} is not a folder")
    sys.stdout.write(explain_poses(workspace) + "\n")
    return DONE


@contextmanager
def only_one(workspace: Workspace) -> Iterator[None]:
    """Keeps a second run out of the folder. Raises WrongUse."""
    try:
        workspace.root.mkdir(parents=True, exist_ok=True)
        handle = os.open(workspace.root, os.O_RDONLY)
    except OSError as error:
        raise WrongUse(f"{workspace.root} can't be used: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise WrongUse(f"another run is working in {workspace.root}") from error
    finally:
        os.close(handle)


def run(
    photos: list[Path],
    poses: list[Path],
    workspace: Workspace,
    config: PipelineConfig,
    options: argparse.Namespace,
) -> Summary:
    """Runs the pipeline under a progress bar; Ctrl-C comes back as a cancelled run."""
    start = Step(options.start) if options.start else None
    try:
        uploads.bring_in(photos, workspace, options.photos)
        keep_pose_files(poses, workspace)
        reporter = ConsoleReporter(workspace.log, sys.stderr)
    except PermissionError as error:
        raise WrongUse(f"{error.filename} can't be written to") from error
    with reporter as report:
        try:
            return run_pipeline(workspace, config, report, start=start, until=Step(options.until))
        except KeyboardInterrupt:
            report.log("interrupted")
            return Summary(status="CANCELLED", step=report.step, total=len(photos))
