"""The index of an MP4 or QuickTime file, counted before FFmpeg makes a table of it.

A few bytes may say "66 million samples, all of one size": FFmpeg allocates an entry for each, in
each track. So do the samples of fragments, and run lengths of times. Here only the counts are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from recon.pipeline.decoding.limits import check_frame_size
from recon.pipeline.errors import UserError

#: Of all tracks together; 3 minutes at 240 frames a second with sound are 60,000.
SAMPLES = 1_000_000
TRACKS = 64

#: A fragment has seven boxes or so; 3 minutes with one for each frame are 75,000.
BOXES = 200_000

#: Boxes that hold boxes on the way to those that count, wherever they stand: FFmpeg takes them so.
_HOLDS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex", b"edts", b"udta"}
_DEEPEST = 12

#: An index that is packed itself: of QuickTime's first years, and a bomb by nature.
_PACKED = b"cmov"

#: FFmpeg reads plain PCM in pieces of 160 samples at least.
_PCM_PIECE = 160

#: Tables, and the least that an entry takes of them, in bytes.
_TABLES = {b"stsc": 12, b"stss": 4, b"stco": 4, b"co64": 8, b"elst": 12}

_FAR_TOO_MANY = SAMPLES + 1


def check_index(file: BinaryIO, name: str) -> None:
    """Leaves `file` at its start. Raises UserError: video_too_complex, video_too_large."""
    size = file.seek(0, 2)
    counter = _Counter(file)
    counter.read(0, size, 0)
    file.seek(0)
    check_frame_size(*counter.largest, name)
    if counter.samples > SAMPLES or counter.tracks > TRACKS or counter.boxes > BOXES:
        raise UserError("video_too_complex", name=name)


@dataclass
class _Track:
    """What a track's boxes, in whatever order, have said."""

    handlers: set[bytes] = field(default_factory=set)
    sizes: int = 0  # samples, as the table of their sizes counts them
    runs: int = 0  # as the longest table of run lengths does
    all_last_one: bool = False  # each sample one unit of time, as in plain PCM

    @property
    def samples(self) -> int:
        count = max(self.sizes, self.runs)
        is_sound = b"soun" in self.handlers and b"vide" not in self.handlers
        return count // _PCM_PIECE if is_sound and self.all_last_one else count


class _Counter:
    """Reads boxes and adds up. A broken part ends the reading: FFmpeg will say so."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.samples = self.tracks = self.boxes = 0
        self.track = _Track()
        self.largest = (0, 0)  # px, of the frames that a track declares

    def read(self, at: int, end: int, depth: int) -> None:
        """The boxes from `at` to `end`."""
        while at + 8 <= end and self.boxes <= BOXES and self.samples <= SAMPLES:
            self.boxes += 1
            head = self._bytes(at, 16)
            if len(head) < 8:
                return
            length, kind, start = int.from_bytes(head[:4]), head[4:8], at + 8
            if length == 1 and len(head) == 16:
                length, start = int.from_bytes(head[8:]), at + 16
            if length == 0:  # to the end
                length = end - at
            if length < start - at:
                return
            self._count(kind, start, min(at + length, end), depth)
            at += length

    def _count(self, kind: bytes, start: int, end: int, depth: int) -> None:
        if kind == b"trak":
            self.tracks += 1
            self.track = _Track()
        if kind in _HOLDS:
            if depth < _DEEPEST:
                self.read(start, end, depth + 1)
            if kind == b"trak":
                self.samples += self.track.samples
        elif kind == _PACKED:
            self.samples = _FAR_TOO_MANY
        elif kind == b"hdlr":
            self.track.handlers.add(self._bytes(start + 8, 4))
        elif kind == b"stsd" and b"vide" in self.track.handlers:
            size = struct.unpack(">HH", self._bytes(start + 40, 4).ljust(4, b"\0"))
            self.largest = max(self.largest, size, key=lambda one: one[0] * one[1])
        elif kind in (b"stsz", b"stz2"):
            self.track.sizes = max(self.track.sizes, self._number(start + 8))
        elif kind == b"trun":
            self.samples += self._number(start + 4)
        elif kind in (b"stts", b"ctts"):
            self._run_lengths(kind, start, end)
        elif kind in _TABLES and self._number(start + 4) * _TABLES[kind] > end - start:
            # More entries than it holds: false, but memory would be allocated for them.
            self.samples = _FAR_TOO_MANY

    def _run_lengths(self, kind: bytes, start: int, end: int) -> None:
        entries = self._number(start + 4)
        if entries * 8 > end - start:
            self.samples = _FAR_TOO_MANY
            return
        table = self._bytes(start + 8, min(entries, SAMPLES) * 8)
        runs = list(struct.iter_unpack(">II", table[: len(table) // 8 * 8]))
        self.track.runs = max(self.track.runs, sum(count for count, _ in runs))
        if kind == b"stts":
            self.track.all_last_one = len(runs) == 1 and runs[0][1] == 1

    def _number(self, at: int) -> int:
        return int.from_bytes(self._bytes(at, 4))

    def _bytes(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        return self.file.read(count)
