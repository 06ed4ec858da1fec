"""Waiting for what other processes and threads do: the one place where tests sleep."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Far more than anything takes on an otherwise idle machine.
LIMIT_S = 300.0
#: The first pause and the longest: what comes soon is seen soon, and a long wait costs little.
SHORTEST_S, LONGEST_S = 0.002, 0.05


def wait_until(
    true: Callable[[], bool], what: str, *, limit_s: float = LIMIT_S, longest_s: float = LONGEST_S
) -> float:
    """Checks again and again until `true()`, and fails with `what` if that never happens.

    For things that give no event to wait for: a row that a worker writes, a file, a process that
    ends.

    Returns:
        The seconds that it took.
    """
    began, pause = time.monotonic(), min(SHORTEST_S, longest_s)
    while not true():
        assert time.monotonic() - began < limit_s, f"still waiting: {what}"
        time.sleep(pause)  # noqa: TID251 - nothing tells us, so there is only real time
        pause = min(1.5 * pause, longest_s)
    return time.monotonic() - began
