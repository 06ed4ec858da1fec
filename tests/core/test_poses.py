"""Grouping by camera, splits, and digests of a database's content."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from recon.poses.cameras import Photo, group
from recon.poses.colmap import databases
from recon.poses.native import colmap, count_while_writing, run_native
from recon.poses.splits import split
from tests.photos import PROJECT
from tests.waiting import wait_until


def test_photos_of_one_size_and_focal_length_share_a_camera() -> None:
    photos = [Photo("b.jpg", 800, 600, 700.0), Photo("a.jpg", 800, 600, 702.0)]
    [camera] = group(photos, shared=True)
    assert camera.names == ("a.jpg", "b.jpg")
    assert camera.focal == pytest.approx(701.0)


def test_photos_without_a_focal_length_share_a_camera_too() -> None:
    photos = [Photo(name, 800, 600, None) for name in ("a", "b", "c")]
    [camera] = group(photos, shared=True)
    assert (camera.names, camera.focal) == (("a", "b", "c"), None)


@pytest.mark.parametrize(
    "other",
    [Photo("b", 600, 800, 700.0), Photo("b", 800, 600, 1400.0), Photo("b", 800, 600, None)],
    ids=["upright", "zoomed in", "unknown"],
)
def test_photos_that_differ_get_cameras_of_their_own(other: Photo) -> None:
    groups = group([Photo("a", 800, 600, 700.0), other], shared=True)
    assert sorted(g.names for g in groups) == [("a",), ("b",)]


def test_sharing_can_be_switched_off() -> None:
    photos = [Photo(name, 800, 600, None) for name in ("b", "a")]
    assert [g.names for g in group(photos, shared=False)] == [("a",), ("b",)]


def test_every_fifth_photo_from_the_third_on_is_held_out() -> None:
    names = [f"{i:02}.jpg" for i in reversed(range(12))]
    train, test = split(names, every=5, offset=2, offset_few=1)
    assert test == ["02.jpg", "07.jpg"]
    assert train == sorted(set(names) - set(test))


@pytest.mark.parametrize("count", [3, 4])
def test_of_few_photos_the_second_is_held_out(count: int) -> None:
    names = [f"{i}.jpg" for i in range(count)]
    assert split(names, every=5, offset=2, offset_few=1)[1] == ["1.jpg"]


def test_five_photos_are_split_by_the_rule_for_many() -> None:
    assert split("abcde", every=5, offset=2, offset_few=1)[1] == ["c"]


def test_a_missing_and_a_damaged_database_have_digests(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    assert databases.features_digest(path) == "missing"
    path.write_bytes(b"SQLite format 3\0 and then nothing")
    assert databases.features_digest(path) == "damaged"


def test_native_work_hands_back_its_result_and_its_errors() -> None:
    assert run_native(lambda token: "done", lambda: None) == "done"

    def fail(token: object) -> None:
        raise ValueError("bad file")

    with pytest.raises(ValueError, match="bad file"):
        run_native(fail, lambda: None)


def test_what_another_writes_is_counted_and_what_cannot_be_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    answers: list[Exception | None] = [None, RuntimeError("database is locked"), None]

    def question(content: Any) -> int:
        if answer := answers.pop(0):
            raise answer
        return int(content.num_cameras())

    with count_while_writing(path, question) as count, colmap().Database.open(path) as writer:
        assert count() == 0
        writer.write_camera(colmap().Camera(model="SIMPLE_PINHOLE", params=[9, 4, 3]))
        assert count() == 0
        assert count() == 1


def test_short_native_work_is_polled_too() -> None:
    polls: list[bool] = []
    run_native(lambda token: None, lambda: polls.append(True))
    assert polls == [True]


def test_stopping_waits_until_the_native_work_has_let_go() -> None:
    let_go = threading.Event()

    def work(token: object) -> None:
        wait_until(lambda: token.is_cancelled, "it is cancelled")  # type: ignore[attr-defined]
        let_go.set()

    def poll() -> None:
        raise TimeoutError("the time limit")

    with pytest.raises(TimeoutError):
        run_native(work, poll)
    assert let_go.is_set()


def test_a_signal_while_the_thread_starts_leaves_no_native_work_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start
    begun: list[threading.Thread] = []
    called = threading.Event()

    def start_and_be_interrupted(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_native(lambda token: called.set(), lambda: None)
    begun[0].join(timeout=60)
    assert not begun[0].is_alive()
    assert not called.is_set()


@pytest.mark.slow
def test_loading_pycolmap_leaves_sigterm_to_its_owner() -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "from recon.poses.native import colmap\n"
        "colmap()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert signal.Signals.SIGTERM.name not in done.stderr
