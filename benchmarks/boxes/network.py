"""A switch, and boxes on it: each has a network, processes, a name and files of its own.

Made of Linux namespaces, so it takes root. `enter_own_network` comes first: the switch is in a
network of this program's own, and all of it is gone when the program is, however that ends.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from pyroute2 import IPRoute

ROOT = Path(__file__).resolve().parents[2]
#: Where the switch's own machine can be reached, and where the boxes' addresses begin.
NETWORK = "10.77.0"
MIDDLE, FIRST = f"{NETWORK}.1", 11
SWITCH, HARDWARE = "switch", "02:00:00:00:00:01"
LOOPBACK = 1  # its index, in every network
#: Set in a program that has a network of its own.
ENTERED = "BOXES_NETWORK"
#: What a box has of its own; it ends with the program that made it.
NAMESPACES = (
    "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
_TRY = """
import subprocess
from pyroute2 import IPRoute
with IPRoute() as ip:
    ip.link("add", ifname="switch", kind="bridge")
    ip.link("add", ifname="cable", kind="veth", peer={"ifname": "plug"})
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
"""
#: Seconds that a box's programs get to end once they are told to.
GRACE_S = 30.0


def is_possible() -> bool:
    """Whether this user may make such machines here, by making one."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None or os.geteuid() != 0:
        return False
    command = [unshare, *NAMESPACES, sys.executable, "-c", _TRY]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def enter_own_network() -> None:
    """Begins the program anew, in a network with nothing in it; once it is there, goes on."""
    if os.environ.get(ENTERED):
        return
    command = ["unshare", "--net", sys.executable, *sys.orig_argv[1:]]
    os.execvpe(command[0], command, {**os.environ, ENTERED: "yes"})  # noqa: S606


class Switch:
    """The machine in the middle with its network, where PostgreSQL, Redis and the store are."""

    def __init__(self) -> None:
        self._ip = IPRoute()
        self._cables = 0
        self._ip.link("set", index=LOOPBACK, state="up")
        self._ip.link("add", ifname=SWITCH, kind="bridge", address=HARDWARE)
        self._own = self._index(SWITCH)
        self._ip.addr("add", index=self._own, address=MIDDLE, prefixlen=24)
        self._ip.link("set", index=self._own, state="up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ip.link("del", index=self._own)
        self._ip.close()

    def lay_cable(self, name: str, process: int) -> str:
        """From here to the network of that process, where its end is called eth0. Returns the
        address that belongs there."""
        address = f"{NETWORK}.{FIRST + self._cables}"
        self._cables += 1
        peer = {"ifname": "eth0", "net_ns_pid": process}
        self._ip.link("add", ifname=name, kind="veth", peer=peer)
        self._ip.link("set", index=self._index(name), master=self._own, state="up")
        return address

    def pull(self, name: str) -> None:
        """As if somebody pulled the plug at the switch: no program is told anything."""
        self._ip.link("set", index=self._index(name), state="down")

    def put_back(self, name: str) -> None:
        self._ip.link("set", index=self._index(name), state="up")

    def _index(self, name: str) -> int:
        found: int = self._ip.link_lookup(ifname=name)[0]
        return found


class Box:
    """A machine on the switch: `folder` is what it has of this machine's disk, and none of the
    `others`."""

    def __init__(self, switch: Switch, name: str, folder: Path, others: Sequence[Path]) -> None:
        self.name, self.folder, self._switch = name, folder, switch
        hidden = [str(one) for one in others if one != folder]
        inside = [sys.executable, "-m", "benchmarks.boxes.inside", name, *hidden]
        self._holder = subprocess.Popen(
            ["unshare", *NAMESPACES, *inside],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._answer()  # it runs
        self._first: int = psutil.Process(self._holder.pid).children()[0].pid
        self.address = switch.lay_cable(name, self._first)
        self._ask(address=self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holder.kill()  # the first process of the box dies with it, and so does the box
        self._holder.wait()

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts a program, whose output goes to a file of that name in the box's folder."""
        log = str(self.folder / f"{name}.log")
        self._ask(run=list(command), environment=dict(environment), log=log)

    def end_programs(self) -> list[str]:
        """Tells the programs to end; returns the command lines of what is left of them."""
        self._ask(end=True)
        until = time.monotonic() + GRACE_S
        while self.processes() and time.monotonic() < until:
            time.sleep(0.2)
        return [" ".join(one.cmdline()) for one in self.processes()]

    def pull(self) -> None:
        self._switch.pull(self.name)

    def put_back(self) -> None:
        self._switch.put_back(self.name)

    def processes(self) -> list[psutil.Process]:
        """All in this box but its first, which is ours."""
        own = os.readlink(f"/proc/{self._first}/ns/pid")
        found = []
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                is_here = os.readlink(f"/proc/{process.pid}/ns/pid") == own
                if is_here and process.pid != self._first and _lives(process):
                    found.append(process)
        return found

    def _ask(self, **what: Any) -> None:
        assert self._holder.stdin
        self._holder.stdin.write(json.dumps(what) + "\n")
        self._holder.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        assert self._holder.stdout
        if self._holder.stdout.readline().strip() != "done":
            raise RuntimeError(f"the box {self.name} did not do as it was asked")


def _lives(process: psutil.Process) -> bool:
    return bool(process.status() != psutil.STATUS_ZOMBIE)
