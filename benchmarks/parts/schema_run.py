"""A run of schemathesis against a site: whatever the API's description allows, and what it does
not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")
DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "use" / "openapi.json"


def call_whatever_is_described(
    address: str, token: str, *, seconds: int, examples: int, seed: int, only: str = ""
) -> subprocess.CompletedProcess[str]:
    """The finished run: its exit code is 0 where every answer was as described, and none a fault
    of the site. `only` is a regular expression for the paths."""
    chosen = ["--include-path-regex", only] if only else []
    with tempfile.TemporaryDirectory() as folder:  # it leaves notes where it is started
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
                *("run", str(DESCRIPTION), "--url", address),
                *("--header", f"Authorization: Bearer {token}"),
                *("--max-time", str(seconds), "--max-examples", str(examples), "--seed", str(seed)),
                *("--continue-on-failure", "--no-color", "--suppress-health-check", "all"),
                *("--generation-database", "none", *chosen),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10 * seconds + 120,
        )
