"""A video's frames: the sharp ones, spread over it, upright; and what can be wrong with a video."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.errors import Cancelled, UserError
from recon.pipeline.photos import video
from recon.pipeline.photos.frame_choice import Candidate, choose
from recon.pipeline.photos.media import container_of
from recon.pipeline.photos.video import TakenFrame, VideoLimits
from recon.pipeline.progress import ListReporter
from recon.reporting import silent
from tests.videos import FPS, SHARP, STEPS, video_bytes, walk

pytestmark = pytest.mark.slow


@cache
def walk_bytes(count: int = 6, **options: Any) -> bytes:
    return video_bytes(walk(count), **options)


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "walk"
    path.write_bytes(content)
    return path


def taken(path: Path, wanted: int) -> list[TakenFrame]:
    return list(video.take_frames(path, name="walk.mp4", wanted=wanted, report=silent))


def moments(frames: list[TakenFrame]) -> list[tuple[int, int]]:
    """Which photo of the walk each frame shows, and at which of its moments."""
    return [divmod(round(frame.seconds * FPS), STEPS) for frame in frames]


def code_of(call: Any) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.facts["name"] == "walk.mp4"
    return caught.value.code


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("mov", "libx265"), ("webm", "libvpx-vp9")],
    ids=["mp4", "mov", "webm"],
)
def test_the_sharp_moment_of_each_place_is_taken(
    tmp_path: Path, container: str, codec: str
) -> None:
    path = file_of(tmp_path, walk_bytes(container=container, codec=codec))
    assert video.probe(path, name="walk.mp4", limits=VideoLimits()) == pytest.approx(3.0, abs=0.2)
    frames = taken(path, 6)
    assert moments(frames) == [(place, SHARP) for place in range(6)]
    with Image.open(io.BytesIO(frames[0].jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", (480, 360))
        shown = np.asarray(image.convert("L"), float)
    assert np.abs(shown - np.asarray(walk()[SHARP].convert("L"), float)).mean() < 6


def test_fewer_frames_are_spread_over_the_whole_video(tmp_path: Path) -> None:
    places = moments(taken(file_of(tmp_path, walk_bytes()), 3))
    assert len(places) == 3
    assert all(moment == SHARP for _, moment in places)
    assert places[0][0] <= 1
    assert places[-1][0] >= 4


@pytest.mark.parametrize("turned", [0, 90, 180, -90])
def test_a_video_held_upright_comes_out_upright_and_says_nothing_of_where_it_was(
    tmp_path: Path, turned: int
) -> None:
    content = walk_bytes(shown_turned=turned)
    frame = taken(file_of(tmp_path, content), 3)[0]
    place = moments([frame])[0][0]
    with Image.open(io.BytesIO(frame.jpeg)) as image:
        assert not image.getexif()
        expected = walk()[place * STEPS + SHARP].rotate(turned, expand=True)
        assert image.size == expected.size
        assert np.abs(np.asarray(image, float) - np.asarray(expected, float)).mean() < 8


def test_the_place_in_a_video_s_tags_stays_behind(tmp_path: Path) -> None:
    tags = {"location": "+52.5+013.4/", "comment": "SECRET"}
    content = video_bytes(walk(), container="mov", tags=tags)
    assert b"SECRET" in content
    for frame in taken(file_of(tmp_path, content), 2):
        assert b"SECRET" not in frame.jpeg
        assert b"52.5" not in frame.jpeg


def test_where_the_camera_rests_one_frame_is_taken(tmp_path: Path) -> None:
    sharp = [walk()[place * STEPS + SHARP] for place in range(4)]
    resting = sharp[:1] * 15 + sharp[1:3] + sharp[3:] * 15
    frames = taken(file_of(tmp_path, video_bytes(resting)), 10)
    assert [int(f.seconds * FPS) >= 15 for f in frames].count(False) == 1
    assert len(frames) == 4


@pytest.mark.parametrize("part", [0.97, 0.8])
def test_of_a_video_that_is_cut_off_the_rest_is_used(tmp_path: Path, part: float) -> None:
    content = walk_bytes()
    assert len(taken(file_of(tmp_path, content[: int(len(content) * part)]), 6)) >= 3


def test_a_frame_that_can_t_be_read_again_is_left_out_and_the_others_keep_their_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_one_lost(found: list[Candidate], wanted: int) -> list[Candidate]:
        first, second, *others = choose(found, wanted)
        return [first, replace(second, pts=10**12), *others]

    monkeypatch.setattr(video, "choose", with_one_lost)
    frames = taken(file_of(tmp_path, walk_bytes()), 6)
    assert moments(frames) == [(place, SHARP) for place in (0, 2, 3, 4, 5)]


def test_a_video_of_which_little_is_left_is_damaged(tmp_path: Path) -> None:
    content = walk_bytes()
    path = file_of(tmp_path, content[: len(content) // 4])
    assert code_of(lambda: taken(path, 6)) == "video_damaged"
    scrambled = bytearray(content)
    start = content.index(b"mdat") + 8
    scrambled[start:] = random.Random(0).randbytes(len(content) - start)
    path = file_of(tmp_path, bytes(scrambled))
    assert code_of(lambda: taken(path, 6)) == "video_damaged"


def test_a_video_of_one_picture_says_that_the_camera_must_move(tmp_path: Path) -> None:
    path = file_of(tmp_path, video_bytes(walk()[SHARP : SHARP + 1] * 30))
    assert code_of(lambda: taken(path, 6)) == "video_too_still"


def test_what_can_t_be_a_video_of_a_walk_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def refused(content: bytes, **limits: Any) -> str:
        source = io.BytesIO(content)
        return code_of(lambda: video.probe(source, name="walk.mp4", limits=VideoLimits(**limits)))

    good = walk_bytes()
    playlist = b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"
    sound_only = good[:8] + b"M4A " + bytes(200)
    for content in (b"", b"no video", playlist, good[:60], good[:600], sound_only):
        assert refused(content) == "video_unreadable"
    assert refused(good, shortest=5.0) == "video_too_short"
    assert refused(good, longest=1.0) == "video_too_long"
    assert refused(good, min_side=400) == "video_too_small"


def test_a_recording_that_does_not_say_how_long_it_is_is_measured(tmp_path: Path) -> None:
    """Browsers' recorders write WebM without a duration."""
    content = walk_bytes(container="webm", codec="libvpx-vp9")
    at = content.index(b"\x44\x89\x88")  # Duration, eight bytes long
    unsaid = content[:at] + b"\xec\x89" + content[at + 2 :]  # Void
    path = file_of(tmp_path, unsaid.replace(b"\xec\x89\x88", b"\xec\x89\x00", 1))
    assert video.probe(path, name="walk.mp4", limits=VideoLimits()) == pytest.approx(3.0, abs=0.3)


