"""Bars on standard error where that is a terminal, a few plain lines where it is not."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from recon.client.answers import Artifact, Job
from recon.client.exchange import in_words
from recon.client.photo_files import sendable
from recon.client.upload import (
    BytesSent,
    DraftMade,
    FileRefused,
    FilesChosen,
    FileThere,
    PosesThere,
    Told,
)

#: Why a job mostly waits, which its place in the queue says, too.
_USUAL = ("earlier_jobs", "workers_busy", "starting")

#: Seconds between two plain lines about the same thing.
PLAIN_INTERVAL_S = 30.0


class _Bar:
    """One bar with a line of text before it."""

    def __init__(self, stream: TextIO, *columns: ProgressColumn) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True, markup=False)
        is_terminal = self._console.is_terminal
        text = TextColumn("{task.description}", markup=False)
        self._progress = Progress(
            text, BarColumn(), *columns, console=self._console, disable=not is_terminal,
            transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._progress.stop()

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        self._console.print(line)


class UploadBar(_Bar):
    """Hears what `recon.client.upload` tells."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self.draft_id = ""
        self._count = self._arrived = self._sent = self._bytes_there = 0

    def __call__(self, told: Told) -> None:
        match told:
            case FilesChosen(files, others):
                self._count = len(files)
                self._progress.update(self._task, total=sum(file.size for file in files))
                if others:
                    names = ", ".join(sendable(path.name) for path in others)
                    self.say(f"Neither photos nor videos, left out: {names}")
            case DraftMade(job_id):
                self.draft_id = job_id
            case BytesSent(count):
                self._progress.advance(self._task, count)
            case FileThere(file, was_sent):
                self._arrived += 1
                self._sent += was_sent
                self._has_dealt_with(file.size)
            case FileRefused(file, error):
                self.say(f"{file.name}: {error.sentence}")
                self._has_dealt_with(file.size)
            case PosesThere(poses):
                self.say(f"Camera positions of {poses.found} of {poses.total} photos.")

    def _has_dealt_with(self, size: int) -> None:
        """What was sent twice over a bad line counts once."""
        self._bytes_there += size
        said = f"{self._arrived} of {self._count} files"
        self._progress.update(self._task, completed=self._bytes_there, description=said)
        if self._arrived == self._count:
            had = self._arrived - self._sent
            more = f", {had} {'was' if had == 1 else 'were'} there already" if had else ""
            files = "file" if self._sent == 1 else "files"
            self.say(f"{self._sent} {files} sent{more}.")


class JobBar(_Bar):
    """Hears how far a job is."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, TaskProgressColumn())
        self._progress.update(self._task, total=100)
        self._said_at, self._said = 0.0, ""

    def __call__(self, job: Job) -> None:
        note = note_on(job)
        self._progress.update(self._task, completed=job.progress, description=note)
        if not self._progress.disable or job.has_ended:
            return
        now = time.monotonic()
        if note != self._said and now - self._said_at >= PLAIN_INTERVAL_S:
            self._said, self._said_at = note, now
            self.say(f"{job.progress}% {note}")


class DownloadBar(_Bar):
    """Hears how much of each file is here."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())

    def __call__(self, artifact: Artifact, count: int) -> None:
        self._progress.update(
            self._task, description=artifact.name, total=artifact.size, completed=count
        )


def note_on(job: Job) -> str:
    """What a job is doing, in a line."""
    if job.waiting is not None:
        said = f"waiting, number {job.waiting.position} in the queue"
        starts_in, reason = job.waiting.starts_in, job.waiting.reason
        if reason is not None and reason.code not in _USUAL:
            return f"{said}. {reason.text}"
        return f"{said}, starts in about {in_words(starts_in.high)}" if starts_in else said
    said = (job.message.text if job.message else "") or job.step
    return f"{said}, ready in about {in_words(job.ready_in.high)}" if job.ready_in else said
