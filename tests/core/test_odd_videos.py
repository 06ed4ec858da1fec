"""Videos as they come: mirrored, in pixels that are not square, of unknown codecs, in odd boxes."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from recon.pipeline.errors import Cancelled, UserError
from recon.pipeline.photos import video, video_streams
from recon.pipeline.photos.video import VideoLimits
from recon.pipeline.photos.video_pictures import shown_size, turn_of
from recon.reporting import silent
from tests.faults import fault
from tests.odd_files import sphere, texture
from tests.videos import video_bytes

SIZE = (160, 120)
PICTURES = [texture(place, SIZE) for place in range(5) for _ in range(5)]  # 2.5 s
SECONDS = 2.5
Prepare = Callable[[av.VideoStream], None]

#: FFmpeg's matrices and where the red upper left corner is shown: at the right? at the bottom? Are
#: width and height swapped?
EIGHT = {
    (1, 0, 0, 1): (False, False, False),
    (-1, 0, 0, 1): (True, False, False),
    (1, 0, 0, -1): (False, True, False),
    (-1, 0, 0, -1): (True, True, False),
    (0, 1, 1, 0): (False, False, True),
    (0, -1, -1, 0): (True, True, True),
    (0, 1, -1, 0): (True, False, True),
    (0, -1, 1, 0): (False, True, True),
}


def movie(**options: Any) -> bytes:
    return video_bytes(PICTURES, **options)


def shown(folder: Path, content: bytes, wanted: int = 2) -> list[Image.Image]:
    """The frames taken from a video that is used."""
    path = folder / "video"
    path.write_bytes(content)
    video.probe(path, name="a.mp4", limits=VideoLimits())
    frames = video.take_frames(path, name="a.mp4", wanted=wanted, report=silent)
    return [Image.open(io.BytesIO(frame.jpeg)) for frame in frames]


def outcome(folder: Path, content: bytes) -> str:
    """ "used", or the error's code."""
    try:
        return "used" if shown(folder, content) else "none"
    except UserError as error:
        return error.code


def refusal(source: bytes | Path) -> str:
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    with pytest.raises(UserError) as caught:
        video.probe(opened, name="a.mp4", limits=VideoLimits())
    return caught.value.code


def with_matrix(a: int, b: int, c: int, d: int) -> Prepare:
    one = 1 << 16
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    return lambda stream: stream.set_display_matrix(matrix)


def red_corner(image: Image.Image) -> tuple[bool, bool]:
    """Whether the red corner is at the right, and whether it is at the bottom."""
    pixels = np.asarray(image.convert("RGB"), int)
    is_red = (pixels[..., 0] > 200) & (pixels[..., 1:].max(axis=-1) < 80)
    rows, columns = np.nonzero(is_red)
    height, width = is_red.shape
    return bool(np.median(columns) > width / 2), bool(np.median(rows) > height / 2)


# --- The display matrix ---


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("matrix", EIGHT)
def test_all_eight_ways_of_showing_a_video_are_applied(
    matrix: tuple[int, int, int, int], container: str, tmp_path: Path
) -> None:
    right, low, sideways = EIGHT[matrix]
    image = shown(tmp_path, movie(container=container, prepare=with_matrix(*matrix)))[0]
    assert image.size == (SIZE[::-1] if sideways else SIZE)
    assert red_corner(image) == (right, low)


def test_the_mirrored_video_is_shown_as_players_do(tmp_path: Path) -> None:
    path = fault("mirrored_video/transpose.mp4")
    [frame] = video.take_frames(path, name="a.mp4", wanted=1, report=silent)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stored = [(f.time, f.to_image()) for f in container.decode(stream)]
    _, plain = min(stored, key=lambda one: abs((one[0] or 0) - frame.seconds))
    taken = np.asarray(Image.open(io.BytesIO(frame.jpeg)), float)
    expected = np.asarray(plain, float).swapaxes(0, 1)
    assert taken.shape == expected.shape
    assert np.abs(taken - expected).mean() < 3


class Turned:
    """The part of a frame that holds its matrix."""

    def __init__(self, *values: int) -> None:
        self.side_data = {"DISPLAYMATRIX": Matrix(values)} if values else {}


class Matrix:
    def __init__(self, values: tuple[int, ...]) -> None:
        self.content = struct.pack("=9i", *values)
        self.buffer_size = len(self.content)

    def __bytes__(self) -> bytes:
        return self.content


