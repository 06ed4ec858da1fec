"""Inputs that once failed, each with a known right outcome, from `RECON_FAULTS`.

They are kept next to the project (default: `shared/faults`), never in it. A fresh clone has none:
there such a test is skipped, which CI does not allow (`tests/no_skips.py`), and tests on photos
that they make themselves check the same things everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.photos import PROJECT

FAULTS = Path(os.environ.get("RECON_FAULTS", PROJECT.parent / "shared" / "faults"))


def fault(name: str) -> Path:
    """The file or folder `name` of the collection."""
    path = FAULTS / name
    if not path.exists():
        pytest.skip(f"{path} is missing; RECON_FAULTS names another place")
    return path
