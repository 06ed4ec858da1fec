"""Waiting for a web server that a benchmark has started."""

from __future__ import annotations

import http.client
import subprocess
import time

_LIMIT_S = 60.0


def wait_until_up(port: int, server: subprocess.Popen[bytes], address: str = "/healthz") -> None:
    """Until `server` answers on `port` of this machine. Raises RuntimeError where it has ended, or
    does not answer within a minute."""
    until = time.monotonic() + _LIMIT_S
    while not _is_up(port, address):
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the web server did not start")
        time.sleep(0.2)


def _is_up(port: int, address: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", address)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
