"""Which photos share a camera, by their metadata, and what model and focal length it starts from.

The EXIF is real, written by Pillow and read by the stages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recon.pipeline.config import PreflightConfig
from recon.pipeline.errors import UserError
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.photos import uploads
from recon.pipeline.photos.prepare import prepare, prepared_names
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import preflight
from recon.pipeline.workspace import Workspace
from recon.poses.cameras import CameraGroup, Photo, exif_focal, group, model_for

MAKE, MODEL, ORIENTATION, EXIF_IFD, GPS_IFD = 0x010F, 0x0110, 0x0112, 0x8769, 0x8825
FOCAL, FOCAL_35MM = 0x920A, 0xA405
PIXELS_ACROSS, PIXELS_DOWN, DIGITAL_ZOOM = 0xA002, 0xA003, 0xA404
BODY_SERIAL, LENS_MODEL, LENS_SERIAL = 0xA431, 0xA434, 0xA435
CONFIG = PreflightConfig(min_photos=1)
PHONE = {MAKE: "Somebody", MODEL: "Phone 5"}


def photo(
    path: Path, size: tuple[int, int] = (400, 300), base: Any = None, **details: Any
) -> Photo:
    """Writes a photo with this EXIF and prepares it; `details` are tags of the EXIF directory."""
    exif = Image.Exif()
    for tag, value in (base or {}).items():
        exif[tag] = value
    tags = {globals()[name]: value for name, value in details.items()}
    if tags:
        exif.get_ifd(EXIF_IFD).update(tags)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 150)).save(path, exif=exif)
    return prepare(path, path.parent / "out", path.name, CONFIG).for_poses


def cameras_of(photos: Sequence[Photo]) -> list[tuple[str, ...]]:
    return sorted(camera.names for camera in group(photos, shared=True))


# Which photos share one


def test_photos_by_one_phone_at_one_zoom_share_a_camera(tmp_path: Path) -> None:
    photos = [
        photo(tmp_path / name, base=PHONE, FOCAL_35MM=26, LENS_MODEL="back 1x")
        for name in ("a.jpg", "b.jpg", "c.jpg")
    ]
    [camera] = group(photos, shared=True)
    assert camera.names == ("a.jpg", "b.jpg", "c.jpg")
    assert camera.focal == pytest.approx(26 / 43.27 * 500, rel=0.01)


@pytest.mark.parametrize(
    "other",
    [
        {"base": PHONE, "FOCAL_35MM": 52},
        {"base": {**PHONE, MODEL: "Phone 6"}, "FOCAL_35MM": 26},
        {"base": {**PHONE, MAKE: "Another"}, "FOCAL_35MM": 26},
        {"base": PHONE, "FOCAL_35MM": 26, "LENS_MODEL": "front"},
        {"base": PHONE, "FOCAL_35MM": 26, "BODY_SERIAL": "0815"},
        {"base": PHONE, "FOCAL_35MM": 26, "LENS_SERIAL": "4711"},
        {"base": PHONE, "FOCAL_35MM": 26, "size": (480, 300)},
        {"base": {**PHONE, ORIENTATION: 6}, "FOCAL_35MM": 26},
        {"base": PHONE},
        {},
    ],
    ids=[
        "zoomed in", "another model", "another maker", "another lens", "another body's number",
        "another lens's number", "another size", "held upright", "focal length unknown",
        "no metadata",
    ],
)  # fmt: skip
def test_photos_that_differ_get_cameras_of_their_own(tmp_path: Path, other: dict[str, Any]) -> None:
    photos = [
        photo(tmp_path / "a.jpg", base=PHONE, FOCAL_35MM=26),
        photo(tmp_path / "b.jpg", base=PHONE, FOCAL_35MM=26),
        photo(tmp_path / "c.jpg", **other),
    ]
    assert cameras_of(photos) == [("a.jpg", "b.jpg"), ("c.jpg",)]


def test_two_phones_that_tell_no_focal_length_are_told_apart_by_their_models(
    tmp_path: Path,
) -> None:
    photos = [
        photo(tmp_path / f"{model}{index}.jpg", base={MAKE: "Somebody", MODEL: model})
        for model in "AB"
        for index in (1, 2)
    ]
    assert cameras_of(photos) == [("A1.jpg", "A2.jpg"), ("B1.jpg", "B2.jpg")]


def test_photos_with_metadata_and_photos_without_make_two_cameras(tmp_path: Path) -> None:
    photos = [photo(tmp_path / f"known{i}.jpg", base=PHONE, FOCAL_35MM=26) for i in (1, 2)]
    photos += [photo(tmp_path / f"bare{i}.jpg") for i in (1, 2)]
    known, bare = sorted(group(photos, shared=True), key=lambda camera: camera.focal is None)
    assert (known.names, bare.names) == (("known1.jpg", "known2.jpg"), ("bare1.jpg", "bare2.jpg"))
    assert known.focal is not None
    assert (bare.focal, bare.params()) == (None, None)


def test_upright_and_lying_photos_start_from_one_focal_length(tmp_path: Path) -> None:
    photos = [
        photo(tmp_path / "lying.jpg", base=PHONE, FOCAL_35MM=26),
        photo(tmp_path / "upright.jpg", base={**PHONE, ORIENTATION: 6}, FOCAL_35MM=26),
        photo(tmp_path / "upside_down.jpg", base={**PHONE, ORIENTATION: 3}, FOCAL_35MM=26),
    ]
    upright, lying = sorted(group(photos, shared=True), key=lambda camera: camera.width)
    assert (upright.width, upright.height) == (lying.height, lying.width) == (300, 400)
    assert upright.focal == lying.focal
    assert lying.names == ("lying.jpg", "upside_down.jpg")


def test_a_folder_is_a_camera_of_its_own(tmp_path: Path) -> None:
    photos = [Photo(f"{folder}_1.jpg", 400, 300, None, folder=folder) for folder in ("a", "b")]
    assert cameras_of(photos) == [("a_1.jpg",), ("b_1.jpg",)]


def test_within_a_folder_zooms_are_still_told_apart() -> None:
    photos = [Photo(f"{focal}.jpg", 400, 300, focal, folder="a") for focal in (300.0, 600.0)]
    assert len(group(photos, shared=True)) == 2


def test_sharing_can_be_switched_off_for_photos_of_one_camera(tmp_path: Path) -> None:
    photos = [photo(tmp_path / f"{i}.jpg", base=PHONE, FOCAL_35MM=14) for i in (2, 1)]
    cameras = group(photos, shared=False)
    assert [camera.names for camera in cameras] == [("1.jpg",), ("2.jpg",)]
    assert {camera.model for camera in cameras} == {"OPENCV_FISHEYE"}


# Photos that are no longer as the camera took them


@pytest.mark.parametrize(
    ("across", "down", "diagonal"),
    [
        (400, 300, 500),  # unchanged
        (4000, 3000, 500),  # made smaller
        (300, 400, 500),  # turned since
        (400, 400, 400 * 2**0.5),  # cut at top and bottom
        (800, 300, 730000**0.5),  # cut at the sides
        (300, 800, 730000**0.5),  # the same, turned since
        (0, 300, 500),  # nonsense
    ],
)
def test_a_cropped_photo_is_measured_by_the_size_that_it_had(
    tmp_path: Path, across: int, down: int, diagonal: float
) -> None:
    taken = photo(
        tmp_path / "a.jpg", base=PHONE, FOCAL_35MM=26, PIXELS_ACROSS=across, PIXELS_DOWN=down
    )
    assert taken.focal == pytest.approx(26 / 43.27 * diagonal, rel=1e-3)


def test_where_a_photo_was_cut_and_scaled_nothing_is_known(tmp_path: Path) -> None:
    taken = photo(tmp_path / "a.jpg", base=PHONE, FOCAL_35MM=26, PIXELS_ACROSS=200, PIXELS_DOWN=400)
    assert taken.focal is None


@pytest.mark.parametrize("nonsense", [0, float("nan"), "wide"])
def test_a_focal_length_that_is_no_number_is_none(tmp_path: Path, nonsense: Any) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (400, 300)).save(path)
    with Image.open(path) as image:
        image.getexif()[MAKE] = "Somebody"
        image.getexif().get_ifd(EXIF_IFD)[FOCAL_35MM] = nonsense
        assert exif_focal(path, image) is None


# What is kept of the metadata


def test_neither_serial_numbers_nor_places_are_kept(workspace: Workspace) -> None:
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = "Somebody", "Phone 5"
    exif.get_ifd(EXIF_IFD).update({BODY_SERIAL: "SECRET-0815", LENS_SERIAL: "SECRET-4711"})
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (52.0, 31.0, 0.0)})
    sent = workspace.upload / "a.jpg"
    Image.new("RGB", (400, 300)).save(sent, exif=exif)
    assert b"SECRET" in sent.read_bytes()
    config = replace(PRESETS["quick"], preflight=CONFIG)
    preflight.run(workspace, config, ListReporter())
    left = [p for p in workspace.root.rglob("*") if p.is_file() and p != sent]
    assert workspace.photos_json in left
    for path in left:
        assert not any(word in path.read_bytes() for word in (b"SECRET", b"Somebody", b"Phone 5"))
    [entry] = json.loads(workspace.photos_json.read_text())["photos"]
    assert set(entry) - {"digest"} == {
        "name", "stored_name", "width", "height", "focal", "device", "orientation", "ev100",
    }  # fmt: skip
    assert len(entry["device"]) == 12


# What a camera starts from


@pytest.mark.parametrize(
    ("focal_35mm", "model"),
    [
        (None, "SIMPLE_RADIAL"),
        (50, "SIMPLE_RADIAL"),
        (24, "SIMPLE_RADIAL"),
        (23, "RADIAL"),
        (18, "RADIAL"),
        (17, "OPENCV_FISHEYE"),
        (13, "OPENCV_FISHEYE"),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_wider_the_lens_the_more_it_may_bend(
    tmp_path: Path, focal_35mm: int | None, model: str, orientation: int
) -> None:
    details = {} if focal_35mm is None else {"FOCAL_35MM": focal_35mm}
    taken = photo(tmp_path / "a.jpg", base={**PHONE, ORIENTATION: orientation}, **details)
    [camera] = group([taken], shared=True)
    assert camera.model == model


def test_a_size_alone_says_nothing_of_the_lens() -> None:
    assert model_for(None, 4000, 3000) == "SIMPLE_RADIAL"


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("SIMPLE_RADIAL", [300.5, 200, 150, 0]),
        ("RADIAL", [300.5, 200, 150, 0, 0]),
        ("OPENCV_FISHEYE", [300.5, 300.5, 200, 150, 0, 0, 0, 0]),
    ],
)
def test_a_camera_starts_unbent_with_its_prior(model: str, params: list[float]) -> None:
    written = CameraGroup(("a.jpg",), 400, 300, 300.5, model).params()
    assert written is not None
    assert [float(value) for value in written.split(",")] == params


# Photos in folders


def in_folders(root: Path) -> list[Path]:
    for name in ("phone/1.jpg", "camera/1.jpg", "camera/2.jpg"):
        photo(root / name)
        (root / name).parent.joinpath("out").joinpath(Path(name).name).unlink()
    return uploads.photos_in(root)[0]


def test_folders_of_photos_are_taken_where_there_are_no_photos_beside_them(tmp_path: Path) -> None:
    photos = in_folders(tmp_path)
    (tmp_path / "camera" / "notes.txt").write_text("x")
    (tmp_path / ".hidden").mkdir()
    photo(tmp_path / ".hidden" / "3.jpg")
    found, others = uploads.photos_in(tmp_path)
    assert found == photos
    assert [p.relative_to(tmp_path).as_posix() for p in found] == [
        "camera/1.jpg", "camera/2.jpg", "phone/1.jpg",
    ]  # fmt: skip
    assert others == ["camera/notes.txt"]
    photo(tmp_path / "0.jpg")
    assert uploads.photos_in(tmp_path)[0] == [tmp_path / "0.jpg"]


def test_photos_keep_their_folders_and_get_names_and_cameras_by_them(
    tmp_path: Path, workspace: Workspace
) -> None:
    photos = in_folders(tmp_path / "sent")
    uploads.bring_in(photos, workspace, tmp_path / "sent")
    config = replace(PRESETS["quick"], preflight=CONFIG)
    before = preflight.inputs(workspace, config)
    preflight.run(workspace, config, ListReporter())
    prepared = PreparedPhotos.read(workspace).photos
    assert {p.stored_name: p.name for p in prepared} == {
        "camera/1.jpg": "camera_1.jpg",
        "camera/2.jpg": "camera_2.jpg",
        "phone/1.jpg": "phone_1.jpg",
    }
    assert cameras_of([p.for_poses for p in prepared]) == [
        ("camera_1.jpg", "camera_2.jpg"), ("phone_1.jpg",),
    ]  # fmt: skip
    uploads.bring_in(photos[:2], workspace, tmp_path / "sent")
    assert not (workspace.upload / "phone").exists()
    assert preflight.inputs(workspace, config) != before


def test_a_damaged_photo_in_a_folder_is_named_with_it(tmp_path: Path, workspace: Workspace) -> None:
    photos = in_folders(tmp_path / "sent")
    photos[1].write_bytes(b"not a photo")
    uploads.bring_in(photos, workspace, tmp_path / "sent")
    with pytest.raises(UserError, match=r"camera/2\.jpg"):
        preflight.run(workspace, PRESETS["quick"], ListReporter())


def test_names_of_two_folders_do_not_collide() -> None:
    names = prepared_names(["a/1.jpg", "a_1.jpg", "b c/1.jpg"])
    assert len(set(names.values())) == 3
    assert names["b c/1.jpg"] == "b_c_1.jpg"
