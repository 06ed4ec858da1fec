"""benchmarks/eta.py as people start it: a program of its own, without the site."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from recon.pipeline.progress import WORKING_STEPS
from tests.photos import PROJECT
from tests.reconstruction import environment


def measured(seconds: float) -> dict[str, object]:
    """A job of eight photos whose steps took `seconds` each."""
    said, now = [], 0.0
    for step in WORKING_STEPS:
        said += [(now + share * seconds, str(step), share) for share in (0.0, 0.5, 1.0)]
        now += seconds
    return {
        "set": "made up",
        "preset": "draft",
        "iterations": None,
        "status": "COMPLETED",
        "sizes": [(800, 600)] * 8,
        "said": said,
        "seconds": {str(step): seconds for step in WORKING_STEPS},
    }


def judged(folder: Path, last: float) -> str:
    """What it prints of six jobs whose steps took 5 s each, and one of `last` seconds."""
    kept = folder / "eta.json"
    jobs = [measured(5.0)] * 6 + [measured(last)]
    kept.write_text(json.dumps({"machine": "a desk", "command": "by hand", "jobs": jobs}))
    program = [sys.executable, "benchmarks/eta.py", "--replay", str(kept)]
    environ = {k: v for k, v in environment().items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(program, cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_kept_is_judged_again(tmp_path: Path) -> None:
    assert "In the range: 1 of 1" in judged(tmp_path, 5.0)
    table = judged(tmp_path, 15.0)
    assert "In the range: 0 of 1" in table
    assert "NOT REACHED" in table
    assert "made up" in table
