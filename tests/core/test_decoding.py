"""Uploads are opened in processes with limits, and what no honest file contains is refused."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from benchmarks.attacks import bombs
from benchmarks.attacks.bombs import box
from recon.pipeline.decoding import boxes, budgets, confinement, limits, opening
from recon.pipeline.decoding.budgets import Budget
from recon.pipeline.decoding.opening import Opener
from recon.pipeline.decoding.pool import BudgetExceeded, Pool, UnreadableFile
from recon.pipeline.decoding.slots import NoSlot, Slots
from recon.pipeline.errors import PipelineError, UserError
from recon.pipeline.photos.video import VideoLimits
from tests.photos import PROJECT
from tests.waiting import wait_until

LIMITS = {"min_image_size": 100, "max_megapixels": 100}
MB = 2**20


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(Slots(2))
    yield made
    made.close()


@pytest.fixture(scope="module")
def opener() -> Opener:
    """What jobs use, its processes shared by these tests."""
    return opening.own_opener()


def picture(side: int = 128, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(file, kind, **options)
    return file.getvalue()


def video(container: str, codec: str) -> bytes:
    """Three seconds."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=5)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for level in range(15):
            frame = av.VideoFrame.from_ndarray(np.full((128, 128, 3), level, np.uint8))
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises((UserError, PipelineError)) as caught:
        action()
    return str(caught.value.code)


def refusal(check: Callable[[BinaryIO, str], None], content: bytes) -> str:
    return code_of(lambda: check(io.BytesIO(content), "a"))


# Before anything is decoded.


def movie(*parts: bytes) -> bytes:
    head = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom")
    return head + b"".join(parts)


def track(*tables: bytes, kind: bytes = b"vide") -> bytes:
    handler = box(b"hdlr", bytes(8), kind, bytes(13))
    return box(b"moov", box(b"trak", box(b"mdia", handler, box(b"minf", box(b"stbl", *tables)))))


