"""Small files that are very expensive to decode, made here byte by byte."""

from __future__ import annotations

import io
import struct
import zlib

import av
from PIL import Image

#: Found by a search for the worst case: a file of 648 bytes.
SAMPLES = 66_000_000


def many_samples(samples: int = SAMPLES, tracks: int = 1) -> bytes:
    """An MP4 whose index claims `samples` samples of one size, without listing them."""
    head = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    movie = [box(b"mvhd", _movie_header(tracks + 1))]
    movie += [_track(number + 1, samples) for number in range(tracks)]
    return head + box(b"moov", *movie) + box(b"mdat", bytes(8))


def many_scans(scans: int = 3500, side: int = 4000) -> bytes:
    """A progressive JPEG of one grey, its last scan repeated: each costs a pass over all blocks."""
    file = io.BytesIO()
    Image.new("L", (side, side), 128).save(file, "JPEG", progressive=True, quality=75)
    plain = file.getvalue()
    last = plain.rindex(b"\xff\xda")
    scan = plain[last:-2]  # its tables come earlier in the file
    return plain[:-2] + scan * (scans - plain.count(b"\xff\xda")) + b"\xff\xd9"


def many_pixels(side: int = 10_000, bits: int = 8) -> bytes:
    """A PNG of one colour: 100 megapixels in about 300 kB, or 600 MB when decoded with 16 bits."""
    head = struct.pack(">IIBBBBB", side, side, bits, 2, 0, 0, 0)
    row = bytes(1 + side * 3 * bits // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    chunks = (_chunk(b"IHDR", head), _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def large_frames(side: int = 12_000, frames: int = 3) -> bytes:
    """A QuickTime file of a few enormous frames of one colour, one per second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as container:
        stream = container.add_stream("qtrle", rate=1)
        stream.width = stream.height = side
        stream.pix_fmt = "rgb24"
        for number in range(frames):
            picture = av.VideoFrame(side, side, "rgb24")
            picture.planes[0].update(bytes(picture.planes[0].buffer_size))
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    """One box of ISO base media."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


_MATRIX = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def _movie_header(next_track: int) -> bytes:
    times = struct.pack(">IIIII", 0, 0, 0, 1000, 10_000)  # version, made, changed, scale, length
    return (
        times
        + struct.pack(">IH10x", 1 << 16, 1 << 8)
        + _MATRIX
        + bytes(24)
        + struct.pack(">I", next_track)
    )


def _track(number: int, samples: int) -> bytes:
    shown = struct.pack(">IIIIII8xhhhH", 7, 0, 0, number, 0, 10_000, 0, 0, 0, 0)
    header = box(b"tkhd", shown, _MATRIX, struct.pack(">II", 640 << 16, 480 << 16))
    entry = box(b"mp4v", bytes(6), struct.pack(">H16xHHIIIH32xHh", 1, 640, 480, 72 << 16, 72 << 16,
                                               0, 1, 24, -1))  # fmt: skip
    index = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stts", struct.pack(">IIII", 0, 1, samples, 1)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, samples, 1)),
        box(b"stsz", struct.pack(">III", 0, 1, samples)),
        box(b"stco", struct.pack(">III", 0, 1, 512)),
    )
    data = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", 1))))
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 10_000, 0x55C4, 0)),
        box(b"hdlr", struct.pack(">II4s12xx", 0, 0, b"vide")),
        box(b"minf", box(b"vmhd", struct.pack(">I8x", 1)), data, index),
    )
    return box(b"trak", header, media)
