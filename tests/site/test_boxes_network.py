"""A box of `benchmarks.boxes` is a machine of its own, and can be cut off.

Where networks can't be made, as in most containers, the benchmark says that it is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.boxes.network import ENTERED, MIDDLE, ROOT, is_possible

pytestmark = pytest.mark.slow

PORT = 7000
#: Runs on the box: says a number and what it sees, again and again, to whoever listens.
TELL = f"""
import os, socket, sys, time
line = socket.create_connection(({MIDDLE!r}, {PORT}))
number = 0
while True:
    number += 1
    hidden = len(os.listdir(sys.argv[1]))
    line.sendall(f"{{number}} {{socket.gethostname()}} {{hidden}} {{os.getpid()}}\\n".encode())
    time.sleep(0.02)
"""
#: Runs in the middle.
LISTEN = f"""
import json, socket, sys, time
from pathlib import Path
from benchmarks.boxes.network import Box, MIDDLE, Switch, enter_own_network

enter_own_network()
own, other = Path(sys.argv[1]) / "own", Path(sys.argv[1]) / "other"
with Switch() as switch, Box(switch, "ann", own, [own, other]) as box:
    server = socket.create_server((MIDDLE, {PORT}))
    box.run("tell", [sys.executable, "-c", {TELL!r}, str(other)], {{"PATH": "/usr/bin"}})
    line = server.accept()[0]
    first = line.makefile().readline()
    box.pull()
    line.settimeout(0.3)
    try:
        while line.recv(4096):
            pass
    except TimeoutError:
        alive = len(box.processes())  # and nothing is heard
    box.put_back()
    line.settimeout(60)
    after = len(line.recv(4096))
    left = box.end_programs()
print(json.dumps({{"first": first, "alive": alive, "after": after, "left": left}}))
"""


def test_a_box_that_is_cut_off_lives_on_and_is_heard_of_again(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(ENTERED, None)
    if not is_possible():
        command = [sys.executable, "-m", "benchmarks.boxes"]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "Left out" in done.stdout
        return
    (tmp_path / "own").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").touch()
    done = subprocess.run(
        [sys.executable, "-c", LISTEN, str(tmp_path)],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=120,
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    number, name, hidden, process = told["first"].split()
    assert (number, name, hidden) == ("1", "ann", "0"), "it sees no other box's files"
    assert int(process) < 20, "its processes are counted from one"
    assert told["alive"] == 1
    assert told["after"] > 0
    assert told["left"] == []


def test_where_no_network_can_be_made_the_benchmark_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.boxes"]
    without_tools = {**os.environ, "PATH": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=without_tools, check=True, capture_output=True, text=True
    )
    assert ended.stdout.startswith("Left out: this takes root on a Linux")