MANY = 66_000_000
BOMBS = {
    "one size for all samples": bombs.many_samples(),
    "tracks add up": bombs.many_samples(400_000, tracks=3),
    "too many tracks": bombs.many_samples(1, tracks=80),
    "samples of a fragment": movie(
        box(b"moof", box(b"traf", box(b"trun", struct.pack(">II", 0, MANY))))
    ),
    "fragments add up": movie(
        *[box(b"moof", box(b"traf", box(b"trun", struct.pack(">II", 0, 400_000))))] * 3
    ),
    "run lengths of times": movie(track(box(b"stts", struct.pack(">IIII", 0, 1, MANY, 40)))),
    "run lengths of offsets": movie(track(box(b"ctts", struct.pack(">IIII", 0, 1, MANY, 1)))),
    "small sizes": movie(track(box(b"stz2", struct.pack(">III", 0, 4, MANY)))),
    "a table larger than its box": movie(track(box(b"stco", struct.pack(">II", 0, MANY)))),
    "chunks larger than their box": movie(track(box(b"stsc", struct.pack(">II", 0, 2**31)))),
    "an index that is packed": movie(box(b"moov", box(b"cmov", bytes(20)))),
    "sound that says it is PCM, and is a picture": movie(
        track(
            box(b"hdlr", bytes(8), b"soun", bytes(13)),
            box(b"stts", struct.pack(">IIII", 0, 1, MANY, 1)),
            box(b"stsz", struct.pack(">III", 0, 2, MANY)),
        )
    ),
    "where FFmpeg looks, too": movie(box(b"udta", bombs.many_samples()[32:])),
    "too many boxes": movie(box(b"free") * (boxes.BOXES + 1)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_index_that_would_take_gigabytes_is_refused_unread(name: str) -> None:
    assert refusal(boxes.check_index, BOMBS[name]) == "video_too_complex"


def test_plain_sound_has_as_many_samples_as_it_likes() -> None:
    """Three minutes at 48,000 samples a second, as cameras write them: FFmpeg reads them in
    pieces."""
    sound = track(
        box(b"stsz", struct.pack(">III", 0, 4, 180 * 48_000)),  # whatever comes first
        box(b"stts", struct.pack(">IIII", 0, 1, 180 * 48_000, 1)),
        kind=b"soun",
    )
    boxes.check_index(io.BytesIO(movie(sound)), "a")


def test_honest_videos_of_all_containers_pass(opener: Opener) -> None:
    for container, codec in (("mp4", "mpeg4"), ("mov", "mjpeg"), ("webm", "libvpx")):
        file = io.BytesIO(video(container, codec))
        assert opener.probe(file, name="a", limits=VideoLimits()) == pytest.approx(3.0, abs=0.3)


def test_frames_larger_than_8k_are_named_as_such(opener: Opener) -> None:
    content = bombs.many_samples(20).replace(
        struct.pack(">HHI", 640, 480, 72 << 16), struct.pack(">HHI", 12_000, 12_000, 72 << 16)
    )
    limits_ = VideoLimits()
    found = code_of(lambda: opener.probe(io.BytesIO(content), name="a", limits=limits_))
    assert found == "video_too_large"


def test_a_jpeg_of_thousands_of_scans_is_refused_undecoded() -> None:
    assert refusal(limits.check_photo, bombs.many_scans(3500, side=256)) == "photo_too_complex"


def test_scans_of_pictures_that_nobody_decodes_do_not_count() -> None:
    """Phones add pictures after the first; metadata may hold anything."""
    progressive = picture(progressive=True)
    assert 8 < progressive.count(b"\xff\xda") <= limits.JPEG_SCANS
    comment = struct.pack(">BBH", 0xFF, 0xFE, 2 + 400) + b"\xff\xda" * 200
    behind, before = progressive + bombs.many_scans(200, 64), progressive[:2] + comment
    limits.check_photo(io.BytesIO(behind), "a")
    limits.check_photo(io.BytesIO(before + progressive[2:]), "a")


def test_a_png_of_very_many_chunks_is_refused_undecoded() -> None:
    plain = picture(kind="PNG")
    empty = bombs._chunk(b"teSt", b"")
    content = plain[:33] + empty * limits.PNG_CHUNKS + plain[33:]
    assert refusal(limits.check_photo, content) == "photo_too_complex"
    limits.check_photo(io.BytesIO(plain[:33] + empty * 4000 + plain[33:]), "a")


# In a process with limits.


def ask(pool: Pool, content: bytes, budget: Budget) -> None:
    facts = {"name": "a", "side": 64, "quality": 80} | LIMITS
    with opening._open_source(io.BytesIO(content)) as file:
        pool.result("check_photo", file, facts, budget)


def children(pool: Pool) -> list[int]:
    return [child.process.pid for child in pool._idle]


def test_who_takes_too_much_memory_is_told_so_and_replaced(pool: Pool) -> None:
    small = Budget(memory_mb=64, cpu_s=20, seconds=60.0)
    ask(pool, picture(), small)
    with pytest.raises(BudgetExceeded):
        ask(pool, bombs.many_pixels(5000), small)
    ask(pool, picture(), small)


def test_who_takes_too_much_processor_time_is_ended_and_replaced(pool: Pool) -> None:
    ask(pool, picture(), budgets.ONE_PHOTO)
    first = children(pool)
    with pytest.raises(BudgetExceeded):
        ask(pool, bombs.many_scans(64, side=9900), Budget(memory_mb=1024, cpu_s=0, seconds=60.0))
    assert not psutil.pid_exists(first[0])
    ask(pool, picture(), budgets.ONE_PHOTO)


def test_who_takes_too_long_by_the_clock_is_ended(pool: Pool) -> None:
    ask(pool, picture(), budgets.ONE_PHOTO)
    first = children(pool)
    os.kill(first[0], signal.SIGSTOP)  # like something that waits for ever
    with pytest.raises(BudgetExceeded):
        ask(pool, picture(), Budget(memory_mb=512, cpu_s=20, seconds=0.2))
    assert not psutil.pid_exists(first[0])


def test_a_decoder_that_falls_takes_nobody_along(pool: Pool) -> None:
    """As when native code crashes; here the same signal is sent by hand."""
    ask(pool, picture(), budgets.ONE_PHOTO)
    [child] = children(pool)
    os.kill(child, signal.SIGSTOP)  # so that it has the photo when it dies
    falls = [
        threading.Timer(0.3, os.kill, (child, one)) for one in (signal.SIGSEGV, signal.SIGCONT)
    ]
    for one in falls:
        one.start()
    with pytest.raises(UnreadableFile):
        ask(pool, picture(), budgets.ONE_PHOTO)
    ask(pool, picture(), budgets.ONE_PHOTO)


def test_a_child_that_ended_while_idle_is_nobodys_loss(pool: Pool) -> None:
    ask(pool, picture(), budgets.ONE_PHOTO)
    [idle] = pool._idle
    os.kill(idle.process.pid, signal.SIGKILL)
    idle.process.wait()
    ask(pool, picture(), budgets.ONE_PHOTO)


def test_a_child_that_has_grown_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.pipeline.decoding.pool.GROWN", 1)
    ask(pool, picture(), budgets.ONE_PHOTO)
    assert not children(pool)


def test_who_stops_listening_ends_the_work(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(video("mp4", "mpeg4"))
    ask(pool, picture(), budgets.ONE_PHOTO)
    [child] = children(pool)
    frames = Opener(pool).take_frames(path, name="a", wanted=6, report=_cancel)
    with pytest.raises(InterruptedError):
        next(frames)
    assert not psutil.pid_exists(child)


def _cancel(fraction: float, code: str = "", /, **facts: Any) -> None:
    raise InterruptedError


def test_children_know_nothing_of_ours(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    ask(pool, picture(), budgets.ONE_PHOTO)
    process = psutil.Process(children(pool)[0])
    assert not {"SECRET_KEY", "DATABASE_URL", "DATA_DIR"} & process.environ().keys()
    assert "django" not in " ".join(one.path for one in process.memory_maps())


def test_children_find_packages_wherever_they_were_installed(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_package-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    ask(pool, picture(), budgets.ONE_PHOTO)
    process = psutil.Process(children(pool)[0])
    assert str(tmp_path) in process.environ()["PYTHONPATH"].split(os.pathsep)
    assert tmp_path in confinement.readable_folders(PROJECT / "recon")


@pytest.mark.slow
def test_children_end_with_whoever_started_them(tmp_path: Path) -> None:
    program = (
        "import signal\nfrom recon.pipeline.decoding.opening import own_opener\n"
        "own_opener().pool.warm()\nchild = own_opener().pool._idle[0]\nchild.wait_ready()\n"
        "print(child.process.pid, flush=True)\nsignal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=60)


def test_a_fork_starts_children_of_its_own(opener: Opener) -> None:
    """RQ's workers fork for each task."""
    photo = picture()
    opener.check_photo(io.BytesIO(photo), name="a", **LIMITS)
    pid = os.fork()
    if not pid:
        try:
            opening.own_opener().check_photo(io.BytesIO(photo), name="a", **LIMITS)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    opener.check_photo(io.BytesIO(photo), name="a", **LIMITS)


#: Prints, for each attempt, whether it was let through. Run by a process that has confined
#: itself.
ATTEMPTS = """
import ctypes, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from recon.pipeline.decoding import confinement
secret = Path(sys.argv[1])
own = os.open(secret, os.O_RDONLY)
print(confinement.confine(Path("recon").resolve()))
def attempt(name, action):
    try:
        action()
    except (OSError, subprocess.SubprocessError):
        return
    print("could", name)
attempt("read a file", lambda: secret.read_text())
attempt("list a folder", lambda: os.listdir(secret.parent))
attempt("write a file", lambda: (secret.parent / "new").write_text("x"))
attempt("write a temporary file", lambda: Path("/tmp/decoding-test").write_text("x"))
attempt("change a mode", lambda: os.chmod(secret, 0o777))
attempt("change a date", lambda: os.utime(secret))
attempt("open a socket", lambda: socket.socket())
attempt("open a unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("fork", lambda: os.fork() or os._exit(0))
attempt("start a program", lambda: os.execv("/bin/true", ["true"]))
attempt("signal its parent", lambda: os.kill(os.getppid(), 0))
# What decoding needs goes on.
threading.Thread(target=lambda: None).start()
assert os.read(own, 6) == b"secret"
import av, numpy, pycolmap
print("end")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other means")
def test_a_child_can_do_nothing_but_decode(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("secret")
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, str(secret)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused, *could, end = done.stdout.splitlines()
    assert end == "end"
    # An older kernel has no Landlock, and other machines have no filter; then that is printed.
    about_files = ("read", "list", "write")
    expected = [one for one in could if one.startswith(tuple(f"could {a}" for a in about_files))]
    assert could == (expected if "Landlock" in refused else could if "seccomp" in refused else [])


# As many as there are slots.


@pytest.mark.slow
def test_slots_are_counted_across_processes(tmp_path: Path) -> None:
    program = (
        "import signal, sys\nfrom pathlib import Path\n"
        "from recon.pipeline.decoding.slots import Slots\n"
        "with Slots(1, Path(sys.argv[1])).hold(None):\n    print('held', flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        mine = Slots(1, tmp_path)
        with pytest.raises(NoSlot), mine.hold(0.0):
            pass
        other.kill()  # the kernel gives its slot back
    with mine.hold(60.0):
        pass


def test_no_more_threads_wait_for_a_slot_than_may() -> None:
    slots = Slots(1, threads=2)
    waits = threading.Thread(target=lambda: _through(slots))
    with slots.hold(0.0):
        waits.start()
        wait_until(lambda: not slots._places._value, "it has its place")
        with pytest.raises(NoSlot), slots.hold(60.0):  # at once, not after a minute
            pass
    waits.join()


def _through(slots: Slots) -> None:
    with slots.hold(60.0):
        pass


def test_who_gets_no_slot_is_told_to_come_back() -> None:
    pool = Pool(Slots(1), patience_s=0.0)
    opener = Opener(pool)
    with pool.slots.hold(None):
        found = code_of(lambda: opener.check_photo(io.BytesIO(picture()), name="a", **LIMITS))
    assert found == "too_busy"
    pool.close()
