"""Every kind of photo becomes an upright sRGB JPEG with nothing in it but pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from recon.pipeline.config import PreflightConfig
from recon.pipeline.errors import UserError
from recon.pipeline.photos.prepare import PreparedPhoto, prepare, prepared_names
from tests.photos import real_photos

ORIENTATION, MAKE, EXIF_IFD, GPS_IFD = 0x0112, 0x010F, 0x8769, 0x8825
FOCAL_35MM = 0xA405
CONFIG = PreflightConfig(max_image_size=400)


def picture(mode: str = "RGB", size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Red on the left, blue on the right, in the given mode."""
    image = Image.new("RGB", size, (200, 30, 30))
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill=(30, 30, 200))
    return image.convert(mode)


def prepared(tmp_path: Path, source: Path) -> tuple[PreparedPhoto, Image.Image]:
    photo = prepare(source, tmp_path / "out", "out.jpg", CONFIG)
    with Image.open(tmp_path / "out" / "out.jpg") as image:
        image.load()
        return photo, image


def corners(image: Image.Image) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The colours at the left and at the right."""
    pixels = np.asarray(image)
    return tuple(pixels[image.height // 2, 20]), tuple(pixels[image.height // 2, -20])


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return max(abs(int(a) - b) for a, b in zip(colour, wanted, strict=True)) <= by


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "jpg"), ("RGB", "png"), ("RGB", "webp"), ("P", "png")]
)
def test_each_format_keeps_its_colours(tmp_path: Path, mode: str, suffix: str) -> None:
    source = tmp_path / f"photo.{suffix}"
    picture().convert(mode, palette=Image.Palette.ADAPTIVE).save(source)
    photo, image = prepared(tmp_path, source)
    left, right = corners(image)
    assert (photo.width, photo.height) == image.size == (320, 240)
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert is_near(left, (200, 30, 30), 20)
    assert is_near(right, (30, 30, 200), 20)


def test_a_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    source = tmp_path / "print.jpg"
    picture("CMYK").save(source)
    _, image = prepared(tmp_path, source)
    assert image.mode == "RGB"
    assert is_near(corners(image)[0], (200, 30, 30), 20)


def test_greyscale_becomes_three_equal_channels(tmp_path: Path) -> None:
    source = tmp_path / "grey.jpg"
    Image.new("L", (320, 240), 90).save(source)
    _, image = prepared(tmp_path, source)
    assert image.mode == "RGB"
    assert is_near(corners(image)[0], (90, 90, 90), 2)


def test_sixteen_bits_a_pixel_are_scaled_not_clipped(tmp_path: Path) -> None:
    source = tmp_path / "deep.png"
    Image.fromarray(np.full((240, 320), 128 * 256, np.uint16)).save(source)
    _, image = prepared(tmp_path, source)
    assert is_near(corners(image)[0], (128, 128, 128), 2)


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    source = tmp_path / "cut-out.png"
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.save(source)
    _, result = prepared(tmp_path, source)
    assert is_near(corners(result)[0], (255, 255, 255), 2)


def test_colours_are_converted_by_the_embedded_profile(tmp_path: Path) -> None:
    source = tmp_path / "tagged.jpg"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The profile of a strange screen, whose first channel is blue and third is red.
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    picture().save(source, icc_profile=swapped)
    left, right = corners(prepared(tmp_path, source)[1])
    assert is_near(left, (30, 30, 200), 30)
    assert is_near(right, (200, 30, 30), 30)


def test_a_damaged_profile_is_no_reason_to_refuse(tmp_path: Path) -> None:
    source = tmp_path / "tagged.jpg"
    picture().save(source, icc_profile=b"not a profile")
    assert is_near(corners(prepared(tmp_path, source)[1])[0], (200, 30, 30))


def test_a_photo_taken_upright_is_turned(tmp_path: Path) -> None:
    source = tmp_path / "upright.jpg"
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn a quarter to the right to see it as it was
    picture().save(source, exif=exif)
    photo, image = prepared(tmp_path, source)
    assert (photo.width, photo.height) == image.size == (240, 320)
    pixels = np.asarray(image)
    assert is_near(tuple(pixels[20, 120]), (200, 30, 30))  # left became top


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_focal_length_follows_the_resizing(tmp_path: Path, orientation: int) -> None:
    source = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(EXIF_IFD)[FOCAL_35MM] = 35
    picture(size=(800, 600)).save(source, exif=exif)
    photo, _ = prepared(tmp_path, source)
    assert max(photo.width, photo.height) == 400
    assert photo.focal == pytest.approx(35 / 43.27 * 500, rel=0.01)  # the diagonal is 500 px


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_the_focal_length_is_read_from_other_formats_too(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"photo.{suffix}"
    exif = Image.Exif()
    exif[MAKE] = "Somebody"  # without it Pillow takes the EXIF to be empty and does not write it
    exif.get_ifd(EXIF_IFD)[FOCAL_35MM] = 28
    picture().save(source, exif=exif)
    assert prepared(tmp_path, source)[0].focal == pytest.approx(28 / 43.27 * 400, rel=0.01)


def test_an_absurd_focal_length_is_ignored(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[FOCAL_35MM] = 60000
    picture().save(source, exif=exif)
    assert prepared(tmp_path, source)[0].focal is None


def test_no_metadata_survives(tmp_path: Path) -> None:
    source = tmp_path / "secret.jpg"
    exif = Image.Exif()
    exif[0x010E] = "SECRET place"
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    picture().save(
        source, exif=exif, comment=b"SECRET comment", xmp=b"<x:xmpmeta>SECRET</x:xmpmeta>"
    )
    assert b"SECRET" in source.read_bytes()
    _, image = prepared(tmp_path, source)
    assert b"SECRET" not in (tmp_path / "out" / "out.jpg").read_bytes()
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_text_in_a_png_does_not_survive(tmp_path: Path) -> None:
    source = tmp_path / "secret.png"
    notes = PngInfo()
    notes.add_text("Author", "SECRET name")
    picture().save(source, pnginfo=notes)
    prepared(tmp_path, source)
    assert b"SECRET" not in (tmp_path / "out" / "out.jpg").read_bytes()


@pytest.mark.real_photos("berlin")
def test_where_the_berlin_photos_were_taken_is_gone(tmp_path: Path) -> None:
    source = real_photos("berlin")[0]
    with Image.open(source) as image:
        assert image.getexif().get_ifd(GPS_IFD)
    photo, image = prepared(tmp_path, source)
    assert dict(image.getexif()) == {}
    assert photo.focal is not None


def test_a_small_photo_is_not_blown_up(tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    picture(size=(150, 120)).save(source)
    assert prepared(tmp_path, source)[1].size == (150, 120)


@pytest.mark.parametrize("content", [b"", b"just text", b"\xff\xd8\xff\xe0 no JPEG", b"GIF"])
def test_what_is_no_photo_is_named(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "disguised.jpg"
    source.write_bytes(content)
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, source)
    assert caught.value.code == "photo_unreadable"
    assert "disguised.jpg" in str(caught.value)


def test_a_gif_named_like_a_jpeg_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "moving.jpg"
    picture("P").save(source, format="GIF")
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, source)
    assert (caught.value.code, caught.value.facts["kind"]) == ("photo_other_kind", "GIF")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_truncated_photo_is_refused(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    content = io.BytesIO()
    noisy = Image.fromarray(rng.integers(0, 255, (240, 320, 3), np.uint8))
    noisy.save(content, format={"jpg": "JPEG"}.get(suffix, suffix.upper()))
    source = tmp_path / f"half.{suffix}"
    source.write_bytes(content.getvalue()[: len(content.getvalue()) // 2])
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, source)
    assert caught.value.code == "photo_unreadable"


def test_a_thumbnail_is_too_small(tmp_path: Path) -> None:
    source = tmp_path / "thumb.png"
    picture(size=(320, 99)).save(source)
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, source)
    assert caught.value.code == "photo_too_small"
    assert "320×99" in str(caught.value)


@pytest.mark.parametrize("side", [11_000, 19_000])  # beyond our cap; beyond Pillow's own
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    source = tmp_path / "bomb.png"
    Image.new("1", (side, side)).save(source)
    assert source.stat().st_size < 100_000
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, source)
    assert caught.value.code == "photo_too_large"
    assert f"{round(side * side / 1e6)} megapixels" in str(caught.value)


def test_names_become_safe_and_stay_different() -> None:
    names = prepared_names(["Käse 1.JPG", "a.png", "a.jpg", "A.webp", "..jpg", "x y.jpg"])
    assert names["x y.jpg"] == "x_y.jpg"
    assert names["A.webp"] == "A.jpg"
    assert names["a.jpg"] == "a-2.jpg"
    assert len({name.casefold() for name in names.values()}) == 6
    assert all(name.endswith(".jpg") and " " not in name for name in names.values())


def test_plain_names_stay_as_they_are() -> None:
    assert prepared_names(["000.jpg", "IMG_2.jpeg"]) == {
        "000.jpg": "000.jpg",
        "IMG_2.jpeg": "IMG_2.jpg",
    }
