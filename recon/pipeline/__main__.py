"""The command line: `python -m recon.pipeline PHOTOS/ OUT/ --preset draft`.

After `pip install .` it is also called `instarecon-reconstruct`.

Exit codes: 0 done, 2 wrong use, 3 the photos are at fault, 1 we are, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recon.pipeline import config as configs
from recon.pipeline import environment, errors
from recon.pipeline.cli.check_command import check_photos
from recon.pipeline.cli.console import ConsoleReporter
from recon.pipeline.cli.explain import explain_poses
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import Summary
from recon.pipeline.photos import uploads
from recon.pipeline.photos.file_kinds import is_raw
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.workspace import Workspace

DONE, OUR_FAULT, WRONG_USE, USER_ERROR, INTERRUPTED = 0, 1, 2, 3, 130


class WrongUse(Exception):
    """The command makes no sense; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = make_parser()
    options = parser.parse_args(arguments)  # exits with 2 by itself
    try:
        if options.check:
            return check(options.out or options.photos or Path())
        if options.explain and options.out is None and options.photos is not None:
            return explain(Workspace(options.photos))
        if options.check_photos:
            check_photos(photos_to_read(options), as_json=options.json)
            return DONE
        photos = find_photos(options)
        config = make_config(options)
        workspace = Workspace(options.out)
        with only_one(workspace):
            summary = run(photos, workspace, config, options)
    except WrongUse as error:
        parser.error(str(error))
    if options.explain:
        explain(workspace)
    tell(summary, workspace, as_json=options.json)
    return exit_code(summary)


def command_name() -> str:
    """What was typed: the installed command, or Python with this module's name."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("instarecon") else "python -m recon.pipeline"


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command_name(),
        description="Turns 3 to 20 photos of one place into a 3D Gaussian-splat scene. "
        f"Steps: {', '.join(WORKING_STEPS)}.",
        epilog="Exit codes: 0 done, 2 wrong use, 3 the photos are at fault, 1 we are, 130 stopped.",
    )
    steps = [str(step) for step in WORKING_STEPS]
    add = parser.add_argument
    add(
        "photos",
        type=Path,
        nargs="?",
        metavar="PHOTOS",
        help="folder of JPEG, PNG, WebP, HEIC, AVIF photos, or of folders with one camera's each",
    )
    add("out", type=Path, nargs="?", metavar="OUT", help="folder for everything that is made")
    add(
        "--preset",
        choices=list(configs.PRESETS),
        help="default: standard with a usable CUDA GPU, else draft",
    )
    add("--from", dest="start", choices=steps, metavar="STEP", help="redo it and all after it")
    add("--until", default=steps[-1], choices=steps, metavar="STEP", help="stop after this step")
    add("--seed", type=int, help="of everything random")
    add("--original-resolution", action="store_true", help="keep the photos' full size")
    add("--cross-validate", action="store_true",
        help="with 10 photos or fewer, hold each out once (not in the draft preset)")  # fmt: skip
    add("--no-final-refine", dest="final_refine", action="store_false",
        help="deliver the measured model, made without the held-out photos")  # fmt: skip
    add("--set", dest="changes", action="append", default=[], metavar="GROUP.NAME=VALUE",
        help="one setting, e.g. train.iterations=500; may be given again")  # fmt: skip
    add("--json", action="store_true", help="print the outcome as one JSON object, last line")
    add("--explain", action="store_true",
        help="also print how the photos' poses were found; with one folder, that of a finished "
        "run, print only that")  # fmt: skip
    add("--check", action="store_true", help="only report what this machine has and lacks")
    add(
        "--check-photos", action="store_true", help="only say what is wrong with PHOTOS, in seconds"
    )
    return parser


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


def find_photos(options: argparse.Namespace) -> list[Path]:
    """The photo files that the command names. Raises WrongUse."""
    if options.photos is None or options.out is None:
        raise WrongUse("two folders are needed: PHOTOS (to read) and OUT (to write)")
    if options.out.exists() and not options.out.is_dir():
        raise WrongUse(f"{options.out} is a file; OUT must be a folder")
    return photos_to_read(options)


def photos_to_read(options: argparse.Namespace) -> list[Path]:
    """The photo files in PHOTOS. Raises WrongUse."""
    if options.photos is None:
        raise WrongUse("a folder is needed: PHOTOS (to read)")
    if not options.photos.is_dir():
        raise WrongUse(f"{options.photos} is not a folder")
    photos, others = uploads.photos_in(options.photos)
    raws = [name for name in others if is_raw(options.photos / name)]
    others = [name for name in others if name not in raws]
    if raws:
        sys.stderr.write(
            f"Raw photos, left out: {', '.join(raws)}. Raw formats can't be read here; export "
            "them as JPEG.\n"
        )
    if others:
        sys.stderr.write(f"Not photos, left out: {', '.join(others)}\n")
    return photos


def make_config(options: argparse.Namespace) -> PipelineConfig:
    """The preset with the command's changes. Raises WrongUse."""
    steps = [str(step) for step in WORKING_STEPS]
    if options.start and steps.index(options.start) > steps.index(options.until):
        raise WrongUse(f"--from {options.start} comes after --until {options.until}")
    try:
        return configs.resolve(
            options.preset or default_preset(),
            overrides=nested(options.changes),
            original_resolution=options.original_resolution,
            seed=options.seed,
            cross_validate=options.cross_validate,
            final_refine=options.final_refine,
        )
    except ValueError as error:
        raise WrongUse(f"--set: {error}") from error


