"""The front page's demo scene: small, made from the sample photos, and as good as it claims."""

from __future__ import annotations

import gzip
import json
from typing import Any

import gsply
import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image

from recon.pipeline.quality import EXCELLENT, GOOD, Evidence, verdict_of
from recon.splats.evaluation import draw
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import psnr, ssim
from recon.splats.spz import rotate_half_turn
from scripts import demo_scene
from tests.photos import rendered_photos

MOST_BYTES = 150_000
AGAIN = "scripts/demo_scene.py makes the scene anew"


def read_demo(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((demo_scene.OUT / name).read_text())
    return content


@pytest.fixture(scope="module")
def gaussians() -> Gaussians:
    found = gsply.read_spz(demo_scene.OUT / "scene.spz")
    count = len(found.means)
    return rotate_half_turn(
        Gaussians(
            means=torch.tensor(found.means),
            quats=torch.tensor(found.quats),
            scales=torch.tensor(found.scales),
            opacities=torch.tensor(found.opacities),
            sh0=torch.tensor(found.sh0).reshape(count, 1, 3),
            shN=torch.zeros(count, 0, 3),
        )
    )


def camera_of(view: dict[str, Any], width: int) -> Camera:
    viewmat = torch.eye(4)
    viewmat[:3] = torch.tensor(view["cam_from_world"])
    lens = torch.tensor(
        [[view["fx"], 0.0, view["cx"]], [0.0, view["fy"], view["cy"]], [0.0, 0.0, 1.0]]
    )
    height = round(width * view["height"] / view["width"])
    return Camera(viewmat, lens, view["width"], view["height"]).resized(width, height)


def undistorted(photo: Image.Image, view: dict[str, Any], lens: dict[str, Any]) -> Image.Image:
    """The photo as the run saw it: without the lens's distortion, at the [height, width] of
    `view`."""
    rows, columns = np.mgrid[: view["height"], : view["width"]] + 0.5
    rays = np.stack(
        [(columns - view["cx"]) / view["fx"], (rows - view["cy"]) / view["fy"], np.ones_like(rows)],
        axis=-1,
    )
    camera = pycolmap.Camera(**lens)
    places = np.asarray(camera.img_from_cam(rays.reshape(-1, 3))).reshape(*rows.shape, 2)
    size = np.array([lens["width"], lens["height"]])
    grid = torch.tensor(2 * places / size - 1, dtype=torch.float32)
    picture = torch.tensor(np.asarray(photo.convert("RGB")), dtype=torch.float32)
    sampled = torch.nn.functional.grid_sample(
        picture.permute(2, 0, 1)[None], grid[None], padding_mode="border", align_corners=False
    )
    return Image.fromarray(sampled[0].permute(1, 2, 0).round().byte().numpy())


@pytest.mark.slow
def test_its_figures_can_be_measured_again(gaussians: Gaussians) -> None:
    """On the held-out photos, rendered again. Its file is rounded more coarsely than the run's."""
    facts, views = read_demo("facts.json"), read_demo("views.json")
    photos = rendered_photos()
    assert len(views["held_out"]) == facts["conditions"]["held_out"] >= 2
    measured = []
    for number in views["held_out"]:
        view = views["views"][number]
        camera = camera_of(view, facts["conditions"]["max_image_size"])
        with Image.open(photos[number]) as photo:
            whole = undistorted(photo, view, facts["lens"])
        small = whole.resize((camera.width, camera.height), Image.Resampling.BOX)
        truth = torch.tensor(np.asarray(small), dtype=torch.float32) / 255
        picture = draw(gaussians, camera)
        measured.append((psnr(picture, truth), float(ssim(picture, truth))))
    found = np.mean(measured, axis=0)
    assert found[0] == pytest.approx(facts["figures"]["psnr"], abs=0.5), AGAIN
    assert found[1] == pytest.approx(facts["figures"]["ssim"], abs=0.02), AGAIN


def test_it_is_a_good_scene() -> None:
    facts = read_demo("facts.json")
    figures, count = facts["figures"], len(read_demo("views.json")["views"])
    evidence = Evidence(
        psnr=figures["psnr_corrected"],
        ssim=figures["ssim_corrected"],
        registered=figures["registered"],
        total=count,
    )
    assert verdict_of(evidence).word in (GOOD, EXCELLENT)
    assert not facts["figures"]["refined"], "refined with its held-out photos, it can't be measured"


def test_it_is_small_enough_for_a_front_page(gaussians: Gaussians) -> None:
    assert (demo_scene.OUT / "scene.spz").stat().st_size < MOST_BYTES
    assert (demo_scene.OUT / "poster.webp").stat().st_size < MOST_BYTES / 3
    assert len(gaussians) == read_demo("facts.json")["figures"]["gaussian_count"] > 5000


def test_coarser_steps_move_nothing_by_more_than_one(gaussians: Gaussians) -> None:
    """Rounding again, with neighbours already together, changes nothing."""
    file = (demo_scene.OUT / "scene.spz").read_bytes()
    again = demo_scene.coarsen(file)
    assert gzip.decompress(again) == gzip.decompress(file)


def test_the_start_is_upright_and_photos_were_taken_on_both_sides() -> None:
    turns, views = read_demo("facts.json")["turns"], read_demo("views.json")["views"]
    least, most = turns["arc"]
    assert -1.5 < least < -0.3 < 0.3 < most < 1.5
    up = np.array(turns["view"]["up"])
    assert np.linalg.norm(up) == pytest.approx(1, abs=1e-3)
    for view in views:
        right, down, _ = np.array(view["cam_from_world"])[:, :3]
        assert abs(right @ up) < 0.02, "the photographer held the camera level"
        assert down @ up < -0.9
