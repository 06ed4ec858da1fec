"""What a photo's EXIF says of its exposure, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from recon.pipeline.after_training.scoring import exposure_values
from recon.pipeline.config import PreflightConfig
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.photos.prepare import PreparedPhoto, prepare
from recon.pipeline.workspace import Workspace
from recon.poses import exif
from recon.splats.scene import Model, PosedPhoto
from tests.core.tiny_scene import tiny_camera

_SECONDS, _F_NUMBER, _ISO, _SHUTTER_SPEED, _APERTURE = 0x829A, 0x829D, 0x8827, 0x9201, 0x9202
SUNNY = {_SECONDS: 1 / 128, _F_NUMBER: 16.0, _ISO: 100}  # the rule of every camera's leaflet


def photo_with(path: Path, tags: dict[int, object]) -> Path:
    """A JPEG with these tags about the shot."""
    image = Image.new("RGB", (400, 300), "teal")
    written = image.getexif()
    written.get_ifd(exif.EXIF_IFD).update(tags)
    image.save(path, exif=written)
    return path


def value_of(path: Path) -> float | None:
    with Image.open(path) as image:
        return exif.exposure_value(image)


@pytest.mark.parametrize(
    ("tags", "value"),
    [
        (SUNNY, 15.0),
        ({**SUNNY, _ISO: 200}, 14.0),
        ({**SUNNY, _SECONDS: 1 / 256}, 16.0),
        ({_SHUTTER_SPEED: 7.0, _APERTURE: 8.0, _ISO: 100}, 15.0),  # as logs
        ({**SUNNY, _ISO: (100, 100)}, 15.0),
    ],
)
def test_the_exposure_value_counts_halvings_of_the_light(
    tmp_path: Path, tags: dict[int, object], value: float
) -> None:
    assert value_of(photo_with(tmp_path / "a.jpg", tags)) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        *({tag: value for tag, value in SUNNY.items() if tag != missing} for missing in SUNNY),
        {**SUNNY, _ISO: 0},
        {**SUNNY, _ISO: 65535},  # more than the field holds
        {_SHUTTER_SPEED: 0.0, _APERTURE: 0.0, _ISO: 100},  # a lens without contacts
        {**SUNNY, _SECONDS: 1e-9},  # nonsense: brighter than the sun
        {**SUNNY, _SECONDS: 1e7},
        {_SHUTTER_SPEED: 1e6, _APERTURE: -1e6, _ISO: 100},
    ],
)
def test_what_is_missing_or_nonsense_is_not_guessed(
    tmp_path: Path, tags: dict[int, object]
) -> None:
    assert value_of(photo_with(tmp_path / "a.jpg", tags)) is None


@pytest.mark.parametrize("tag", [*SUNNY, _SHUTTER_SPEED, _APERTURE])
@pytest.mark.parametrize(
    "value",
    [IFDRational(0, 0), IFDRational(1, 0), float("nan"), float("inf"), -1.0, 10**400, "x", b"x",
     (), ("x",), None],
)  # fmt: skip
def test_nothing_that_metadata_can_hold_raises(
    monkeypatch: pytest.MonkeyPatch, tag: int, value: object
) -> None:
    given = {tag: value, **{other: SUNNY[other] for other in SUNNY if other != tag}}
    monkeypatch.setattr(exif, "details_of", lambda image: given)
    found = exif.exposure_value(Image.new("L", (1, 1)))
    assert found is None or tag not in SUNNY


def test_a_prepared_photo_keeps_the_value_and_no_metadata(tmp_path: Path) -> None:
    sent = photo_with(tmp_path / "a.jpg", SUNNY)
    made = prepare(sent, tmp_path, "b.jpg", PreflightConfig())
    assert made.ev100 == pytest.approx(15.0, abs=0.01)
    with Image.open(tmp_path / "b.jpg") as image:
        assert not exif.details_of(image)


def values_of(folder: Path, *photos: tuple[str, str | None, float | None]) -> dict[str, float]:
    """The values of `MODEL` where a job has these photos: name, device, EV100."""
    workspace = Workspace(folder)
    workspace.photos_json.parent.mkdir(parents=True)
    prepared = tuple(
        PreparedPhoto(name, name, 60, 40, None, "0f", device, ev100=ev100)
        for name, device, ev100 in photos
    )
    PreparedPhotos(photos=prepared).write(workspace)
    return exposure_values(workspace, MODEL)


def posed(name: str) -> PosedPhoto:
    return PosedPhoto(name, tiny_camera(0), np.empty((0, 2)), np.empty(0, np.int64))


MODEL = Model([posed("a.jpg")], [posed("b.jpg")])


def test_values_are_those_of_one_camera(tmp_path: Path) -> None:
    one = ("a.jpg", "phone", 12.0), ("b.jpg", "phone", None), ("c.jpg", "other", 9.0)
    assert values_of(tmp_path / "1", *one) == {"a.jpg": 12.0}  # c.jpg is not in the model
    assert values_of(tmp_path / "2", one[0], ("b.jpg", "other", 13.0)) == {}
    assert exposure_values(Workspace(tmp_path / "3"), MODEL) == {}
