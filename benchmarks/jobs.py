"""Whole jobs through the command line: seconds per step, registered photos, held-out quality.

    python benchmarks/jobs.py                          # fern and berlin at preset quick
    python benchmarks/jobs.py --sets fern sceaux --presets quick standard --seeds 1 2 3

Photo sets are found in RECON_PHOTOS (default ../shared/photos); `samples` are the project's own.
Prints a Markdown table with date, machine and command; full results go to --out.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recon.pipeline.progress import WORKING_STEPS

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = Path(os.environ.get("RECON_PHOTOS", ROOT.parent / "shared" / "photos"))
STEPS = [str(step) for step in WORKING_STEPS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", default=["fern", "berlin"])
    parser.add_argument("--presets", nargs="+", default=["quick"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[42])
    parser.add_argument("--out", type=Path, help="keep the jobs' folders here")
    arguments, more = parser.parse_known_args()

    out = arguments.out or Path(tempfile.mkdtemp(prefix="bench-jobs-"))
    print(f"\n{datetime.date.today()}, {machine()}\n`{' '.join(['python', *sys.argv])}`\n")
    columns = [
        "set",
        "preset",
        "seed",
        "registered",
        "PSNR",
        "SSIM",
        "LPIPS",
        "Gaussians",
        "total s",
    ]
    print("| " + " | ".join(columns + STEPS) + " |")
    print("|---" * (len(columns) + len(STEPS)) + "|")
    for name in arguments.sets:
        for preset in arguments.presets:
            for seed in arguments.seeds:
                result = run(
                    photos_of(name, out), out / f"{name}-{preset}-{seed}", preset, seed, more
                )
                print(row(name, preset, seed, result), flush=True)
    print(f"\nJob folders: {out}")


def photos_of(name: str, out: Path) -> Path:
    """The folder of a photo set; the project's own photos are rendered on the way."""
    if name != "samples":
        return PHOTOS / name
    folder = out / "samples-photos"
    if not folder.is_dir():
        subprocess.run([sys.executable, "-m", "recon.samples", str(folder)], cwd=ROOT, check=True)
    return folder


def run(photos: Path, out: Path, preset: str, seed: int, more: list[str]) -> dict[str, Any]:
    """One job in a fresh process; returns the object that `--json` prints."""
    command = [sys.executable, "-m", "recon.pipeline", str(photos), str(out)]
    command += ["--preset", preset, "--seed", str(seed), "--json", *more]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    (out / "summary.json").write_text(json.dumps(result, indent=1))
    return result


def row(name: str, preset: str, seed: int, result: dict[str, Any]) -> str:
    if result["status"] != "COMPLETED":
        return f"| {name} | {preset} | {seed} | {result['status']}: {result['error']} |"
    seconds = result["seconds"]
    cells = [
        name,
        preset,
        str(seed),
        f"{result['registered']}/{result['total']}",
        figure(result["psnr"], 2),
        figure(result["ssim"], 3),
        figure(result["lpips"], 3),
        str(result["gaussian_count"]),
        f"{sum(seconds.values()):.0f}",
    ]
    return "| " + " | ".join(cells + [f"{seconds[step]:.1f}" for step in STEPS]) + " |"


def figure(value: float | None, digits: int) -> str:
    return "absent" if value is None else f"{value:.{digits}f}"


def machine() -> str:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores {platform.machine()}, {gpu}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