def test_the_work_can_be_stopped(tmp_path: Path) -> None:
    def stop(fraction: float, code: str = "", /, **facts: Any) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        next(video.take_frames(file_of(tmp_path, walk_bytes()), name="w", wanted=3, report=stop))


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    report = ListReporter()
    path = file_of(tmp_path, walk_bytes())
    list(video.take_frames(path, name="w", wanted=4, report=report))
    told = [fraction for fraction, _ in report.named("progress")]
    assert told == sorted(told)
    assert told[0] < 0.1
    assert 0.9 < told[-1] <= 1.0


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypmp42", "mov"),
        (b"\0\0\0\x14ftypqt  ", "mov"),
        (b"\0\0\0\x08wide", "mov"),
        (b"\x1aE\xdf\xa3", "matroska"),
        (b"\0\0\0\x18ftypheic", None),
        (b"\0\0\0\x18ftypavif", None),
        (b"\xff\xd8\xff\xe1", None),
        (b"", None),
    ],
)
def test_a_video_is_told_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert container_of(head) == kind


# --- The choice of frames alone ---


def candidates(details: list[float], groups: list[int] | None = None) -> list[Candidate]:
    """One a second. Frames of the same group look alike; without groups all differ."""
    made = []
    for index, detail in enumerate(details):
        seed = index if groups is None else groups[index]
        small = np.random.default_rng(seed).normal(size=(9, 16)).astype(np.float32)
        small /= np.linalg.norm(small)
        made.append(Candidate(float(index), index, np.full(4, detail), small))
    return made


def seconds(chosen: list[Candidate]) -> list[int]:
    return [int(one.seconds) for one in chosen]


def test_frames_alike_in_sharpness_are_spread_evenly() -> None:
    assert seconds(choose(candidates([0.0] * 21), 3)) == [0, 10, 20]


def test_the_sharper_of_two_neighbours_wins() -> None:
    details = [0.0] * 20
    details[4], details[15] = 0.5, 0.5
    assert {4, 15} <= set(seconds(choose(candidates(details), 4)))


def test_no_stretch_goes_without_a_frame_because_another_is_sharper() -> None:
    chosen = seconds(choose(candidates([0.5] * 20 + [0.0] * 20), 8))
    assert len(chosen) == 8
    assert max(b - a for a, b in pairwise(chosen)) <= 10
    assert chosen[-1] >= 30


def test_a_blurred_frame_is_left_out_even_if_it_stands_alone() -> None:
    details = [0.0] * 11
    details[5] = -2.0
    assert 5 not in seconds(choose(candidates(details), 11))
    assert len(choose(candidates(details), 11)) == 10


def test_near_duplicates_are_taken_once_and_others_take_their_place() -> None:
    chosen = choose(candidates([0.0] * 12, groups=[1] * 8 + [2, 3, 4, 5]), 5)
    assert len(chosen) == 5
    assert seconds(chosen)[1:] == [8, 9, 10, 11]


def test_nothing_is_chosen_of_nothing() -> None:
    assert choose([], 5) == []
    assert choose(candidates([0.0]), 0) == []
    assert seconds(choose(candidates([0.0]), 5)) == [0]
