"""A machine that runs out of memory, distinguished from other faults.

Linux mostly kills whoever has the most then; under a limit (a container's, `ulimit -v`) whoever
asks for more is refused, and each library says so in its own way.
"""

from __future__ import annotations

import errno

#: Of libraries that give a sentence: PyTorch on a CPU, OpenCV, SQLite.
_SAID = ("can't allocate memory", "not enough memory", "Insufficient memory", "out of memory")


def explains(error: BaseException) -> bool:
    """Whether the error, or one that led to it, says that the machine has no memory left. A full
    graphics card is something else, and has a code of its own."""
    one: BaseException | None = error
    while one is not None:
        if _says_so(one):
            return True
        one = one.__cause__ or one.__context__
    return False


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return "CUDA" not in str(error) and any(words in str(error) for words in _SAID)
