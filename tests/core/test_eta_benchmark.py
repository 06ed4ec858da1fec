"""benchmarks/eta.py as people start it: a separate program, without the site."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
        "preset": "quick",
        "iterations": None,
        "status": "COMPLETED",
        "sizes": [(800, 600)] * 8,
        "said": said,
        "seconds": {str(step): seconds for step in WORKING_STEPS},
    }


@pytest.mark.slow
def test_what_was_kept_is_judged_again(tmp_path: Path) -> None:
    """Six jobs to learn from, whose steps took 5 s each; then one like them, and a slower one."""
    jobs = [measured(seconds) for seconds in [5.0] * 6 + [5.0, 15.0]]
    record = tmp_path / "eta.json"
    record.write_text(json.dumps({"machine": "a desk", "command": "by hand", "jobs": jobs}))
    program = [sys.executable, "benchmarks/eta.py", "--replay", str(record)]
    environ = {k: v for k, v in environment().items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(program, cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "In the range: 1 of 2" in done.stdout
    assert "NOT REACHED" in done.stdout
    assert "made up" in done.stdout
