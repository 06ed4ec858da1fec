"""What settings need to know about this machine, found out without loading torch or CUDA."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import tempfile
from pathlib import Path

#: Unix sockets' addresses hold 107 bytes on Linux and 103 on macOS; names in it need some.
_LONGEST_RUN_DIR = 80


def gpu_count() -> int:
    """How many CUDA GPUs jobs could use; 0 where torch was built without CUDA."""
    if not _torch_has_cuda():
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([one for one in visible.split(",") if one.strip() not in ("", "-1")])
    devices = [p for p in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", p.name)]
    return len(devices) or int(Path("/dev/dxg").exists())  # dxg: the GPU of WSL 2


def _torch_has_cuda() -> bool:
    """Reads torch's own note of how it was built; importing it takes seconds."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return False
    version = Path(spec.submodule_search_locations[0]) / "version.py"
    if not version.is_file():
        return False
    return re.search(r"^cuda\b[^=\n]*= *['\"]", version.read_text(), re.MULTILINE) is not None


def run_folder(data_dir: Path) -> Path:
    """Where sockets and process numbers lie: `data_dir`/run, or a short path where that is long.

    The short one is in XDG_RUNTIME_DIR or the temporary folder, named after `data_dir`.
    """
    usual = data_dir / "run"
    if len(os.fsencode(usual)) <= _LONGEST_RUN_DIR:
        return usual
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    name = f"instarecon3d-{os.getuid()}-{digest}"
    if len(os.fsencode(base / name)) > _LONGEST_RUN_DIR:
        base = Path("/tmp")  # noqa: S108  (made with mode 0700 and its owner checked, in serve.py)
    return base / name
