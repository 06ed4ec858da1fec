"""How much freed memory a web process holds on to."""

from __future__ import annotations

import ctypes

#: Stores of memory (glibc: arenas) that all threads share, as in the processes that decode.
ARENAS = 2
_M_ARENA_MAX = -8  # malloc.h


def share_arenas() -> None:
    """Lets threads allocate from few stores. By itself glibc makes one for each of the first eight
    threads per core, and each keeps what the largest work of its thread took: 33 MB of freed
    memory in each process after eight minutes of load, where two stores keep 10 MB
    (docs/measurements/load.md). To be called before there are threads. A C library without such
    stores is left alone."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_ARENA_MAX, ARENAS)
