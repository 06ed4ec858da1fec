"""A zip that never exists as a whole: read as the web server's I/O loop reads it."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from waitress.buffers import ReadOnlyFileBasedBuffer

from recon.web.gallery.zips import Member, ZipStream
from recon.web.serving import CHUNK

DAY = (2026, 11, 30, 12, 0, 0)


@pytest.fixture
def members(tmp_path: Path) -> list[Member]:
    sizes = {"fern/fern.ply": 3 * CHUNK + 17, "fern/leer.txt": 0, "굴/굴.spz": 1000}
    made = []
    for number, (name, size) in enumerate(sizes.items()):
        path = tmp_path / str(number)
        path.write_bytes(random.Random(number).randbytes(size))
        made.append(Member(name, path, size, DAY))
    return made


def test_a_slow_reader_gets_what_a_quick_one_gets(members: list[Member]) -> None:
    """The server reads a piece, goes back, and skips as much of it as the network took."""
    quick = ZipStream(members).read()
    stream = ZipStream(members)
    buffer = ReadOnlyFileBasedBuffer(stream, CHUNK)
    assert buffer.prepare() == stream.length == len(quick)
    taken, network = bytearray(), random.Random(7)
    while len(buffer):
        piece = buffer.get(CHUNK)
        sent = min(len(piece), network.randrange(1, CHUNK))
        taken += piece[:sent]
        buffer.skip(sent, True)
        assert len(stream._buffer) <= 3 * CHUNK, "only what is being sent is in memory"
    assert bytes(taken) == quick


def test_everybody_can_read_it(members: list[Member]) -> None:
    with zipfile.ZipFile(io.BytesIO(ZipStream(members).read())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [member.name for member in members]
        for member in members:
            assert archive.read(member.name) == member.path.read_bytes()
        assert archive.infolist()[0].date_time == DAY


def test_nothing_is_read_before_it_is_asked_for(members: list[Member]) -> None:
    stream = ZipStream(members)
    for member in members:
        member.path.unlink()
    assert stream.length > 3 * CHUNK
    with pytest.raises(FileNotFoundError):
        stream.read(10)


def test_a_file_that_became_shorter_breaks_it_off(members: list[Member]) -> None:
    stream = ZipStream(members)
    members[0].path.write_bytes(b"short")
    with pytest.raises(OSError, match="shorter"):
        stream.read()


def test_it_does_not_go_back_further_than_the_last_read(members: list[Member]) -> None:
    stream = ZipStream(members)
    stream.read(100)
    stream.read(100)
    stream.seek(0)
    with pytest.raises(OSError, match="is gone"):
        stream.read(10)
    stream.close()
