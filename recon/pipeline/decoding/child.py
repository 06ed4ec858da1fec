"""A decoding process: `python -m recon.pipeline.decoding.child CHANNEL`.

Started by `pool`, with one end of the channel as an open file. Does one piece of work after another
until the channel or standard input closes, which happens when its parent is gone.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from recon.pipeline.decoding import confinement, tasks
from recon.pipeline.decoding.budgets import Budget
from recon.pipeline.decoding.messages import ChannelClosed, Facts, Message, receive, send
from recon.pipeline.errors import UserError

_CODE = Path(__file__).resolve().parents[2]  # the package `recon`


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it
    channel = socket.socket(fileno=int(sys.argv[1]))
    memory = _open_memory()  # can't be opened any more afterwards
    refused = confinement.confine(_CODE)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(ChannelClosed, BrokenPipeError, ConnectionResetError):
        send(channel, Message({"ready": refused}))
        while True:
            _serve(channel, receive(channel, most_files=1), memory)


def _serve(channel: socket.socket, request: Message, memory: int | None) -> None:
    confinement.limit_resources(Budget(**request.facts["budget"]))
    with os.fdopen(request.files[0], "rb") as file:
        answer = _done(channel, request.facts, file)
    _give_back_memory()
    send(channel, Message(answer.facts | {"memory": _read_memory(memory)}, answer.body))


def _done(channel: socket.socket, facts: Facts, file: BinaryIO) -> Message:
    """The last message about a piece of work; a long one says more before it."""
    try:

        def tell(news: Facts, body: bytes) -> None:
            send(channel, Message({"news": news}, body))

        result, body = tasks.TASKS[facts["task"]](file, tell, facts)
        return Message({"done": result}, body)
    except UserError as error:
        if _is_short_of_memory(error):
            return Message({"too_much": True})
        return Message({"refused": error.code, "facts": error.facts})
    except MemoryError:
        return Message({"too_much": True})
    except OSError as error:
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            raise  # nobody is left to hear it
        return Message({"failed": traceback.format_exc(limit=-5)})
    except Exception:  # whatever a decoder does must not be the end of the next file
        return Message({"failed": traceback.format_exc(limit=-5)})


def _is_short_of_memory(error: BaseException) -> bool:
    """Whether that is what made a decoder give up."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or getattr(cause, "errno", None) == 12:  # ENOMEM
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _give_back_memory() -> None:
    gc.collect()
    with suppress(AttributeError, OSError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)


def _open_memory() -> int | None:
    with suppress(OSError):
        return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    return None


def _read_memory(memory: int | None) -> int:
    """Bytes in use now; 0 where the system does not say."""
    if memory is None:
        return 0
    return int(os.pread(memory, 200, 0).split()[1]) * os.sysconf("SC_PAGESIZE")


def _end_with_parent() -> None:
    # Not sys.stdin: Python aborts where a thread still holds its buffer at the end.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
