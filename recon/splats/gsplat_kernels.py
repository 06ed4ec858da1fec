"""gsplat's private functions, as in the one version whose source we have read.

They promise nothing: another version may take other arguments, or give these another meaning. So
the version is checked first, before the import. gsplat is imported inside the functions: its import
tries to compile CUDA code whenever `nvcc` is on the PATH, even beside a CPU-only torch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

WANTED = "1.5.3"  # as requirements.txt and pyproject.toml pin it


def check_version() -> None:
    """Raises ImportError where gsplat is absent or not the version that is wanted."""
    found = version("gsplat").partition("+")[0]  # its own index names CUDA behind a plus
    if found != WANTED:
        raise ImportError(
            f"gsplat {WANTED} is wanted, since its private functions are called, and this is "
            f"{found}: pip install gsplat=={WANTED}"
        )


@functools.cache
def kernels() -> Any:
    """The compiled kernels, which the first call may compile; None where they can't be.

    Raises ImportError as `check_version`, and what the import and the compiler raise.
    """
    check_version()
    from gsplat.cuda._backend import _C

    return _C


@functools.cache
def adam() -> Callable[..., None]:
    """One step of Adam in place, without its correction of the young means.

    Raises ImportError as `check_version`.
    """
    check_version()
    from gsplat.cuda._wrapper import adam as step

    return step
