"""The first process of a box: makes its network, starts its programs, and buries the dead.

    python -m benchmarks.boxes.inside NAME FOLDER...

The folders are other boxes', and empty in here. Orders come as lines of JSON on the standard input;
each is answered with "done".
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

from pyroute2 import IPRoute

from benchmarks.boxes.network import HARDWARE, LOOPBACK, MIDDLE

LOOK_EVERY_S = 0.2


def main() -> None:
    name, *hidden = sys.argv[1:]
    socket.sethostname(name)
    for folder in hidden:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    _say_done()
    programs: list[int] = []
    while True:
        _bury()
        if select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            line = sys.stdin.readline()
            if not line:
                return  # whoever made the box is gone
            _obey(json.loads(line), programs)
            _say_done()


def _obey(order: dict[str, Any], programs: list[int]) -> None:
    if "address" in order:
        _connect(order["address"])
    elif "run" in order:
        with open(order["log"], "ab") as log:
            started = subprocess.Popen(
                order["run"], env=order["environment"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        programs.append(started.pid)
    elif "end" in order:
        for program in programs:
            with suppress(ProcessLookupError):
                os.kill(program, signal.SIGTERM)


def _connect(address: str) -> None:
    """The middle's hardware address is known for good, as if there was a router before it. Else
    whoever is cut off would soon be told "no route to host"; this way nothing comes back at all."""
    with IPRoute() as ip:
        ip.link("set", index=LOOPBACK, state="up")
        cable = ip.link_lookup(ifname="eth0")[0]
        ip.addr("add", index=cable, address=address, prefixlen=24)
        ip.link("set", index=cable, state="up")
        ip.neigh("replace", dst=MIDDLE, lladdr=HARDWARE, ifindex=cable, state="permanent")


def _bury() -> None:
    """Whoever's parent has died is a child of the first process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _say_done() -> None:
    print("done", flush=True)


if __name__ == "__main__":
    main()
