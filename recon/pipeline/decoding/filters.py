"""The seccomp filter of a decoding process: a small program that the kernel asks at each call.

It refuses (EPERM) what no decoder needs and what somebody who has taken one over would want first.
By numbers, as the kernel has them in its tables `syscall_64.tbl` (x86-64) and `unistd.h` (the
others).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_SECCOMP, _FILTER_MODE = 22, 2
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE = 0x00050000

# Instructions of classic BPF, and where the words lie that they look at.
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16

_CLONE_THREAD = 0x00010000
_OTHER_TABLE = 0x40000000  # x86-64 has a second one, of calls with short pointers

#: Calls by name: their numbers on x86-64 and on ARM64 (None: there is none).
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Talking to others. The one channel and the files that come through it are already open.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    # Other programs and processes. Threads are let through below.
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    # What Landlock does not watch: owners, modes, attributes and dates of files.
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "utime": (132, None),
    "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # The kernel's wider surface.
    "mount": (165, 40), "umount2": (166, 39), "unshare": (272, 97), "setns": (308, 268),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104),
}  # fmt: skip
#: Machine, column above, and the numbers of clone, clone3, tgkill and prlimit64.
_MACHINES = {
    "x86_64": (0xC000003E, 0, (56, 435, 234, 302)),
    "aarch64": (0xC00000B7, 1, (220, 435, 131, 261)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(libc: ctypes.CDLL) -> bool:
    """Whether the filter holds from now on, for this thread and all that it starts."""
    if platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return False
    code = _program(platform.machine(), os.getpid())
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) == 0)


def _program(machine: str, own: int) -> bytes:
    number, column, (clone, clone3, tgkill, prlimit) = _MACHINES[machine]
    denied = [numbers[column] for numbers in _REFUSED.values()]
    refuse = _step(_RETURN, _REFUSE | errno.EPERM)
    allow = _step(_RETURN, _ALLOW)
    steps = [
        _step(_LOAD, _MACHINE),
        _step(_EQUAL, number, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_ABOVE, _OTHER_TABLE, 0, 1),
        _step(_RETURN, _KILL),
        # The C library then uses clone, whose flags can be looked at.
        _step(_EQUAL, clone3, 0, 1),
        _step(_RETURN, _REFUSE | errno.ENOSYS),
    ]
    for one in denied:
        if one is not None:
            steps += [_step(_EQUAL, one, 0, 1), refuse]
    # Threads, but no processes; signals to itself, as in abort(); limits of its own.
    first = _step(_LOAD, _FIRST_ARGUMENT)
    for call, test in (
        (clone, _step(_ANY_BIT, _CLONE_THREAD, 0, 1)),
        (tgkill, _step(_EQUAL, own, 0, 1)),
        (prlimit, _step(_EQUAL, 0, 0, 1)),
    ):
        steps += [_step(_EQUAL, call, 0, 4), first, test, allow, refuse]
    return b"".join([*steps, allow])


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; the last two say how many to skip after a comparison."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
