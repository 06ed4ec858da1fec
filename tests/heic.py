"""HEIC files for tests, written by hand: the packages that we install can read them but not write
them.

An HEVC picture from PyAV's encoder in the boxes of ISO/IEC 23008-12, with EXIF and a rotation, as
phones write them.
"""

from __future__ import annotations

import io
import struct

import av
from PIL import Image


def heic_bytes(image: Image.Image, *, exif: bytes = b"", quarter_turns: int = 0) -> bytes:
    """`image` (even sides, at least 64 px) as a HEIC file that is shown turned anticlockwise."""
    config, picture = _hevc(image.convert("RGB"))
    payload = struct.pack(">I", 6) + exif if exif else b""  # the TIFF header follows "Exif\0\0"
    head = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    # The offsets in the index depend on its own length, which they do not change.
    meta = _meta(image.size, config, quarter_turns, 0, len(picture), len(payload))
    start = len(head) + len(meta) + 8
    meta = _meta(image.size, config, quarter_turns, start, len(picture), len(payload))
    return head + meta + _box(b"mdat", picture + payload)


def _hevc(image: Image.Image) -> tuple[bytes, bytes]:
    """The decoder's configuration (an hvcC box) and the picture, with lengths before its units."""
    file = io.BytesIO()
    # Matroska keeps both as HEIC wants them.
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none"})
        stream.width, stream.height = image.size
        stream.pix_fmt = "yuv420p"
        for packet in (*stream.encode(av.VideoFrame.from_image(image)), *stream.encode()):
            packet.dts = packet.pts  # x265 leaves it undefined for a single frame
            container.mux(packet)
    file.seek(0)
    with av.open(file) as container:
        config = container.streams.video[0].codec_context.extradata
        assert config is not None
        picture = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return _box(b"hvcC", config), picture


def _meta(
    size: tuple[int, int], config: bytes, turns: int, start: int, length: int, exif_length: int
) -> bytes:
    items = [(1, b"hvc1", start, length)]
    if exif_length:
        items.append((2, b"Exif", start + length, exif_length))
    infos = [
        _full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0", version=2)
        for number, kind, _, _ in items
    ]
    places = [struct.pack(">HHHII", number, 0, 1, at, size) for number, _, at, size in items]
    properties = config + _full(b"ispe", struct.pack(">II", *size)) + _box(b"irot", bytes([turns]))
    links = struct.pack(">IHB", 1, 1, 3) + bytes([0x81, 0x02, 0x83])
    about = _full(b"iref", _box(b"cdsc", struct.pack(">HHH", 2, 1, 1))) if exif_length else b""
    return _full(
        b"meta",
        _full(b"hdlr", bytes(4) + b"pict" + bytes(13))
        + _full(b"pitm", struct.pack(">H", 1))
        + _full(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + b"".join(places))
        + _full(b"iinf", struct.pack(">H", len(items)) + b"".join(infos))
        + about
        + _box(b"iprp", _box(b"ipco", properties) + _full(b"ipma", links)),
    )


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, content: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24) + content)
