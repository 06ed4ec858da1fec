"""Files made when first asked for: by several at once, again, and never in a deleted folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recon.web import files_on_demand

AT_ONCE = 8


def together(task: Callable[[int], bytes]) -> list[bytes]:
    """What `task` returns in each of several threads at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(task, range(AT_ONCE)))


def test_several_make_the_same_file_at_once(tmp_path: Path) -> None:
    place = tmp_path / "thumbs" / "photo.jpg"
    all_have_written = threading.Barrier(AT_ONCE, timeout=20)

    def make(number: int) -> bytes:
        def write(temporary: Path) -> None:
            temporary.write_bytes(bytes([number]) * 1000)
            all_have_written.wait()

        return files_on_demand.put(place, write).read_bytes()

    for content in together(make):
        assert len(content) == 1000
        assert len(set(content)) == 1  # all from one writer
    assert [file.name for file in place.parent.iterdir()] == ["photo.jpg"]


def test_who_has_it_open_reads_it_to_the_end_while_it_is_made_anew(tmp_path: Path) -> None:
    source, place = tmp_path / "source", tmp_path / "thumbs" / "copy"
    source.write_bytes(b"first")
    with files_on_demand.made_from(
        source, place, lambda to: to.write_bytes(source.read_bytes())
    ).open("rb") as opened:
        source.write_bytes(b"second")
        os.utime(source, (1, 1))
        files_on_demand.made_from(source, place, lambda to: to.write_bytes(source.read_bytes()))
        assert opened.read() == b"first"
    assert place.read_bytes() == b"second"


def test_it_is_made_once_from_the_same_source(tmp_path: Path) -> None:
    source, place = tmp_path / "source", tmp_path / "thumbs" / "copy"
    source.write_bytes(b"first")
    made = []

    def write(to: Path) -> None:
        made.append(to)
        to.touch()

    for _ in range(3):
        files_on_demand.made_from(source, place, write)
    assert len(made) == 1


def test_nothing_is_left_of_a_file_that_could_not_be_made(tmp_path: Path) -> None:
    place = tmp_path / "thumbs" / "photo.jpg"

    def fail(to: Path) -> None:
        to.write_bytes(b"half")
        raise ValueError("no photo")

    with pytest.raises(ValueError, match="no photo"):
        files_on_demand.put(place, fail)
    assert list(place.parent.iterdir()) == []


def test_a_deleted_job_does_not_get_its_folder_back(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files_on_demand.put(
            tmp_path / "gone" / "thumbs" / "photo.jpg", lambda to: to.write_bytes(b"x")
        )
    assert not (tmp_path / "gone").exists()
