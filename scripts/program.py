"""Becomes a program of `make run`, so that it can't outlive the supervisor that started it.

    python scripts/program.py NAME COMMAND...

Supervisor ends its programs itself, unless it is killed with -9 or because memory ran out. Then
Linux ends them, as requested here; elsewhere the next start does. For that, each program records
its process number and when it began, because numbers are reused.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

#: The folder in RUN_DIR with one file for each program.
RECORDS = "programs"
#: Seconds that programs get to exit by themselves.
GRACE_S = 15
#: Seconds by which a process's start may seem to differ: the clock may be set.
TOLERANCE_S = 2.0


def main() -> None:
    name, *command = sys.argv[1:]
    run = Path(os.environ["RECON_RUN"])
    record(run, name)
    end_with_parent()
    if os.getppid() != supervisor_of(run):
        sys.exit("Supervisor is gone.")  # before Linux could be asked
    os.execv(command[0], command)


def record(run: Path, name: str) -> None:
    """Writes down this process, which keeps its number when it becomes another program."""
    folder = run / RECORDS
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    temporary = path.with_name(f".{name}.{os.getpid()}")
    temporary.write_text(f"{os.getpid()} {psutil.Process().create_time()}\n")
    temporary.replace(path)


def end_with_parent() -> None:
    """Asks Linux to send this process TERM when its parent dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG


def supervisor_of(run: Path) -> int:
    return int((run / "supervisord.pid").read_text())


def end_recorded(run: Path) -> int:
    """Ends the programs that outlived their supervisor. Returns how many there were.

    Only for the site that holds the data folder's lock: no other's programs are recorded there.
    """
    records = sorted((run / RECORDS).glob("[!.]*"))
    left = [process for path in records if (process := process_of(path))]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(left, timeout=GRACE_S)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            for child in process.children(recursive=True):
                child.kill()
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_S)
    for path in records:
        path.unlink(missing_ok=True)
    return len(left)


def process_of(path: Path) -> psutil.Process | None:
    """The process of a record, if it still runs and is the same one, and ours."""
    try:
        number, began = path.read_text().split()
        process = psutil.Process(int(number))
        is_same = abs(process.create_time() - float(began)) < TOLERANCE_S
        is_ours = process.uids().real == os.getuid()
        over = process.status() == psutil.STATUS_ZOMBIE
    except (ValueError, OSError, psutil.Error):
        return None
    return process if is_same and is_ours and not over else None


if __name__ == "__main__":
    main()
