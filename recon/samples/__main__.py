"""`python -m recon.samples OUT/`: writes the sample photos into a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recon.samples.photos import DEFAULT_COUNT, DEFAULT_SIZE, write_photos


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recon.samples", description="Renders the sample photos."
    )
    parser.add_argument("out", type=Path, help="folder to write to; made if it is not there")
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="photos")
    parser.add_argument("--size", default="x".join(map(str, DEFAULT_SIZE)), help="WIDTHxHEIGHT, px")
    arguments = parser.parse_args()
    try:
        width, height = (int(side) for side in arguments.size.split("x"))
    except ValueError:
        parser.error(f"--size must look like 800x600, not {arguments.size!r}")
    photos = write_photos(arguments.out, count=arguments.count, size=(width, height))
    sys.stdout.write(f"{len(photos)} photos in {arguments.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
