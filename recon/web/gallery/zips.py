"""A zip of finished scenes that is made while it is sent: it is never whole, neither on disk nor in
memory.

Nothing is compressed (scenes and pictures are already), so its length is known beforehand and a
browser can show how far it is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from recon.jobs.folder import mirror
from recon.models import Artifact, Job
from recon.web.access import NotThere
from recon.web.serving import CHUNK, KINDS, check_contained

#: What is in it of each scene. The scene with and without stray spots, as shown, is one file of it.
PARTS = (
    Artifact.Kind.SCENE_PLY,
    Artifact.Kind.SPLAT,
    Artifact.Kind.SPZ,
    Artifact.Kind.TURNTABLE,
    Artifact.Kind.POSTER,
    Artifact.Kind.COLMAP,
    Artifact.Kind.RESULTS,
    Artifact.Kind.CAMERAS,
)

#: Bytes of all files of one zip. From 2 GiB on, old programs can't read it.
MOST_BYTES = 2_000 * 2**20


@dataclass(frozen=True)
class Member:
    """A file, and where it stands in the zip."""

    name: str
    path: Path
    size: int  # bytes
    day: tuple[int, int, int, int, int, int]  # and time of day, of the scene


def members_of(job: Job, folder: str) -> list[Member]:
    """The files of a finished scene that are still there, as `folder`/…; [] where there is none."""
    # Zip programs take it for the time on the clock.
    made = timezone.localtime(job.completed_at or job.created_at).timetuple()[:6]
    day = (max(made[0], 1980), *made[1:])  # zip knows no earlier year
    found = (
        {artifact.kind: artifact for artifact in job.artifacts.all()} if job.is_completed else {}
    )
    members = []
    for kind in PARTS:
        if kind not in found:
            continue
        mirror.pull(job, found[kind].path)
        try:
            path = check_contained(job, found[kind].file)
            size = path.stat().st_size
        except (NotThere, FileNotFoundError):
            continue
        members.append(Member(f"{folder}/{folder}{KINDS[kind][0]}", path, size, day))
    return members


def folder_of(job: Job, taken: set[str]) -> str:
    """A folder's name for the scene that is not among `taken`; notes it there."""
    base = job.file_stem[:60]
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


class ZipStream:
    """A file to read from the start to the end once, that is not there.

    It can tell its length, and go back to where the last read began: so the web server's I/O loop
    sends it by itself, as it does files, and no thread waits for slow readers.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        members = list(members)
        frame = sum(len(piece) for piece in _pieces(members, with_content=False))
        self.length = frame + sum(member.size for member in members)
        self._pieces = _pieces(members)
        self._buffer = bytearray()  # from `_start` on
        self._start = self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Raises OSError where a file has gone or changed meanwhile: sending then breaks off, so
        that nobody takes it for complete.
        """
        if self._at < self._start:
            raise OSError("what was read before the last read is gone")
        size = self.length - self._at if size < 0 else size
        del self._buffer[: self._at - self._start]
        self._start = self._at
        while len(self._buffer) < size and (piece := next(self._pieces, None)) is not None:
            self._buffer += piece
        read = bytes(self._buffer[:size])
        self._at += len(read)
        return read

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        self._at = begin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._pieces.close()


class _Sink:
    """Where `zipfile` writes to: it can't go back there, and so writes in one go."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _pieces(members: list[Member], *, with_content: bool = True) -> Generator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]
        for member in members:
            about = zipfile.ZipInfo(member.name, member.day)
            about.external_attr = 0o644 << 16
            with archive.open(about, "w") as target:
                for chunk in _content(member) if with_content else ():
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()


def _content(member: Member) -> Iterator[bytes]:
    left = member.size
    with member.path.open("rb") as file:
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise OSError(f"{member.path} has become shorter")
            left -= len(chunk)
            yield chunk