@pytest.mark.parametrize(
    ("values", "turn"),
    [
        ((), None),
        ((0,) * 9, None),
        ((60_000, 9_000, 0, -9_000, 60_000, 0, 0, 0, 1 << 30), None),  # a slant
        ((2 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), None),  # a scale
        ((5_000, 60_000, 0, -60_000, 5_000, 0, 0, 0, 1 << 30), Image.Transpose.ROTATE_270),
        ((-(2**31), 0, 0, 0, 2**31 - 1, 0, 0, 0, 0), Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_of_a_matrix_with_a_slant_the_nearest_way_counts(values: Any, turn: Any) -> None:
    assert turn_of(Turned(*values)) == turn  # type: ignore[arg-type]


# --- Pixels that are not square ---


def in_pixels(aspect: Fraction) -> Prepare:
    def prepare(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = aspect

    return prepare


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(4, 3), (213, 120)),
        (Fraction(1, 2), (160, 240)),
        (Fraction(100), SIZE),  # nonsense
        (Fraction(1, 90), SIZE),
        (Fraction(0), SIZE),
    ],
)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_frames_come_in_square_pixels(
    aspect: Fraction, size: tuple[int, int], container: str, tmp_path: Path
) -> None:
    content = movie(container=container, prepare=in_pixels(aspect))
    assert shown(tmp_path, content)[0].size == size


def test_pixels_are_made_square_before_the_picture_is_turned(tmp_path: Path) -> None:
    def prepare(stream: av.VideoStream) -> None:
        in_pixels(Fraction(4, 3))(stream)
        with_matrix(0, 1, -1, 0)(stream)

    image = shown(tmp_path, movie(prepare=prepare))[0]
    assert image.size == (120, 213)
    assert red_corner(image) == (True, False)


def test_no_side_loses_pixels() -> None:
    assert shown_size((480, 480), Fraction(4, 3)) == (640, 480)
    assert shown_size((720, 576), Fraction(16, 15)) == (768, 576)
    assert shown_size((640, 480), Fraction(3, 4)) == (640, 640)


def test_the_anamorphic_video_comes_out_as_it_was_filmed() -> None:
    path = fault("anamorphic_video/sar_4_3.mp4")
    for frame in video.take_frames(path, name="a.mp4", wanted=2, report=silent):
        assert Image.open(io.BytesIO(frame.jpeg)).size == (640, 480)


# --- What can't be decoded, and what isn't a moving picture ---


def test_the_video_of_an_unknown_codec_is_unreadable() -> None:
    assert refusal(fault("unknown_codec/unknown_codec.mp4")) == "video_unreadable"


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv"])
def test_a_codec_that_nobody_knows_is_unreadable(container: str) -> None:
    content = movie(container=container)
    for known, unknown in ((b"avc1", b"zz9q"), (b"V_MPEG4/ISO/AVC", b"V_ZZZZ9/ISO/ZZZ")):
        content = content.replace(known, unknown)
    assert refusal(content) == "video_unreadable"


def written(write: Callable[[Any], None], container: str = "mp4", **options: Any) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container, **options) as output:
        write(output)
    return file.getvalue()


def add_sound(output: Any) -> None:
    stream = output.add_stream("aac", rate=44100)
    silence = np.zeros((1, 44100 * 3), np.float32)
    frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
    frame.sample_rate = 44100
    for packet in (*stream.encode(frame), *stream.encode()):
        output.mux(packet)


def add_pictures(
    output: Any, pictures: list[Image.Image], codec: str = "libx264", disposition: int = 0
) -> Any:
    stream = output.add_stream(codec, rate=10)
    stream.width, stream.height = pictures[0].size
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.disposition = Disposition(disposition)
    return stream


def encode(output: Any, stream: Any, pictures: list[Image.Image]) -> None:
    for picture in pictures:
        for packet in stream.encode(av.VideoFrame.from_image(picture)):
            output.mux(packet)
    for packet in stream.encode():
        output.mux(packet)


def test_sound_alone_is_no_video() -> None:
    assert refusal(written(add_sound)) == "video_unreadable"


def with_cover(video_too: bool) -> bytes:
    cover = [texture(9, (400, 400))]

    def write(output: Any) -> None:
        first = add_pictures(output, cover, "mjpeg", Disposition.attached_pic)
        second = add_pictures(output, PICTURES) if video_too else None
        encode(output, first, cover)
        if second is not None:
            encode(output, second, PICTURES)

    return written(write, "mp4")


def test_a_cover_is_not_the_video(tmp_path: Path) -> None:
    assert shown(tmp_path, with_cover(video_too=True))[0].size == SIZE


def test_a_song_with_a_cover_is_no_video() -> None:
    assert refusal(with_cover(video_too=False)) == "video_unreadable"


@pytest.mark.parametrize("first", [0, 1, 2])
def test_of_several_pictures_the_largest_counts(first: int, tmp_path: Path) -> None:
    sizes = [(64, 48), SIZE, (96, 72)]
    sizes = sizes[first:] + sizes[:first]

    def write(output: Any) -> None:
        films = [[picture.resize(size) for picture in PICTURES] for size in sizes]
        streams = [add_pictures(output, film) for film in films]
        for stream, film in zip(streams, films, strict=True):
            encode(output, stream, film)

    assert shown(tmp_path, written(write))[0].size == SIZE


def test_whatever_a_probe_raises_the_video_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    content = movie()
    text = UnicodeDecodeError("utf-8", b"", 0, 1, "")
    for error in (RuntimeError(), AttributeError(), text, MemoryError(), av.FFmpegError(1, "?")):

        def broken(*args: Any, error: Exception = error) -> Any:
            raise error

        for name in ("_open", "_moving_picture"):
            with monkeypatch.context() as patched:
                patched.setattr(video_streams, name, broken)
                assert refusal(content) == "video_unreadable"


