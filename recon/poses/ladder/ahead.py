"""The next source's matches, made ahead of their turn where cores would be idle.

The mapper computes in one thread an attempt; finding features and matching them use all cores
there are. So while plain SIFT's later rungs are tried, what comes after them is begun, and dropped
where it is not needed. What comes out is the same as in its turn.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.ladder import sources
from recon.poses.ladder.rungs import Rung
from recon.poses.ladder.skip_reasons import why_skip
from recon.poses.ladder.sources import GUIDED, PLAIN, Source, Work
from recon.poses.ladder.state import LadderState
from recon.poses.native import POLL_SECONDS, NativeThread, cores
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken

#: With fewer, what is tried now would wait for what may not be needed.
_ENOUGH_CORES = 4


class MatchesAhead:
    """At most one source's matches in the making, beside what the ladder tries."""

    def __init__(self) -> None:
        self._build: _Build | None = None

    def begin(self, rung: Rung, rungs: Sequence[Rung], state: LadderState) -> None:
        """Begins what follows `rung`, which is about to be tried, if cores would be idle.

        Not beside the first rung, which wins most sets.
        """
        if self._build is not None or cores() < _ENOUGH_CORES:
            return
        if rung is rungs[0] or rung.source not in (PLAIN, GUIDED):
            return
        later = [r for r in rungs[rungs.index(rung) + 1 :] if r.source is not PLAIN]
        coming = next((r for r in later if why_skip(r, state) is None), None)
        # Guided matching takes a second, of what others have open meanwhile; and what comes after
        # it will often not be needed.
        if coming is not None and coming.source is not GUIDED:
            self._build = _Build(coming.source, state.work)

    def database_of(self, source: Source, work: Work, report: Progress) -> Path:
        """As `sources.database_of`, of what was made ahead if it is what is asked for."""
        build = self._build
        if source in (PLAIN, GUIDED) or build is None:
            return sources.database_of(source, work, report)
        self._build = None
        try:
            if build.source is source and build.work == work:
                return build.wait(report)
        finally:
            build.drop()
        return sources.database_of(source, work, report)

    def close(self) -> None:
        """Drops what is not needed."""
        if self._build is not None:
            self._build.drop()


class _Dropped(Exception):
    """Nobody waits for it any more."""


class _Build:
    """One source's database, made in a thread of its own."""

    def __init__(self, source: Source, work: Work) -> None:
        self.source, self.work = source, work
        self._ended = threading.Event()
        self._told: tuple[float, str, dict[str, object]] = (0.0, "", {})
        self._thread = NativeThread(self._make, self._ended)
        self._thread.start()

    def wait(self, report: Progress) -> Path:
        """The database, once it is ready. Raises what `report` and the work on it raise."""
        while True:
            ended = self._ended.wait(POLL_SECONDS)
            fraction, code, facts = self._told
            report(fraction, code, **facts)
            if ended:
                return self._thread.result()

    def drop(self) -> None:
        """Stops it, and waits until it has let go of its files."""
        self._thread.cancel()
        self._thread.wait()

    def _make(self, token: CancellationToken) -> Path:
        def tell(fraction: float, code: str = "", /, **facts: object) -> None:
            if token.is_cancelled:
                raise _Dropped
            self._told = (fraction, code, facts)

        return sources.database_of(self.source, self.work, tell)
