"""What a decoding process gives up, as far as the system has a way to do so.

- Memory, processor time, the size of files, core dumps: resource limits (also `limit_resources`).
- Reading any file but programs and libraries, writing any file, TCP: Landlock (Linux 5.13; 6.7).
- New programs and processes, sockets of any kind, signals to others, debugging others, changing
  files' owners and dates: a seccomp filter (Linux on x86-64 and ARM64; `filters`).
- Survival: it is the first to be ended when the machine runs short of memory.

None of it needs privileges, and none can be taken back. What the system refuses is named, not
fatal: the limits of the pool hold everywhere.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from contextlib import suppress
from pathlib import Path

from recon.pipeline.decoding import filters
from recon.pipeline.decoding.budgets import MB, Budget

OPEN_FILES = 64
LARGEST_FILE = 1024 * MB

#: Whatever a budget says, no process gets more.
MOST_MEMORY = 4096 * MB

_PR_SET_NO_NEW_PRIVS = 38
#: The same numbers on all machines.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
#: Rights to files that each version of Landlock knows, and with which version TCP and scopes came.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_SINCE, _SCOPES_SINCE = 4, 6


def confine(code: Path) -> list[str]:
    """Gives up what decoding does not need; programs are read from `code` and Python's folders.

    Returns what the system did not let it give up, in words.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _limit(resource.RLIMIT_DATA, MOST_MEMORY)
    if sys.platform != "linux":
        return ["files and sockets (not Linux)"]
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    refused = []
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        refused.append("new privileges")
    if not _without_files(libc, readable_folders(code)):
        refused.append("files (Landlock)")
    if not filters.install(libc):
        refused.append("system calls (seccomp)")
    return refused


def limit_resources(budget: Budget) -> None:
    """From now on: so much memory, and so much processor time beyond what has been used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + budget.cpu_s
    _limit(resource.RLIMIT_CPU, seconds, hard=False)
    _limit(resource.RLIMIT_DATA, budget.memory_mb * MB, hard=False)


def _limit(what: int, most: int, *, hard: bool = True) -> None:
    """Lowers a limit; above one that is set already, nothing changes."""
    now = resource.getrlimit(what)[1]
    most = most if now == resource.RLIM_INFINITY else min(most, now)
    with suppress(ValueError, OSError):  # macOS knows some of them by name only
        resource.setrlimit(what, (most, most if hard else now))


def readable_folders(code: Path) -> list[Path]:
    """Where programs and libraries lie, and what these read about the machine."""
    folders = {code, Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix)}
    # A folder that only leads to modules may hold more: a project's has its data in it.
    folders |= {Path(one) for one in sys.path if one and _holds_packages(Path(one))}
    folders |= {Path(one) for one in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")}
    files = {Path("/etc/ld.so.cache"), Path("/proc/cpuinfo"), Path("/proc/meminfo")}
    files |= {Path("/sys/devices/system"), Path("/dev/urandom"), Path("/dev/null")}
    return [one for one in folders | files if one.exists()]


def _holds_packages(folder: Path) -> bool:
    return folder.name.endswith("-packages") or any(folder.glob("*.dist-info"))


def _without_files(libc: ctypes.CDLL, readable: list[Path]) -> bool:
    """Whether Landlock has closed the file system but for reading `readable_folders`."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1
    handled = [rights]
    if version >= _TCP_SINCE:
        handled.append(0b11)  # binding and connecting
    if version >= _SCOPES_SINCE:
        handled.append(0b11)  # abstract sockets of others, and signals to them
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(libc, ruleset, path)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path) -> None:
    rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
