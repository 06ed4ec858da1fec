"""The sample sets are as described: lenses bend as COLMAP's do, cameras write their EXIF, and
estimated poses are compared with the true ones."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from recon.samples import SETS, pose_errors, read_poses, write_photos, write_truth
from recon.samples.cameras import STRAIGHT, Lens, intrinsics
from recon.samples.photos import SamplePhoto, render
from recon.samples.sets import BARREL, FISHEYE

pytestmark = pytest.mark.slow

TINY = (160, 120)  # px
ORIENTATION, MODEL, EXIF_IFD, FOCAL_35MM = 0x0112, 0x0110, 0x8769, 0xA405


@pytest.mark.parametrize("lens", [BARREL, FISHEYE, Lens("RADIAL", (0.1, 0.0))])
def test_a_lens_bends_as_colmaps_camera_does(lens: Lens) -> None:
    import pycolmap

    parameters = {"RADIAL": [100.0, 0, 0], "OPENCV_FISHEYE": [100.0, 100.0, 0, 0]}[lens.model]
    camera = pycolmap.Camera(
        model=lens.model, width=640, height=480, params=[*parameters, *lens.distortion]
    )
    tangents = np.linspace(0.05, 1.6, 9)
    rays = np.stack([tangents, np.zeros(9), np.ones(9)], axis=1)
    expected = np.asarray(camera.img_from_cam(rays))[:, 0]
    assert lens.bend(tangents) * 100 == pytest.approx(expected)
    assert lens.straighten(lens.bend(tangents)) == pytest.approx(tangents, rel=1e-6)


def test_a_lens_has_an_edge_that_no_ray_arrives_beyond() -> None:
    with pytest.raises(ValueError, match="no ray that arrives at 2"):
        Lens("RADIAL", (-0.3, 0.0)).straighten(np.array([0.1, 2.0]))


@pytest.mark.parametrize("lens", [BARREL, FISHEYE])
def test_a_bent_picture_is_the_straight_one_moved(lens: Lens) -> None:
    """What a straight lens shows in one place is found where this lens bends its ray to."""
    size, K = (320, 240), intrinsics((320, 240), 17)
    surfaces, pose = SETS["corner"].place(), SETS["corner"].walk(4, 10)
    straight, bent = (
        np.asarray(
            render(surfaces, SamplePhoto("", pose, K, kind), size).filter(ImageFilter.BoxBlur(1)),
            float,
        )
        for kind in (STRAIGHT, lens)
    )
    rows, columns = np.mgrid[20:220, 30:290]
    x, y = (columns + 0.5 - K[0, 2]) / K[0, 0], (rows + 0.5 - K[1, 2]) / K[1, 1]
    r = np.hypot(x, y)
    arrives = lens.bend(r) / r
    to = [
        np.floor(value * arrives * K[i, i] + K[i, 2]).astype(int) for i, value in ((1, y), (0, x))
    ]
    moved = np.abs(bent[to[0], to[1]] - straight[rows, columns]).mean()
    unmoved = np.abs(bent[rows, columns] - straight[rows, columns]).mean()
    assert moved < 6
    assert unmoved > 3 * moved


def test_a_phone_held_upright_stores_the_photo_lying(tmp_path: Path) -> None:
    write_photos(tmp_path, 2, TINY, "upright")
    sizes, orientations = [], []
    for path in sorted(tmp_path.iterdir()):
        with Image.open(path) as picture:
            sizes.append(picture.size)
            orientations.append(picture.getexif().get(ORIENTATION))
    assert sizes == [TINY, TINY]
    assert orientations == [None, 6]


def test_cameras_write_what_they_are_and_how_they_zoom(tmp_path: Path) -> None:
    def told(name: str) -> list[tuple[Any, Any]]:
        write_photos(tmp_path / name, 2, TINY, name)
        found = []
        for path in sorted((tmp_path / name).iterdir()):
            with Image.open(path) as picture:
                exif = picture.getexif()
                found.append((exif.get(MODEL), exif.get_ifd(EXIF_IFD).get(FOCAL_35MM)))
        return found

    assert told("zooms") == [("Sample camera", 24), ("Sample camera", 40)]
    assert told("phones") == [("Phone A", None), ("Phone B", None)]


def test_a_bare_wall_has_nothing_but_noise(tmp_path: Path) -> None:
    write_photos(tmp_path, 1, TINY, "blank")
    with Image.open(tmp_path / "photo_01.jpg") as picture:
        pixels = np.asarray(picture).astype(float)
    assert 0.5 < pixels.std(axis=(0, 1)).max() < 4


def test_a_panorama_is_taken_from_one_spot_and_overlaps() -> None:
    panorama = SETS["panorama"]
    poses = [panorama.walk(index, panorama.count) for index in range(panorama.count)]
    eyes = np.stack([-pose[:, :3].T @ pose[:, 3] for pose in poses])
    assert np.ptp(eyes, axis=0).max() < 1e-9
    turns = [np.degrees(np.arccos(a[2, :3] @ b[2, :3])) for a, b in pairwise(poses)]
    assert 5 < min(turns) <= max(turns) < 20


def spread_poses(count: int = 8) -> dict[str, NDArray[np.float64]]:
    orbit = SETS["orbit"]
    return {f"{index}.jpg": orbit.walk(index, count) for index in range(count)}


def test_the_truth_survives_its_file(tmp_path: Path) -> None:
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    poses = spread_poses()
    write_truth([SamplePhoto(n, p, K, BARREL) for n, p in poses.items()], tmp_path / "t.json")
    for name, pose in read_poses(tmp_path / "t.json").items():
        assert pose == pytest.approx(poses[name], abs=1e-12)
    entry = json.loads((tmp_path / "t.json").read_text())["photos"][0]
    assert (entry["width"], entry["height"]) == (640, 480)
    assert entry["camera"]["model"] == "RADIAL"
    assert entry["camera"]["distortion"] == list(BARREL.distortion)


def test_a_model_that_only_lies_elsewhere_has_no_errors() -> None:
    truth = spread_poses()
    turn = SETS["orbit"].walk(3, 8)[:, :3]
    found = {
        name: np.hstack([pose[:, :3] @ turn.T, 2.5 * (pose[:, 3:] - pose[:, :3] @ [[1], [2], [3]])])
        for name, pose in truth.items()
    }
    errors = pose_errors(found, truth)
    assert errors.rotations.max() < 1e-6
    assert errors.positions.max() < 1e-9


def test_errors_are_degrees_and_parts_of_the_scene() -> None:
    truth = spread_poses()
    eyes = np.stack([-pose[:, :3].T @ pose[:, 3] for pose in truth.values()])
    size = np.linalg.norm(np.ptp(eyes, axis=0))
    found = {name: pose.copy() for name, pose in truth.items()}
    pitch = np.radians(2.0)
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    found["3.jpg"] = nod @ found["3.jpg"]  # turned about its own centre
    found["5.jpg"][0, 3] += 0.1 * size  # moved
    del found["7.jpg"]  # not placed
    errors = pose_errors(found, truth)
    assert len(errors.rotations) == 7
    assert errors.rotations.max() == pytest.approx(2.0, abs=1.5)
    assert np.argmax(errors.positions) == 5
    assert errors.positions[5] == pytest.approx(0.1, abs=0.03)