def nested(changes: Sequence[str]) -> dict[str, Any]:
    """`["train.iterations=500"]` -> `{"train": {"iterations": 500}}`. Raises ValueError."""
    tree: dict[str, Any] = {}
    for change in changes:
        path, separator, text = change.partition("=")
        if not separator or not path:
            raise ValueError(f"{change!r} is not of the form GROUP.NAME=VALUE")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        *groups, name = path.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
            if not isinstance(branch, dict):
                raise ValueError(f"{path} is given both as a value and as a group")
        branch[name] = value
    return tree


def default_preset() -> str:
    from recon.splats.rasterizers import best_device

    return "standard" if best_device().type == "cuda" else "draft"


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
    photos: list[Path], workspace: Workspace, config: PipelineConfig, options: argparse.Namespace
) -> Summary:
    """Runs the pipeline under a progress bar; Ctrl-C comes back as a cancelled run."""
    start = Step(options.start) if options.start else None
    try:
        uploads.bring_in(photos, workspace, options.photos)
        reporter = ConsoleReporter(workspace.log, sys.stderr)
    except PermissionError as error:
        raise WrongUse(f"{error.filename} can't be written to") from error
    with reporter as report:
        try:
            return run_pipeline(workspace, config, report, start=start, until=Step(options.until))
        except KeyboardInterrupt:
            report.log("interrupted")
            return Summary(status="CANCELLED", step=report.step, total=len(photos))


def tell(summary: Summary, workspace: Workspace, *, as_json: bool) -> None:
    """The outcome: a sentence on standard error, or with `--json` an object on standard output.

    Paths in the object are absolute, so that they mean the same wherever it is read.
    """
    if summary.error_code:
        # Whoever runs it here runs the machine, too.
        found = errors.explain(summary.error_code, summary.error_facts)
        summary.error = found.staff_sentence
        sys.stderr.write(f"{summary.step} failed ({summary.error_code}): {summary.error}\n")
        sys.stderr.write(f"The log is {workspace.log}\n")
    elif summary.status == "COMPLETED":
        sys.stderr.write(f"{in_a_sentence(summary)}\n")
    elif summary.status == "STOPPED":
        sys.stderr.write(f"Stopped after {summary.step}, as asked.\n")
    else:
        sys.stderr.write("Interrupted. The same command goes on from here.\n")
    if as_json:
        outcome = summary.to_dict()
        outcome["artifacts"] = {
            name: str((workspace.root / path).resolve()) for name, path in summary.artifacts.items()
        }
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        for name, path in summary.artifacts.items():
            sys.stdout.write(f"{name}: {workspace.root / path}\n")


def in_a_sentence(summary: Summary) -> str:
    words = [f"Done: {summary.registered} of {summary.total} photos placed"]
    if summary.gaussian_count is not None:
        words.append(f"{summary.gaussian_count} Gaussians")
    for name in ("psnr", "ssim", "lpips"):
        if getattr(summary, name) is not None:
            words.append(figure_in_words(summary, name))
    if summary.protocol == "cross-validation":
        words.append("each photo held out once")
    return ", ".join(words) + "."


def figure_in_words(summary: Summary, name: str) -> str:
    """ "PSNR 24.12 dB on held-out photos (26.03 dB with exposure matched)"."""
    digits, unit = (".2f", " dB") if name == "psnr" else (".3f", "")
    spread = (summary.spread or {}).get(name)
    around = "" if spread is None else f" ± {spread:{digits}}"
    said = f"{name.upper()} {getattr(summary, name):{digits}}{around}{unit} on held-out photos"
    corrected = getattr(summary, f"{name}_corrected")
    if corrected is None:
        return said
    return f"{said} ({corrected:{digits}}{unit} with exposure matched)"


def exit_code(summary: Summary) -> int:
    if summary.status in ("COMPLETED", "STOPPED"):
        return DONE
    if summary.status == "CANCELLED":
        return INTERRUPTED
    return USER_ERROR if summary.fault == "user" else OUR_FAULT


if __name__ == "__main__":
    sys.exit(main())
