"""The viewer's modules that need no browser: tests/js, run by Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.node import node

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name.partition(".")[0])
def test_a_module_does_what_its_tests_say(module: Path) -> None:
    command = [node(), "--test", "--test-reporter=tap", str(module)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# tests 0" not in run.stdout
