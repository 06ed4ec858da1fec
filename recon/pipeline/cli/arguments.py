"""What the command line accepts, and what it makes of it: photos, a folder, a config."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from recon.pipeline.config import PipelineConfig
from recon.pipeline.photos import uploads
from recon.pipeline.photos.file_kinds import is_raw
from recon.pipeline.progress import WORKING_STEPS
from recon.pipeline.wishes import PRESET_NAMES, QUICK, Wishes, find_preset
from recon.pipeline.wishes_to_settings import resolve
from recon.poses.pose_files.finding import find_pose_files


class WrongUse(Exception):
    """The command makes no sense; the message says why."""


def command_name() -> str:
    """What the person typed: the installed command, or Python with this module's name."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("instarecon") else "python -m recon.pipeline"


def make_parser(program: str = "") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program or command_name(),
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
        type=find_preset,
        choices=PRESET_NAMES,
        help="default: standard with a usable CUDA GPU, else quick",
    )
    add("--from", dest="start", choices=steps, metavar="STEP", help="redo it and all after it")
    add("--until", default=steps[-1], choices=steps, metavar="STEP", help="stop after this step")
    add("--poses", type=Path, metavar="MODEL",
        help="known camera positions: a COLMAP model's folder, or a transforms.json")  # fmt: skip
    add("--seed", type=int, help="of everything random")
    add("--original-resolution", action="store_true", help="keep the photos' full size")
    add("--cross-validate", action="store_true",
        help="with 10 photos or fewer, hold each out once (not in the quick preset)")  # fmt: skip
    add("--no-final-refine", dest="final_refine", action="store_false",
        help="deliver the measured model, made without the held-out photos")  # fmt: skip
    add("--make-anyway", action="store_true",
        help="finish even what is no scene, from where a run stopped for that")  # fmt: skip
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


def find_poses(options: argparse.Namespace) -> list[Path]:
    """The files of camera positions that the command names; none where it names none. Raises
    WrongUse."""
    if options.poses is None:
        return []
    files = find_pose_files(options.poses)
    if not files:
        raise WrongUse(
            f"{options.poses} has no camera positions: a COLMAP model is cameras and images, .bin "
            "or .txt; nerfstudio's is a transforms.json"
        )
    return files


def make_config(options: argparse.Namespace) -> PipelineConfig:
    """The preset with the command's changes. Raises WrongUse."""
    steps = [str(step) for step in WORKING_STEPS]
    if options.start and steps.index(options.start) > steps.index(options.until):
        raise WrongUse(f"--from {options.start} comes after --until {options.until}")
    try:
        return resolve(wishes_of(options), overrides=nested(options.changes), seed=options.seed)
    except ValueError as error:
        raise WrongUse(f"--set: {error}") from error


def wishes_of(options: argparse.Namespace) -> Wishes:
    """What the command asks for. There the outlier filter is a setting (`--set`)."""
    return Wishes(
        preset=options.preset or default_preset(),
        original_resolution=options.original_resolution,
        cross_validate=options.cross_validate,
        final_refine=options.final_refine,
        make_anyway=options.make_anyway,
    )


def nested(changes: Sequence[str]) -> dict[str, object]:
    """`["train.iterations=500"]` -> `{"train": {"iterations": 500}}`. Raises ValueError."""
    tree: dict[str, object] = {}
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
            below = branch.setdefault(group, {})
            if not isinstance(below, dict):
                raise ValueError(f"{path} is given both as a value and as a group")
            branch = below
        branch[name] = value
    return tree


def default_preset() -> str:
    from recon.splats.rasterizers import best_device

    return "standard" if best_device().type == "cuda" else QUICK
