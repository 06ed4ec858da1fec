"""The plugin that turns skips into failures in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = """
import pytest

def test_skips():
    pytest.skip("no browser here")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ci", "source", "code", "said"),
    [
        ("true", SKIPS, 1, "which CI does not allow: Skipped: no browser here"),
        ("", SKIPS, 0, "1 skipped"),
        ("true", 'import pytest\npytest.importorskip("not_there")', 2, "which CI does not allow"),
        ("true", "def test_runs():\n    pass", 0, "1 passed"),
    ],
)
def test_a_skipped_test_fails_in_ci_only(
    tmp_path: Path, ci: str, source: str, code: int, said: str
) -> None:
    (tmp_path / "test_sample.py").write_text(source)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.no_skips", "-p", "no:django", "-rs"),
            *("--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)),
        ],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(root)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert said in done.stdout
