"""Writes constraints.txt: the version of every package that the requirements need in turn.

    make lock        (or: .venv/bin/python scripts/lock_packages.py)

pip resolves requirements-dev.txt as on an empty machine, from the index that it is set up with.
NVIDIA's packages and Triton are left out: each build of torch names the exact ones it was made
with, and a build without CUDA names none. So are hashes: torch has a different file for each of its
builds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
#: How the names of packages begin that only a torch for CUDA needs.
OF_TORCH = ("nvidia-", "cuda-", "triton")
HEAD = """\
# Made by `make lock`: the version of every package that requirements-dev.txt needs in turn, so
# that two machines get the same. Not edited by hand; what we ask for ourselves is in
# requirements.txt and requirements-dev.txt, with its reason.
"""


def main() -> None:
    LOCK.write_text(HEAD + "".join(f"{pin}\n" for pin in pins(resolve())))
    sys.stdout.write(f"Wrote {LOCK.name}.\n")


def resolve() -> list[dict[str, Any]]:
    """Every package that pip would install, as in its installation report's `install`."""
    files = ("requirements.txt", "requirements-dev.txt", "requirements-otel.txt")
    without_lock = ROOT / "build" / "to-lock"  # the old lock would constrain it
    without_lock.mkdir(parents=True, exist_ok=True)
    for name in files:
        lines = (ROOT / name).read_text().splitlines()
        requirements = [line for line in lines if not line.startswith("-c ")]
        (without_lock / name).write_text("\n".join(requirements) + "\n")
    options = ["--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "-r", without_lock / files[1]],
        check=True,
        stdout=subprocess.PIPE,
    )
    report: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return report["install"]


def pins(packages: list[dict[str, Any]]) -> list[str]:
    """`name==version`, sorted, of those that we do not ask for ourselves."""
    found = {}
    for package in packages:
        name = package["metadata"]["name"].lower().replace("_", "-")
        if not package["requested"] and not name.startswith(OF_TORCH):
            found[name] = package["metadata"]["version"].split("+")[0]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


if __name__ == "__main__":
    main()
