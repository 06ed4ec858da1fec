"""When a connection to PostgreSQL is given up: whoever pulls a cable tells neither end of it.

A program would wait for its answer for a quarter of an hour, or for two hours where the request had
arrived; and for as long the server would keep what a machine that is gone has locked, for which all
others wait. Over a socket on the same machine none of this does anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Seconds until a connection must be there, and until what was sent must have arrived.
CONNECT_S, UNANSWERED_S = 10, 30
#: Where nothing is under way: seconds until the other end is asked, and between the times that it
#: is asked before it counts as gone.
IDLE_S, AGAIN_S, TIMES = 10, 5, 4


def options(database: Mapping[str, Any]) -> dict[str, Any]:
    """Django's OPTIONS of a database: those that its address has come first."""
    given = database.get("OPTIONS", {})
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_S,
        "tcp_user_timeout": 1000 * UNANSWERED_S,
        "keepalives_idle": IDLE_S,
        "keepalives_interval": AGAIN_S,
        "keepalives_count": TIMES,
    }
    return {**ours, **given, "options": " ".join([*_of_the_server(), given.get("options", "")])}


def _of_the_server() -> list[str]:
    """What the server's end of the connection does, likewise."""
    wanted = {
        "tcp_user_timeout": f"{UNANSWERED_S}s",
        "tcp_keepalives_idle": IDLE_S,
        "tcp_keepalives_interval": AGAIN_S,
        "tcp_keepalives_count": TIMES,
    }
    return [f"-c {name}={value}" for name, value in wanted.items()]
