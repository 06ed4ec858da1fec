"""Ctrl-C asks all that `make run` keeps alive to end at once, and the queue's server last."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import SettingsWrapper

from scripts import serve
from tests.waiting import wait_until

#: Asked to end, a program says so, and whether it hears within some seconds that the others were
#: asked, too; then it ends.
PROGRAM = """
import signal, sys, time
from pathlib import Path

own, folder, others = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]

def end(*_):
    (folder / f"{own}-asked").touch()
    give_up_at = time.monotonic() + 3
    while time.monotonic() < give_up_at:
        if all((folder / f"{other}-asked").exists() for other in others):
            (folder / f"{own}-heard-all").touch()
            break
        time.sleep(0.01)
    (folder / f"{own}-ended").touch()
    sys.exit()

signal.signal(signal.SIGTERM, end)
(folder / f"{own}-runs").touch()
while True:
    time.sleep(60)
"""
CONFIGURATION = """
[supervisord]
nodaemon = true
silent = true
logfile = {folder}/supervisord.log
pidfile = {folder}/supervisord.pid

[unix_http_server]
file = {folder}/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
ONE = """
[program:{name}]
command = "{python}" "{folder}/program.py" {name} "{folder}" {others}
priority = {priority}
startsecs = 0
stopwaitsecs = 30
"""
WAITS_FOR = {"redis": (), "web": ("worker",), "worker": ("web",)}


@pytest.fixture
def supervisor(tmp_path: Path, settings: SettingsWrapper) -> Iterator[subprocess.Popen[bytes]]:
    settings.RUN_DIR = tmp_path
    (tmp_path / "program.py").write_text(PROGRAM)
    programs = [
        ONE.format(
            name=name,
            python=sys.executable,
            folder=tmp_path,
            others=" ".join(others),
            priority=priority,
        )
        for priority, (name, others) in enumerate(WAITS_FOR.items(), start=1)
    ]
    file = tmp_path / "supervisord.conf"
    file.write_text(CONFIGURATION.format(folder=tmp_path) + "".join(programs))
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord"]
    started = subprocess.Popen([*command, "--configuration", str(file)], cwd=tmp_path)
    try:
        runs = [tmp_path / f"{name}-runs" for name in WAITS_FOR]
        wait_until(lambda: all(file.exists() for file in runs), "all run")
        yield started
    finally:
        started.terminate()
        started.wait(timeout=60)


def test_all_are_asked_at_once_and_the_queues_server_last(
    supervisor: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve.signal, "signal", lambda *_: None)  # of the tests' own process
    serve.stop(supervisor)
    assert supervisor.returncode == 0
    assert (tmp_path / "web-heard-all").exists()
    assert (tmp_path / "worker-heard-all").exists()
    redis, others = tmp_path / "redis-ended", [tmp_path / "web-ended", tmp_path / "worker-ended"]
    assert redis.stat().st_mtime_ns >= max(other.stat().st_mtime_ns for other in others)


def test_without_an_answer_of_supervisor_they_still_end(
    supervisor: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
    (tmp_path / "supervisor.sock").unlink()
    serve.stop(supervisor)
    assert all((tmp_path / f"{name}-ended").exists() for name in WAITS_FOR)
