"""`python -m recon.samples OUT/`: writes sample photos and their true poses into a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recon.samples.sets import SETS, write_photos
from recon.samples.truth import write_truth

TRUTH = "poses.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recon.samples",
        description=f"Renders sample photos, and writes their true poses as {TRUTH}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenes:\n" + "".join(f"  {name:10} {s.about}\n" for name, s in SETS.items()),
    )
    parser.add_argument("out", type=Path, help="folder to write to; made if it is not there")
    parser.add_argument("--scene", choices=SETS, default="courtyard", metavar="NAME")
    parser.add_argument("--count", type=int, help="photos; default: the scene's own")
    parser.add_argument("--size", help="WIDTHxHEIGHT, px; default: the scene's own")
    arguments = parser.parse_args()
    size = None
    if arguments.size:
        try:
            width, height = (int(side) for side in arguments.size.split("x"))
        except ValueError:
            parser.error(f"--size must look like 800x600, not {arguments.size!r}")
        size = width, height
    truth = write_photos(arguments.out, arguments.count, size, arguments.scene)
    write_truth(truth, arguments.out / TRUTH)
    sys.stdout.write(f"{len(truth)} photos in {arguments.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
