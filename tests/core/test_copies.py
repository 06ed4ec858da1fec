"""A photo that was sent twice counts once, and the figures are the same as without the copy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from recon.pipeline.errors import UserError
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import preflight
from recon.pipeline.workspace import Workspace
from recon.poses.photo_check import copies
from tests.core.walls import write_wall
from tests.faults import fault
from tests.photos import photos_of, rendered_photos

pytestmark = pytest.mark.slow

QUICK = PRESETS["quick"]


def prepared(workspace: Workspace) -> ListReporter:
    report = ListReporter()
    preflight.run(workspace, QUICK, report)
    return report


def digests(workspace: Workspace) -> dict[str, str]:
    return {photo.name: photo.digest for photo in PreparedPhotos.read(workspace).photos}


def copied_in(workspace: Workspace) -> dict[str, str]:
    """The photos that were left out as copies: original name -> that of the one kept."""
    copied: dict[str, str] = json.loads(workspace.photos_json.read_text())["copies"]
    return copied


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    with Image.open(rendered_photos()[3]) as image:
        return image.convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)))


def exposed(image: Image.Image, factor: float) -> Image.Image:
    return image.point(lambda light: min(255, round(light * factor)))


def moved(image: Image.Image, part: float) -> Image.Image:
    """`image` shifted by `part` of its longest side, as between two frames of a burst."""
    shift = (1, 0, part * image.width, 0, 1, 0)
    return image.transform(image.size, Image.Transform.AFFINE, shift, Image.Resampling.BICUBIC)


def with_something_moving(image: Image.Image) -> Image.Image:
    """A tenth of the picture shows something else: an object that turns in front of a wall."""
    changed = image.copy()
    width, height = image.size
    part = image.crop((0, 0, round(0.4 * width), round(0.25 * height)))
    changed.paste(part, (round(0.3 * width), round(0.5 * height)))
    return changed


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "half the size": lambda image: scaled(image, 0.5),
    "a third of the size": lambda image: scaled(image, 1 / 3),
    "twice the size": lambda image: scaled(image, 2.0),
    "brighter": lambda image: exposed(image, 1.25),
    "darker": lambda image: exposed(image, 0.7),
    "without colours": lambda image: image.convert("L"),
    "lying on its side": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": ImageOps.mirror,
}
OTHERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "moved by 0.2%": lambda image: moved(image, 0.002),
    "moved by 1%": lambda image: moved(image, 0.01),
    "cropped": lambda image: ImageOps.crop(image, 16),
    "something moves": with_something_moving,
    "nothing to see": lambda image: Image.new("RGB", image.size, "grey"),
}


@pytest.mark.parametrize("quality", [92, 30])
@pytest.mark.parametrize("kind", list(COPIES))
def test_a_copy_is_told_by_its_pixels(
    kind: str, quality: int, photo: Image.Image, tmp_path: Path
) -> None:
    COPIES[kind](photo).save(tmp_path / "copy.jpg", quality=quality)
    with Image.open(tmp_path / "copy.jpg") as copy:
        pictures = {"photo": copies.small(photo), "copy": copies.small(copy)}
    assert copies.groups(pictures) == [["photo", "copy"]]


@pytest.mark.parametrize("kind", list(OTHERS))
def test_what_differs_is_no_copy(kind: str, photo: Image.Image) -> None:
    pictures = {"photo": copies.small(photo), "other": copies.small(OTHERS[kind](photo))}
    assert copies.groups(pictures) == []


def test_two_blank_photos_are_not_taken_for_copies() -> None:
    blank = copies.small(Image.new("RGB", (640, 480), "grey"))
    assert copies.groups({"a": blank, "b": blank}) == []


@pytest.mark.parametrize("name", ["fern", "sceaux"])
def test_real_neighbours_are_no_copies(name: str) -> None:
    pictures = {}
    for path in photos_of(name)[0]:
        with Image.open(path) as image:
            image.draft("L", (640, 640))
            pictures[path.name] = copies.small(image)
    assert copies.groups(pictures) == []


def test_without_its_copies_a_set_is_byte_for_byte_the_set_without_them(tmp_path: Path) -> None:
    """It was 26.1 dB with the copies on both sides of the split, 12.4 dB without."""
    doubled, single = Workspace(tmp_path / "doubled"), Workspace(tmp_path / "single")
    for workspace, name in ((doubled, "dup8"), (single, "nodup8")):
        shutil.copytree(
            fault(f"copies/{name}"), workspace.upload, ignore=shutil.ignore_patterns("*.json")
        )
    [(code, facts)] = prepared(doubled).named("warn")
    assert prepared(single).named("warn") == []
    assert len(digests(doubled)) == 8
    assert digests(doubled) == digests(single)
    assert sorted(path.name for path in doubled.photos.iterdir()) == sorted(digests(doubled))
    assert (code, facts["count"], facts["total"]) == ("copies_left_out", 8, 16)
    assert facts["photos"][:2] == ["photo_01 (1).jpg", "photo_03 (1).jpg"]
    assert copied_in(doubled)["photo_15 (1).jpg"] == "photo_15.jpg"
    assert copied_in(single) == {}


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wall")
    write_wall(folder, seed=1, count=3, size=(400, 300))
    return folder


@pytest.fixture
def walls(workspace: Workspace, wall: Path) -> list[Path]:
    """Three photos of one wall, sent."""
    shutil.copytree(wall, workspace.upload, dirs_exist_ok=True)
    return sorted(workspace.upload.iterdir())


def test_one_photo_that_was_doubled_is_left_out_alone(
    workspace: Workspace, walls: list[Path]
) -> None:
    with Image.open(walls[1]) as image:
        image.save(workspace.upload / "again.png")
    report = prepared(workspace)
    assert set(digests(workspace)) == {"again.jpg", "wall1_0.jpg", "wall1_2.jpg"}
    [(_, facts)] = report.named("warn")
    assert facts == {"count": 1, "total": 4, "photos": ["wall1_1.jpg"]}


@pytest.mark.parametrize("metadata", [False, True])
def test_the_best_version_is_kept(workspace: Workspace, walls: list[Path], metadata: bool) -> None:
    """The larger one; at equal size the one that still has its metadata, otherwise the one with
    more bytes."""
    exif = Image.Exif()
    exif[0x0110] = "Phone"
    with Image.open(walls[0]) as image:
        best = image.convert("RGB")
        scaled(best, 0.6).save(workspace.upload / "a small.jpg", quality=99, exif=exif)
        best.save(workspace.upload / "b strong.jpg", quality=99)
        best.save(workspace.upload / "c weak.jpg", quality=60, **{"exif": exif} if metadata else {})
    walls[0].unlink()
    prepared(workspace)
    originals = {photo.stored_name for photo in PreparedPhotos.read(workspace).photos}
    best_one = "c weak.jpg" if metadata else "b strong.jpg"
    assert originals == {best_one, "wall1_1.jpg", "wall1_2.jpg"}


def test_three_photos_each_sent_twice_are_three_photos(
    workspace: Workspace, walls: list[Path]
) -> None:
    for path in walls:
        with Image.open(path) as image:
            scaled(image, 0.5).save(workspace.upload / f"{path.stem}-half.jpg", quality=70)
    assert prepared(workspace).named("warn")[0][1]["count"] == 3
    assert set(digests(workspace)) == {path.name for path in walls}


def test_copies_do_not_count_as_photos(workspace: Workspace, walls: list[Path]) -> None:
    walls[2].unlink()
    with Image.open(walls[0]) as image:
        image.save(workspace.upload / "again.jpg", quality=50)
    with pytest.raises(UserError) as caught:
        prepared(workspace)
    assert caught.value.code == "photos_identical"
    assert caught.value.facts == {"total": 3, "distinct": 2}
    assert not workspace.photos.exists()


def test_copies_in_folders_of_two_cameras_are_found(
    workspace: Workspace, walls: list[Path]
) -> None:
    for folder in ("phone", "mail"):
        (workspace.upload / folder).mkdir()
    for path in walls:
        path.rename(workspace.upload / "phone" / path.name)
    with Image.open(workspace.upload / "phone" / "wall1_1.jpg") as image:
        image.save(workspace.upload / "mail" / "wall1_1.jpg", quality=40)
    prepared(workspace)
    assert copied_in(workspace) == {"mail/wall1_1.jpg": "phone/wall1_1.jpg"}


def test_a_stamp_on_a_copy_does_not_hide_it(photo: Image.Image) -> None:
    stamped = photo.copy()
    ImageDraw.Draw(stamped).text((5, 5), "1", fill="white")
    pictures = {"photo": copies.small(photo), "copy": copies.small(stamped)}
    assert copies.groups(pictures) == [["photo", "copy"]]


def test_small_pictures_of_odd_shapes_are_compared(photo: Image.Image) -> None:
    strip = photo.resize((700, 12))
    pictures = {"photo": copies.small(photo), "a": copies.small(strip), "b": copies.small(strip)}
    assert copies.groups(pictures) == []
    assert all(picture.dtype == np.uint8 for picture in pictures.values())


def test_fewer_photos_are_not_asked_for_than_the_settings_say(
    workspace: Workspace, walls: list[Path]
) -> None:
    walls[2].unlink()
    with Image.open(walls[0]) as image:
        image.save(workspace.upload / "again.jpg", quality=50)
    two = replace(QUICK, preflight=replace(QUICK.preflight, min_photos=2))
    assert preflight.run(workspace, two, ListReporter()) == {"total": 2}
