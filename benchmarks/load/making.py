"""Starts `benchmarks.load.rows` in a site's environment, before the site itself is started."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from scripts.temporary_site import ROOT


def make(environment: dict[str, str], *what: object) -> dict[str, Any]:
    """What `benchmarks.load.rows` made."""
    command = [sys.executable, "-m", "benchmarks.load.rows", *map(str, what)]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made
