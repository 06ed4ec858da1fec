"""Photos as they come: broken metadata, 360 degrees, cut off, odd names."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.cli import check_command
from recon.pipeline.cli.command import main
from recon.pipeline.config import PreflightConfig
from recon.pipeline.errors import UserError
from recon.pipeline.photo_check import check
from recon.pipeline.photos import photo_file, prepare, uploads
from recon.pipeline.photos.spherical import looks_spherical
from recon.pipeline.workspace import Workspace, replacing, replacing_folder, write_json
from tests.faults import fault
from tests.odd_files import (
    GPANO,
    XMP_HEAD,
    encoded,
    png_chunk,
    sphere,
    texture,
    with_chunk,
    with_segment,
    with_webp_chunk,
)

JPEG, PNG, WEBP = (
    encoded(texture(), quality=85),
    encoded(texture(), "PNG"),
    encoded(texture(), "WEBP"),
)
BIG = zlib.compress(bytes(80_000_000))
JUNK = random.Random(0).randbytes(1500)
ORIENTATION, DETAILS, FOCAL, EQUIVALENT = 0x0112, 0x8769, 0x920A, 0xA405


def decoded(content: bytes, **options: Any) -> photo_file.DecodedPhoto:
    limits: dict[str, Any] = {"min_image_size": 100, "max_megapixels": 100} | options
    return photo_file.decode(io.BytesIO(content), name="a.jpg", **limits)


def code_of(content: bytes, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        decoded(content, **options)
    return caught.value.code


def exif(tags: dict[int, Any], details: dict[int, Any] | None = None) -> bytes:
    made = Image.Exif()
    made.update(tags)
    if details:
        made.get_ifd(DETAILS).update(details)
    return made.tobytes()


# --- Broken metadata, sound pixels ---

GOOD = exif({ORIENTATION: 6, 0x010F: "Maker", 0x0110: "Model"}, {EQUIVALENT: 26, FOCAL: 4.2})
BROKEN_EXIF = {
    "zeros": b"Exif\0\0" + bytes(100),
    "junk": b"Exif\0\0" + JUNK,
    "cut off": GOOD[: len(GOOD) - 30],
    "circle": b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0",
    "text for a number": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\2\0\4\0\0\0abc\0\0\0\0\0",
    "offsets beyond the end": b"Exif\0\0II*\0\x08\0\0\0\1\0\x0f\1\2\0\xff\0\0\0\xff\xff\xff\x7f"
    + bytes(4),
    "orientation 9": exif({ORIENTATION: 9}),
    "orientation 0": exif({ORIENTATION: 0}),
    "divided by zero": b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x1a\0\0\0\0\0\0\0\2\0"
    b"\x0a\x92\5\0\1\0\0\0\x38\0\0\0\5\xa4\5\0\1\0\0\0\x38\0\0\0\0\0\0\0" + bytes(8),
    "huge": GOOD + bytes(60_000),
}  # fmt: skip


def spoilt(content: bytes) -> bytes:
    """The file with the first words of its EXIF changed."""
    header = GOOD[6:14]
    assert header in content
    return content.replace(header, JUNK[:8])


BROKEN = {
    **{f"JPEG, EXIF: {name}": with_segment(JPEG, 0xE1, e) for name, e in BROKEN_EXIF.items()},
    **{f"PNG, EXIF: {name}": with_chunk(PNG, b"eXIf", e[6:]) for name, e in BROKEN_EXIF.items()},
    **{f"WebP, EXIF: {n}": with_webp_chunk(WEBP, b"EXIF", e, 8) for n, e in BROKEN_EXIF.items()},
    "AVIF, EXIF": spoilt(encoded(texture(), "AVIF", exif=GOOD)),
    "HEIC, EXIF": spoilt(encoded(texture(), "HEIF", exif=GOOD)),
    "HEIC, EXIF that is zeros": encoded(texture(), "HEIF", exif=BROKEN_EXIF["zeros"]),
    "HEIC, huge EXIF": encoded(texture(), "HEIF", exif=BROKEN_EXIF["huge"]),
    "JPEG, profile": with_segment(JPEG, 0xE2, b"ICC_PROFILE\0\1\1" + JUNK),
    "JPEG, parts of a profile": with_segment(JPEG, 0xE2, b"ICC_PROFILE\0\5\2" + JUNK),
    "JPEG, more pictures": with_segment(JPEG, 0xE2, b"MPF\0II*\0\x08\0\0\0" + JUNK[:60]),
    "JPEG, more pictures, cut off": with_segment(JPEG, 0xE2, b"MPF\0MM"),
    "JPEG, Adobe": with_segment(JPEG, 0xEE, b"Adobe\0"),
    "JPEG, XMP": with_segment(JPEG, 0xE1, XMP_HEAD + JUNK),
    "JPEG, Photoshop": with_segment(JPEG, 0xED, b"Photoshop 3.0\08BIM\4\4"),
    "JPEG, JFIF": with_segment(JPEG, 0xE0, b"JFIF"),
    "PNG, text that grows": with_chunk(PNG, b"zTXt", b"k\0\0" + BIG),
    "PNG, text that grows at the end": with_chunk(PNG, b"iTXt", b"k\0\1\0\0\0" + BIG, last=True),
    "PNG, text that is none": with_chunk(PNG, b"zTXt", b"k\0\0" + JUNK),
    "PNG, a profile of EXIF": with_chunk(PNG, b"tEXt", b"Raw profile type exif\0\nexif\n 9\nxyz"),
    "PNG, a profile that grows": with_chunk(PNG, b"iCCP", b"x\0\0" + BIG),
    "PNG, an empty profile": with_chunk(PNG, b"iCCP", b""),
    "PNG, short gamma": with_chunk(PNG, b"gAMA", b"\1"),
    "PNG, short transparency": with_chunk(PNG, b"tRNS", b"\1"),
    "PNG, a wrong checksum": PNG[:33] + struct.pack(">I", 3) + b"tEXtabc" + bytes(4) + PNG[33:],
    "WebP, profile": with_webp_chunk(WEBP, b"ICCP", JUNK, 32),
    "WebP, XMP": with_webp_chunk(WEBP, b"XMP ", JUNK, 4),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_metadata_that_is_broken_costs_only_itself(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "photo"
    source.write_bytes(BROKEN[kind])
    made = prepare.prepare(source, tmp_path, "out.jpg", PreflightConfig())
    look = check.look_at(source)
    with Image.open(tmp_path / "out.jpg") as image:
        said = np.asarray(image.convert("RGB"), float)
        size = (look.width, look.height)
    turned = size == (240, 320)  # if the orientation survived, it counts
    expected = texture().transpose(Image.Transpose.ROTATE_270) if turned else texture()
    assert size == (made.width, made.height) == expected.size
    assert np.abs(said - np.asarray(expected, float)).mean() < 8


@pytest.mark.parametrize("name", ["bad_rawprofile.png", "bigtext.png", "zeroed_exif.webp"])
def test_the_photos_that_were_called_damaged_are_used(name: str, tmp_path: Path) -> None:
    source = fault("bad_metadata") / name
    assert prepare.prepare(source, tmp_path, "out.jpg", PreflightConfig()).focal is None
    assert check.look_at(source).features.points.size


def test_what_can_be_read_of_broken_metadata_counts() -> None:
    """The EXIF directory is beyond the end; the orientation before it is sound."""
    broken = GOOD.replace(struct.pack("<HHI", DETAILS, 4, 1), b"\0\0\0\0\0\0\0\0")
    assert decoded(with_segment(JPEG, 0xE1, broken)).upright().size == (240, 320)


def test_metadata_with_a_zero_for_a_number_says_nothing_of_the_lens(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(with_segment(JPEG, 0xE1, BROKEN_EXIF["divided by zero"]))
    assert prepare.prepare(source, tmp_path, "out.jpg", PreflightConfig()).focal is None
    assert check.look_at(source).focal is None


# --- Cut off ---


def png_of_rows(rows: int, *, interlaced: bool = False) -> bytes:
    """A PNG of 160 x 120 whose stream of pixels ends properly, but after `rows` rows."""
    header = struct.pack(">IIBBBBB", 160, 120, 8, 2, 0, 0, interlaced)
    pixels = texture(size=(160, 120)).tobytes()
    lines = [b"\0" + pixels[480 * row : 480 * (row + 1)] for row in range(rows)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(kind, content)
        for kind, content in (
            (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    )  # fmt: skip


def test_a_png_that_ends_early_in_good_order_is_unreadable() -> None:
    assert decoded(png_of_rows(120)).width == 160
    for rows in (0, 10, 119):
        assert code_of(png_of_rows(rows)) == "photo_unreadable"


def test_every_png_that_is_whole_passes(tmp_path: Path) -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = texture(size=(101, 103)).convert("L").convert(mode)
        assert decoded(encoded(image, "PNG")).width == 101
    palette = texture(size=(101, 103)).quantize(4)
    assert decoded(encoded(palette, "PNG", bits=2)).width == 101


def test_an_interlaced_png_is_counted_by_its_passes() -> None:
    from recon.pipeline.photos.whole_photos import _png_bytes

    def by_hand(width: int, height: int) -> int:
        total = 0
        for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                             (1, 0, 2, 2), (0, 1, 1, 2)):  # fmt: skip
            columns, rows = len(range(x, width, dx)), len(range(y, height, dy))
            total += rows * (1 + 3 * columns) if columns else 0
        return total

    for size in ((160, 120), (3, 3), (1, 9), (9, 1), (101, 103)):
        assert _png_bytes(struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 1)) == by_hand(*size)


CUT = {
    "JPEG": JPEG,
    "progressive": encoded(texture(), progressive=True),
    "PNG": PNG,
    "WebP": WEBP,
    "WebP without loss": encoded(texture(), "WEBP", lossless=True),
    "AVIF": encoded(texture(), "AVIF"),
    "HEIC": encoded(texture(), "HEIF"),
}


@pytest.mark.parametrize("kind", CUT)
def test_a_photo_that_is_cut_off_anywhere_is_unreadable(kind: str) -> None:
    content = CUT[kind]
    assert decoded(content).width == 320
    for part in (0.1, 0.4, 0.7, 0.95, 0.999):
        assert code_of(content[: int(part * len(content))]) == "photo_unreadable"


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "WebP", "WebP without loss"])
def test_a_copy_that_was_interrupted_and_filled_with_zeros_is_unreadable(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    options = {"progressive": True} if kind == "progressive" else {}
    options |= {"lossless": True} if "loss" in kind else {}
    name = {"progressive": "JPEG", "WebP without loss": "WEBP"}.get(kind, kind)
    content = encoded(Image.fromarray(noise), name, **options)
    length = len(content) // 3
    assert code_of(content[:length] + bytes(len(content) - length)) == "photo_unreadable"
    if name == "JPEG":  # padded, as some cameras do
        assert decoded(content + bytes(20_000)).width == 320


# --- 360 degrees ---


def flat() -> Image.Image:
    """What is called a sphere by its words alone."""
    return texture(size=(640, 320))


def with_words(image: Image.Image, words: bytes) -> bytes:
    return with_segment(encoded(image), 0xE1, XMP_HEAD + words)


GPANO_AS_ELEMENT = GPANO.replace(
    b'GPano:ProjectionType="equirectangular"/>',
    b"><GPano:ProjectionType>cylindrical</GPano:ProjectionType></rdf:Description>",
)
#: Made by the test that wants them: every process of a run collects all tests.
SPHERES: dict[str, Callable[[], bytes]] = {
    "XMP in a JPEG": lambda: with_words(flat(), GPANO),
    "XMP as an element": lambda: with_words(flat(), GPANO_AS_ELEMENT),
    "XMP in a PNG": lambda: with_chunk(
        encoded(flat(), "PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + GPANO
    ),
    "XMP in a WebP": lambda: encoded(flat(), "WEBP", xmp=GPANO),
    "XMP in an AVIF": lambda: encoded(flat(), "AVIF", xmp=GPANO),
    "a lens of 1.3 mm": lambda: encoded(flat(), exif=exif({}, {FOCAL: 1.3})),
    "5 mm on 35 mm film": lambda: encoded(flat(), exif=exif({}, {EQUIVALENT: 5})),
    "the picture itself": lambda: encoded(sphere(), quality=60),
    "the picture, turned and large": lambda: encoded(sphere(1000, turned=2.0)),
    "a part of XMP": lambda: with_words(texture(), GPANO.replace(b"equirect", b"Equirect")),
}


@pytest.mark.parametrize("kind", SPHERES)
def test_a_360_degree_photo_is_called_one(kind: str, tmp_path: Path) -> None:
    content = SPHERES[kind]()
    assert code_of(content) == "photo_spherical"
    source = tmp_path / "a.jpg"
    source.write_bytes(content)
    report = check.check([source], tmp_path / "check")
    assert [finding.code for finding in report.findings] == ["photo_spherical"]
    with pytest.raises(UserError, match="360-degree photo"):
        prepare.prepare(source, tmp_path, "out.jpg", PreflightConfig())


def test_the_360_degree_photos_are_refused_at_once(tmp_path: Path, capsys: Any) -> None:
    folder = fault("equirect") / "equirect"
    for path in sorted(folder.glob("*.jpg"))[:3]:
        assert code_of(path.read_bytes()) == "photo_spherical"
    out = tmp_path / "out"
    assert main([str(folder), str(out), "--preset", "quick", "--until", "PREFLIGHT"]) != 0
    assert "PREFLIGHT failed (photo_spherical): “photo_01.jpg” is a 360-degree" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "content",
    [
        encoded(texture(size=(640, 320))),
        encoded(texture(size=(640, 320)), exif=exif({}, {EQUIVALENT: 26, FOCAL: 4.2})),
        encoded(texture(size=(640, 320)), exif=exif({}, {EQUIVALENT: 13, FOCAL: 1.54})),
        encoded(texture(), exif=exif({}, {FOCAL: 1.2})),  # not twice as wide as high
        with_segment(encoded(texture()), 0xE1, XMP_HEAD + GPANO.replace(b"GPano", b"GImage")
                     .replace(b"panorama", b"image")),
        with_segment(encoded(texture()), 0xE1, XMP_HEAD + GPANO.replace(
            b"equirectangular", b"rectilinear")),
        encoded(Image.new("RGB", (640, 320), "white")),
        encoded(Image.linear_gradient("L").resize((640, 320))),
        encoded(sphere().crop((0, 0, 256, 256))),
    ],
)  # fmt: skip
def test_ordinary_photos_are_not_called_that(content: bytes) -> None:
    assert decoded(content).format == "JPEG"


def test_a_sea_with_a_horizon_is_no_360_degree_photo() -> None:
    """Its left and right edges match, and so do its sky and its water, each throughout."""
    rows = np.concatenate([np.linspace(230, 150, 160), np.linspace(70, 30, 160)])
    noise = np.random.default_rng(0).normal(0, 9, (320, 640))
    noise *= np.where(np.arange(320) < 160, 0.1, 1)[:, None]
    sea = Image.fromarray(np.clip(rows[:, None] + noise, 0, 255).astype(np.uint8))
    assert not looks_spherical(sea)


# --- Names ---


def test_other_files_are_named_by_the_check_in_words(tmp_path: Path, capsys: Any) -> None:
    for name, content in (("a.jpg", JPEG), ("b.jpg", b"%PDF-1.7"), ("c.jpg", b"FUJIFILMCCD-RAW")):
        (tmp_path / name).write_bytes(content)
    check_command.check_photos(sorted(tmp_path.iterdir()), as_json=False)
    said = capsys.readouterr().out
    assert "“b.jpg” is not a photo that can be read here: its format is PDF." in said
    assert "“c.jpg” is a camera's raw photo (RAF)." in said


NAMES = [
    "a.jfif", "a.jpe", "a.JPE", "no-suffix", "a.b.c", "photo.jpg.download", "x" * 251 + ".jpg",
    "x" * 255, "y" * 247 + ".jpg", "사" * 83 + ".jpg", "사" * 85, "\U0001f600" * 62 + ".jpeg",
]  # fmt: skip


def test_photos_of_any_name_are_prepared(tmp_path: Path, capsys: Any) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for seed, name in enumerate(NAMES):
        (folder / name).write_bytes(encoded(texture(seed)))
    assert main([str(folder), str(out), "--preset", "quick", "--until", "PREFLIGHT"]) == 0
    listed = json.loads((out / "work/photos.json").read_text())["photos"]
    assert {photo["stored_name"] for photo in listed} == set(NAMES)
    assert all(len(photo["name"]) <= 130 for photo in listed)
    main(["--check-photos", str(folder)])
    said = capsys.readouterr().out
    assert all(name in said for name in NAMES)


def test_a_name_in_no_encoding_is_shown_as_far_as_it_goes(tmp_path: Path, capsys: Any) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for seed, name in enumerate((b"caf\xe9.jpg", b"caf\xe8.jpg", b"\xff" * 250, b"plain.jpg")):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(encoded(texture(seed)))
    assert main([str(folder), str(out), "--preset", "quick", "--until", "PREFLIGHT"]) == 0
    listed = json.loads((out / "work/photos.json").read_text())["photos"]
    assert {"caf\\xe9.jpg", "caf\\xe8.jpg"} <= {photo["stored_name"] for photo in listed}
    assert len(listed) == 4
    main(["--check-photos", str(folder)])
    assert "caf?.jpg" in capsys.readouterr().out


def test_what_lies_beside_photos_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg_original", "c.bak", "d.jpg~", "e.thm", "f.txt", "g.crdownload"):
        (tmp_path / name).write_bytes(JPEG if name != "f.txt" else b"text")
    photos, others = uploads.photos_in(tmp_path)
    assert [path.name for path in photos] == ["a.jpg"]
    assert len(others) == 6


def test_raw_photos_beside_others_are_called_that(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "IMG_1.CR3").write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom")
    (tmp_path / "IMG_1.JPG").write_bytes(JPEG)
    (tmp_path / "notes.txt").write_text("notes")
    main(["--check-photos", str(tmp_path)])
    said = capsys.readouterr().err
    assert (
        "Raw photos, left out: IMG_1.CR3. Raw formats can't be read here; export them as JPEG."
        in said
    )
    assert "Not photos, left out: notes.txt" in said


def test_the_photo_named_jfif(tmp_path: Path) -> None:
    found, others = uploads.photos_in(fault("jfif"))
    assert ([path.name for path in found], others) == (["img1.jfif"], [])


@pytest.mark.parametrize("length", [240, 246, 247, 250, 255])
def test_a_file_of_a_long_name_is_written_whole(length: int, tmp_path: Path) -> None:
    path = tmp_path / ("x" * length)
    write_json(path, {"a": 1})
    with replacing(path) as temporary:
        assert temporary.name.startswith(".")
        temporary.write_text("new")
    assert path.read_text() == "new"
    path.unlink()
    with replacing_folder(path) as folder:
        (folder / "a").touch()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_photos_that_are_brought_in_keep_their_long_names(tmp_path: Path) -> None:
    source = tmp_path / ("사" * 85)
    source.write_bytes(JPEG)
    workspace = Workspace(tmp_path / "job")
    uploads.bring_in([source], workspace)
    assert [path.name for path in workspace.upload.iterdir()] == [source.name]
