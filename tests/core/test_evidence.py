"""What the word is made of is measured at one size, whatever size a scene was trained at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.after_training.evidence import compare_small
from recon.pipeline.quality import SMALL

SIZE = (SMALL, 260)


def smooth_noise(seed: int) -> Image.Image:
    dots = np.random.default_rng(seed).integers(0, 256, (33, 50, 3), dtype=np.uint8)
    return Image.fromarray(dots).resize(SIZE, Image.Resampling.BICUBIC)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A photo, and a render that is like it in part."""
    photo, other = smooth_noise(1), smooth_noise(2)
    render, truth = tmp_path / "render.png", tmp_path / "photo.png"
    photo.save(truth)
    Image.blend(photo, other, 0.3).save(render)
    return render, truth


def test_a_larger_picture_of_the_same_is_as_good(files: tuple[Path, Path]) -> None:
    at_400 = compare_small(*files)
    assert 10 < at_400[0] < 40
    for path in files:
        with Image.open(path) as picture:
            picture.resize((3 * SIZE[0], 3 * SIZE[1]), Image.Resampling.NEAREST).save(path)
    assert compare_small(*files) == pytest.approx(at_400, abs=1e-4)


def test_fine_grain_that_nobody_sees_at_that_size_costs_little(files: tuple[Path, Path]) -> None:
    """At the full size it would: a small picture is easier to match."""
    render, truth = files
    with Image.open(truth) as picture:
        large = np.asarray(picture.resize((4 * SIZE[0], 4 * SIZE[1])), dtype=float)
    grain = np.random.default_rng(3).normal(0, 25, large.shape)
    Image.fromarray(large.round().astype(np.uint8)).save(truth)
    Image.fromarray((large + grain).clip(0, 255).round().astype(np.uint8)).save(render)
    psnr, ssim = compare_small(render, truth)
    assert psnr > 28
    assert ssim > 0.9


def test_another_exposure_is_no_fault_of_the_scene(files: tuple[Path, Path]) -> None:
    render, truth = files
    with Image.open(truth) as picture:
        darker = np.asarray(picture, dtype=float) * 0.6 + 20
    Image.fromarray(darker.round().astype(np.uint8)).save(render)
    assert compare_small(render, truth)[0] > 40
