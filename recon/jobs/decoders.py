"""Opening what people sent while they wait at a request: few at a time, for all web processes
together, and nobody may take all the places.

Everything else is in `recon.pipeline.decoding`, which knows nothing of settings.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from recon.pipeline.decoding.opening import Opener
from recon.pipeline.decoding.pool import Pool
from recon.pipeline.decoding.slots import Slots
from recon.pipeline.errors import PipelineError

#: How long a request waits for its place: scripts give a silent one up after 60 s.
PATIENCE_S = 15.0

#: Threads of a web process that may open files or wait for it, whatever DECODING_PROCESSES is. Both
#: scripts/supervisord.conf and the Dockerfile give it eight; the others serve pages.
THREADS = 6

#: Requests of one person that a web process opens files for at a time. A page sends three.
OF_ONE_PERSON = 4

_lock = threading.Lock()
_opener: Opener | None = None
_busy_for: Counter[int] = Counter()


def opener() -> Opener:
    """This process's."""
    global _opener
    with _lock:
        if _opener is None:
            folder = Path(settings.RUN_DIR) / "slots"
            slots = Slots(settings.DECODING_PROCESSES, folder, threads=THREADS)
            _opener = Opener(Pool(slots, patience_s=PATIENCE_S))
        return _opener


@contextmanager
def place_for(person_pk: int) -> Iterator[None]:
    """Around whatever opens a person's files. Raises PipelineError("too_busy")."""
    with _lock:
        if _busy_for[person_pk] >= OF_ONE_PERSON:
            raise PipelineError("too_busy")
        _busy_for[person_pk] += 1
    try:
        yield
    finally:
        with _lock:
            _busy_for[person_pk] -= 1
            if not _busy_for[person_pk]:
                del _busy_for[person_pk]


def _forget() -> None:
    """A fork has none of its parent's processes."""
    global _lock, _opener
    _lock = threading.Lock()
    if _opener is not None:
        _opener.pool.forget()
        _opener = None
    _busy_for.clear()


os.register_at_fork(after_in_child=_forget)
