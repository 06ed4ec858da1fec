"""A polite stop: SIGTERM asks a work horse to save what it has and to end, within `GRACE_S`.

The worker sends it when it is itself told to stop. What the horse is asked, its reporter tells the
pipeline, whose training then leaves a checkpoint (`recon.splats.checkpoints`).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: How long a horse may take to end before it is killed. Long enough for a step of a large scene on
#: a CPU and its checkpoint; with the worker's own second or two it must stay below
#: `stopwaitsecs` in scripts/supervisord.conf and `stop_grace_period` in docker-compose.yml.
GRACE_S = 8.0


@contextmanager
def asked_by_sigterm() -> Iterator[threading.Event]:
    """Gives an event that SIGTERM sets, in place of what the signal does otherwise.

    Only a main thread hears signals; elsewhere the event stays unset.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(signum: int, frame: FrameType | None) -> None:
        asked.set()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