@pytest.mark.parametrize("part", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("faststart", [True, False])
def test_a_video_that_ends_early_is_used_or_refused(
    part: float, faststart: bool, tmp_path: Path
) -> None:
    def write(output: Any) -> None:
        stream = add_pictures(output, PICTURES)
        encode(output, stream, PICTURES)

    content = movie() if faststart else written(write)
    came = outcome(tmp_path, content[: int(part * len(content))])
    assert came in ("used", "video_unreadable", "video_damaged", "video_too_short")
    if faststart and part >= 0.9:
        assert came == "used"


# --- Odd boxes and odd frames ---


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_keyframe+default_base_moof"])
def test_a_video_in_fragments_is_read_to_its_end(flags: str, tmp_path: Path) -> None:
    def write(output: Any) -> None:
        stream = add_pictures(output, PICTURES)
        stream.codec_context.gop_size = 5
        encode(output, stream, PICTURES)

    images = shown(tmp_path, written(write, options={"movflags": flags}), 5)
    assert len(images) == 5


@pytest.mark.parametrize("said", [0, 2**32 - 1, 2**31 + 5])
def test_a_length_that_makes_no_sense_is_measured_or_refused(said: int, tmp_path: Path) -> None:
    content = bytearray(movie())
    for box, place in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = content.index(box) + place
        content[at : at + 4] = struct.pack(">I", said)
    came = outcome(tmp_path, bytes(content))
    assert came in ("used", "video_too_long", "video_damaged", "video_too_short")
    if not said:
        assert came == "used"


def test_no_frame_past_the_end_that_the_index_tells_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may claim two seconds and hold an hour."""
    path = tmp_path / "video"
    path.write_bytes(video_bytes(PICTURES * 3))
    monkeypatch.setattr(video, "length", lambda container, stream: 2.0)
    assert max(
        frame.seconds
        for frame in video.take_frames(path, name="a", wanted=8, report=silent)
    ) <= 2.0 + video.TOLERANCE  # fmt: skip


def test_frames_that_change_their_size_on_the_way_are_used(tmp_path: Path) -> None:
    """As browsers record them over a connection that gets slower."""
    sizes = [(320, 240), (160, 120)]

    def part(size: tuple[int, int], seed: int) -> list[bytes]:
        encoder = av.CodecContext.create("libvpx", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height = size
        encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 10)
        encoder.bit_rate = 2_000_000
        pictures = [texture(seed + place, size) for place in range(3) for _ in range(5)]
        packets = []
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture).reformat(format="yuv420p")
            frame.pts = index
            packets += encoder.encode(frame)
        return [bytes(packet) for packet in (*packets, *encoder.encode(None))]

    def write(output: Any) -> None:
        stream = output.add_stream("libvpx", rate=10)
        stream.width, stream.height = sizes[0]
        stream.pix_fmt = "yuv420p"
        for pts, content in enumerate([*part(sizes[0], 0), *part(sizes[1], 7)]):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = pts
            packet.is_keyframe = pts in (0, 15)
            output.mux(packet)

    images = shown(tmp_path, written(write, "webm"), 6)
    assert {image.size for image in images} == set(sizes)


@pytest.mark.parametrize(
    ("codec", "format"), [("libx264", "yuv420p10le"), ("libx264", "yuv444p"), ("libx264", "gray")]
)
def test_deep_and_grey_videos_are_used(codec: str, format: str, tmp_path: Path) -> None:
    def prepare(stream: av.VideoStream) -> None:
        stream.pix_fmt = format
        stream.color_trc = 16  # PQ: high dynamic range

    assert shown(tmp_path, movie(codec=codec, prepare=prepare))[0].mode == "RGB"


def test_tags_in_no_encoding_do_no_harm(tmp_path: Path) -> None:
    content = movie(container="mov", tags={"comment": "aaaaaaaa"})
    assert shown(tmp_path, content.replace(b"aaaaaaaa", b"\xff\xfe\xc3\x28\xa0\xa1\xf0\x28"))


def test_a_frame_that_nobody_can_make_sense_of_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, calls = video.sharpness.measure, []

    def picky(grey: Any) -> Any:
        calls.append(1)
        if len(calls) % 4 == 0:
            raise ValueError("?")
        return measure(grey)

    monkeypatch.setattr(video.sharpness, "measure", picky)
    assert len(shown(tmp_path, movie(), 3)) == 3

    def stop(fraction: float, code: str = "", /, **facts: Any) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):  # what stops the work is not taken for an odd frame
        next(video.take_frames(tmp_path / "video", name="a", wanted=3, report=stop))


def test_a_video_of_everything_around_is_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = [sphere(512, turned / 10) for turned in range(5)]
    film = [picture for picture in around for _ in range(5)]
    assert outcome(tmp_path, video_bytes(film)) == "video_spherical"
    monkeypatch.setattr(video, "is_spherical", lambda frame: True)  # the file says so
    assert outcome(tmp_path, movie()) == "video_spherical"
