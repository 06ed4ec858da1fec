"""Where numba keeps compiled kernels: a folder named by the sources of all of them.

numba looks only at the file that a kernel stands in. A function compiled into it from another file
could change, with the next version say, and the old machine code would go on being used.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def kernel_cache(sources: Path, base: str | None) -> str:
    """The value for NUMBA_CACHE_DIR: a folder in `base`, or in the folder `sources` of the code
    that the kernels stand in. Itself where `base` is that folder already."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        text = path.read_bytes()
        if b"njit" in text:
            digest.update(path.name.encode() + b"\0" + text)
    name = f"kernels-{digest.hexdigest()[:16]}"
    folder = Path(base) if base else sources / "__pycache__"
    return str(folder if folder.name == name else folder / name)
