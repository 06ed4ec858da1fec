"""The site as `make run` starts it, on data of its own, for tests that need all of it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from instarecon_site.machine import run_folder
from scripts.temporary_site import ROOT, SCRIPTS, TemporarySite, free_port, site_environment
from tests.run_folder import once

__all__ = ["ROOT", "SCRIPTS", "Site", "free_port", "site_environment", "started_site"]


class Site(TemporarySite):
    """A temporary site, with the methods that tests need."""

    def health(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz") as answer:
            return str(answer.read().decode())

    def is_healthy(self) -> bool:
        try:
            return self.health() == "ok"
        except OSError:
            return False

    def supervised(self, name: str) -> int:
        """The process number of a running program, or 0, asked for as `supervisorctl` does."""
        transport = SupervisorTransport(serverurl=self._supervisor())
        try:
            with ServerProxy("http://localhost", transport) as supervisor:
                found: Any = supervisor.supervisor.getProcessInfo(name)
        except (OSError, HTTPException, Fault):  # it is not there, or knows no such program
            return 0
        return int(found["pid"]) if found["statename"] == "RUNNING" else 0

    def _supervisor(self) -> str:
        return f"unix://{run_folder(self.folder / 'data') / 'supervisor.sock'}"

    def control(self, *command: str) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "supervisor.supervisorctl"),
                *("--serverurl", self._supervisor(), *command),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def worker_health(self, queue: str = "recon") -> int:
        return subprocess.run(
            [sys.executable, str(SCRIPTS / "worker_health.py"), queue],
            env=site_environment(self.folder),
            capture_output=True,
            check=False,
        ).returncode

    def processes(self) -> list[str]:
        """Every process that uses this site's data."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("DATA_DIR") == str(self.folder / "data"):
                    found.append(" ".join(process.cmdline()))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


PREPARE = """
from scripts import serve
serve.django.setup()
serve.folders.make()
serve.prepare_folders()
serve.prepare_site()
"""


def _prepare(folder: Path) -> None:
    """What a site makes before its first start: data with an account, and collected static
    files."""
    subprocess.run(
        [sys.executable, "-c", PREPARE],
        env=site_environment(folder, STATIC_ROOT=str(folder / "static")),
        check=True,
        capture_output=True,
    )


@contextmanager
def started_site(folder: Path, **settings: str) -> Iterator[Site]:
    """A started site with these settings. It already has an account, so no sample job is queued."""
    site = Site(folder, **settings)
    shutil.copytree(once("site-with-an-account", _prepare), folder, dirs_exist_ok=True)
    site.start()
    try:
        yield site
    finally:
        site.stop(signal.SIGTERM)
