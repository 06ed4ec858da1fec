"""HEIC and AVIF, as phones send them: read like JPEG, upright, and no metadata stays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.cli.check_command import check_photos
from recon.pipeline.cli.command import main
from recon.pipeline.config import PreflightConfig
from recon.pipeline.errors import UserError
from recon.pipeline.photos.photo_file import decode
from recon.pipeline.photos.prepare import PreparedPhoto, prepare
from recon.poses.photo_check.photo_look import look
from tests.heic import heic_bytes

SIZE = (320, 240)
MAKE, MODEL, ORIENTATION = 0x010F, 0x0110, 0x0112
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
FOCAL_35MM = 0xA405


def picture(size: tuple[int, int] = SIZE, *, scene: int = 0) -> Image.Image:
    """Dark on the left, light on the right, red at the top; another `scene` shows something else
    below."""
    image = Image.linear_gradient("L").rotate(90).resize(size).convert("RGB")
    image.paste((200, 20, 20), (0, 0, size[0], size[1] // 8))
    for row in range(scene):
        left, top = 20 + 60 * scene, 50 + 60 * row
        image.paste((20, 60, 220), (left, top, left + 50, top + 40))
    return image


def metadata() -> Image.Exif:
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = "Apple", "iPhone 12"
    exif.get_ifd(EXIF_IFD)[FOCAL_35MM] = 26
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return exif


def photo(kind: str, turns: int = 0, *, scene: int = 0) -> bytes:
    """A phone's photo; `turns` quarters anticlockwise are its orientation."""
    exif = metadata()
    if kind == "heic":
        return heic_bytes(picture(scene=scene), exif=exif.tobytes(), quarter_turns=turns)
    exif[ORIENTATION] = {0: 1, 1: 8, 2: 3, 3: 6}[turns]
    file = io.BytesIO()
    picture(scene=scene).save(file, kind.upper(), quality=95, exif=exif)
    return file.getvalue()


def prepared(folder: Path, content: bytes, kind: str) -> tuple[PreparedPhoto, Image.Image]:
    source = folder / f"IMG_1.{kind}"
    source.write_bytes(content)
    made = prepare(source, folder, "out.jpg", PreflightConfig(max_image_size=None))
    return made, Image.open(folder / "out.jpg")


@pytest.mark.parametrize("kind", ["heic", "avif", "jpeg"])
@pytest.mark.parametrize("turns", [0, 1, 3])
def test_a_phone_s_photo_comes_out_upright_with_its_focal_length_and_nothing_else(
    tmp_path: Path, kind: str, turns: int
) -> None:
    made, image = prepared(tmp_path, photo(kind, turns=turns), kind)
    assert (made.width, made.height) == image.size == (SIZE if turns == 0 else SIZE[::-1])
    assert made.focal == pytest.approx(26 / 43.27 * 400, rel=0.01)  # the diagonal is 400 px
    assert made.device is not None
    expected = np.asarray(picture().rotate(90 * turns, expand=True), float)
    assert np.abs(np.asarray(image, float) - expected).mean() < 5
    assert not image.getexif()
    assert b"Apple" not in (tmp_path / "out.jpg").read_bytes()


def test_all_formats_agree_on_camera_and_focal_length(tmp_path: Path) -> None:
    """A phone may send one photo as HEIC and the next as JPEG: both are from one camera."""
    made = {kind: prepared(tmp_path, photo(kind), kind)[0] for kind in ("jpeg", "heic", "avif")}
    for kind in ("heic", "avif"):
        assert made[kind].device == made["jpeg"].device
        assert made[kind].focal == pytest.approx(made["jpeg"].focal, rel=0.01)


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_what_is_wrong_with_a_photo_is_said_as_for_jpeg(kind: str) -> None:
    content = photo(kind)
    for bad in (content[: len(content) // 2], content[:40], content[:12] + bytes(400)):
        with pytest.raises(UserError) as caught:
            decode(io.BytesIO(bad), name="a", min_image_size=100, max_megapixels=100)
        assert caught.value.code == "photo_unreadable"
    with pytest.raises(UserError) as caught:
        decode(io.BytesIO(content), name="a", min_image_size=300, max_megapixels=100)
    assert caught.value.code == "photo_too_small"
    assert (caught.value.facts["width"], caught.value.facts["height"]) == SIZE


def test_a_heic_that_declares_a_huge_picture_is_not_decoded() -> None:
    content = photo("heic")
    at = content.index(b"ispe") + 8
    huge = content[:at] + (30000).to_bytes(4) + (10000).to_bytes(4) + content[at + 8 :]
    with pytest.raises(UserError) as caught:
        decode(io.BytesIO(huge), name="a", min_image_size=100, max_megapixels=100)
    assert caught.value.code == "photo_too_large"


def test_an_avif_whose_first_brand_says_only_picture_is_read_as_one() -> None:
    content = photo("avif")
    renamed = content[:8] + b"mif1" + content[12:]
    decoded = decode(io.BytesIO(renamed), name="a", min_image_size=100, max_megapixels=100)
    assert decoded.format == "AVIF"


def test_the_photo_check_looks_at_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.heic"
    file.write_bytes(photo("heic"))
    seen = look(picture(), file, size=SIZE)
    assert seen.focal == pytest.approx(26 / 43.27 * 400 / 320, rel=0.01)
    check_photos([file], as_json=False)
    assert "focal length known" in capsys.readouterr().out


def test_the_command_line_takes_them(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number, kind in enumerate(("heic", "avif", "jpeg")):
        name = f"{number}.{kind.replace('jpeg', 'JPG')}"
        (photos / name).write_bytes(photo(kind, scene=number))
    (photos / "3.HEIF").write_bytes(photo("heic", turns=1, scene=3))
    assert main([str(photos), str(out), "--until", "PREFLIGHT"]) == 0
    assert sorted(p.name for p in (out / "work" / "photos").iterdir()) == [
        "0.jpg", "1.jpg", "2.jpg", "3.jpg",
    ]  # fmt: skip
