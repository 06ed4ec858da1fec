"""Files that can't be used as photos or videos are identified by their content."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from recon.pipeline.errors import UserError
from recon.pipeline.photos import video
from recon.pipeline.photos.file_kinds import kind_of
from recon.pipeline.photos.media import container_of, is_photo
from recon.pipeline.photos.photo_file import decode
from recon.pipeline.photos.video import VideoLimits
from tests.odd_files import CR3, encoded, texture, tiff

MAKER, SUBFILE, PHOTOMETRIC, COMPRESSION, DNG_VERSION = 0x10F, 0xFE, 0x106, 0x103, 0xC612
SUB_IFDS = 0x14A


def short(value: int, order: str = "<") -> tuple[int, bytes]:
    return 3, struct.pack(f"{order}H", value)


def with_sub_ifd(sub: bytes) -> bytes:
    """A preview whose sub-directory is that of the TIFF `sub`, appended to it."""
    first = tiff({SUB_IFDS: (4, bytes(4))})
    place = struct.pack("<I", len(first) + 8)
    return first.replace(struct.pack("<HHI", SUB_IFDS, 4, 1) + bytes(4),
                         struct.pack("<HHI", SUB_IFDS, 4, 1) + place) + sub  # fmt: skip


RAWS = {
    "CR3": CR3,
    "DNG": tiff({DNG_VERSION: (1, b"\1\4\0\0"), MAKER: (2, b"Apple\0")}),
    "NEF": tiff({SUBFILE: (4, b"\0\0\0\1"), MAKER: (2, b"NIKON CORPORATION\0")}, ">"),
    "ARW": tiff({COMPRESSION: short(32767), MAKER: (2, b"SONY\0\0")}),
    "PEF": tiff({PHOTOMETRIC: short(32803, ">"), MAKER: (2, b"PENTAX Corporation\0")}, ">"),
    "SRW": tiff({COMPRESSION: short(32770), MAKER: (2, b"SAMSUNG\0")}),
    "CR2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(60),
    "RAF": b"FUJIFILMCCD-RAW 0201FF383501" + bytes(60),
    "ORF": b"IIRO\x08\0\0\0" + bytes(60),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(60),
    "X3F": b"FOVb\1\0\2\0" + bytes(60),
    "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(60),
    "MRW": b"\0MRM" + bytes(60),
}


def refused(content: bytes, name: str = "a.jpg") -> UserError:
    with pytest.raises(UserError) as caught:
        decode(io.BytesIO(content), name=name, min_image_size=100, max_megapixels=100)
    return caught.value


@pytest.mark.parametrize("kind", RAWS)
def test_a_raw_photo_is_called_one_whatever_its_name(kind: str) -> None:
    error = refused(RAWS[kind], "holiday.jpg")
    assert (error.code, error.facts["kind"]) == ("photo_raw", kind)
    assert "Raw formats such as CR3, NEF, ARW and DNG can't be read here." in str(error)
    assert "damaged" not in str(error)


def test_a_raw_photo_is_told_by_a_directory_below_the_first() -> None:
    raw = with_sub_ifd(tiff({PHOTOMETRIC: short(32803)}))
    # The sub-directory's own offsets do not matter: its values fit into their entries.
    assert refused(raw).code == "photo_raw"


def test_where_the_content_leaves_it_open_the_name_tells() -> None:
    assert refused(b"II*\0" + bytes(100), "a.NEF").facts["kind"] == "NEF"
    assert refused(b"\1\2\3" * 50, "a.arw").facts["kind"] == "ARW"
    assert refused(b"\1\2\3" * 50, "a.jpg").code == "photo_unreadable"
    renamed = io.BytesIO(encoded(texture()))
    assert decode(renamed, name="a.nef", min_image_size=9, max_megapixels=9).format == "JPEG"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "JPEG2000", "ICO", "QOI", "DDS", "PDF"])
def test_what_pillow_writes_is_called_by_its_name(kind: str) -> None:
    error = refused(encoded(texture(size=(64, 64)), kind))
    said = {"JPEG2000": "JPEG 2000"}.get(kind, kind)
    assert (error.code, error.facts["kind"]) == ("photo_other_kind", said)
    assert f"its format is {said}." in str(error)
    assert "damaged" not in str(error)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"8BPS\0\1" + bytes(40), "PSD"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"Rar!\x1a\x07\1\0", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x --><svg/>', "SVG"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"v/1\x01" + bytes(40), "OpenEXR"),
        (b"II+\0\x08\0\0\0" + bytes(40), "BigTIFF"),
        (tiff({MAKER: (2, b"NIKON CORPORATION\0")}), "TIFF"),  # exported by its program
    ],
)
def test_other_files_are_called_by_their_names(content: bytes, kind: str) -> None:
    error = refused(content)
    assert (error.code, error.facts["kind"]) == ("photo_other_kind", kind)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"RIFF\0\0\1\0AVI LIST", "AVI"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMV"),
        (b"FLV\x01\5", "FLV"),
        (b"\0\0\1\xba" + bytes(20), "MPEG"),
        ((b"\x47" + bytes(187)) * 3, "MPEG-TS"),
        ((bytes(4) + b"\x47" + bytes(187)) * 3, "MPEG-TS"),
    ],
)
def test_videos_in_other_containers_are_called_by_their_names(content: bytes, kind: str) -> None:
    with pytest.raises(UserError) as caught:
        video.probe(io.BytesIO(content), name="a.avi", limits=VideoLimits())
    assert (caught.value.code, caught.value.facts["kind"]) == ("video_other_kind", kind)
    assert refused(content).code == "video_other_kind"


def test_a_raw_photo_in_a_video_s_container_is_no_video() -> None:
    assert container_of(CR3) is None
    with pytest.raises(UserError) as caught:
        video.probe(io.BytesIO(CR3), name="a.mp4", limits=VideoLimits())
    assert caught.value.code == "photo_raw"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_what_is_read_here_is_of_no_other_kind(kind: str) -> None:
    assert kind_of(io.BytesIO(encoded(texture(), kind)), "a.cr3") is None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\0\x1cftypMiHE\0\0\0\0mif1heic", True),
        (b"\0\0\0\x1cftypmp42\0\0\0\0isommif1", False),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", False),
    ],
)
def test_a_photo_of_an_unknown_first_brand_is_told_by_the_others(
    head: bytes, expected: bool
) -> None:
    assert is_photo(head) is expected
    assert (container_of(head) is None) is expected


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 8, 9, 12, 40])
def test_no_beginning_of_a_file_is_too_short(size: int) -> None:
    for content in (*RAWS.values(), b"BM" + bytes(60), b"II*\0\xff\xff\xff\xff" + bytes(60)):
        kind_of(io.BytesIO(content[:size]))


def test_directories_in_a_circle_end() -> None:
    circle = b"II*\0\x08\0\0\0\0\0\x08\0\0\0"
    kind = kind_of(io.BytesIO(circle))
    assert kind is not None
    assert kind.name == "TIFF"


def test_words_that_begin_like_a_bitmap_are_no_bitmap() -> None:
    assert kind_of(io.BytesIO(b"BMW is a maker of cars and motorcycles")) is None
    assert Image.open(io.BytesIO(encoded(texture(), "BMP"))).format == "BMP"
