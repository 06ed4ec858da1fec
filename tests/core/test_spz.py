"""SPZ, read back by another reader, and what happens if a scene can't be written as one."""

import gzip
import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gsply
import numpy as np
import pytest
import torch

from recon.splats.evaluation import draw
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.spz import SpzUnavailable, rotate_half_turn, write_spz
from tests.core.tiny_scene import tiny_camera, tiny_gaussians

TURN = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))


def read_back(gaussians: Gaussians, path: Path) -> Any:
    """The scene as gsply reads it, in the order of our Gaussians."""
    write_spz(gaussians, path)
    return gsply.read_spz(path)


@pytest.mark.parametrize("sh_degree", [0, 1, 2])
def test_another_reader_finds_the_same_gaussians(tmp_path: Path, sh_degree: int) -> None:
    gaussians = tiny_gaussians(200, sh_degree=sh_degree)
    found = read_back(gaussians, tmp_path / "scene.spz")
    expected = rotate_half_turn(gaussians)
    np.testing.assert_allclose(found.means, expected.means, atol=0.51 / 4096)
    np.testing.assert_allclose(found.scales, expected.scales, atol=0.51 / 16)
    opacities = 1 / (1 + np.exp(-found.opacities))
    np.testing.assert_allclose(opacities, expected.opacities.sigmoid(), atol=0.51 / 255)
    np.testing.assert_allclose(found.sh0, expected.sh0[:, 0], atol=0.51 / (0.15 * 255))
    quats = torch.nn.functional.normalize(expected.quats, dim=1).numpy()
    alike = np.abs((found.quats * quats).sum(axis=1))
    assert alike.min() > 0.99999  # half a degree; a quaternion and its negative are one rotation
    if sh_degree:
        np.testing.assert_allclose(found.shN[:, :3], expected.shN[:, :3], atol=4.6 / 128)
        np.testing.assert_allclose(found.shN, expected.shN, atol=8.6 / 128)


def test_it_is_version_3_which_browsers_read(tmp_path: Path) -> None:
    write_spz(tiny_gaussians(50, sh_degree=1), tmp_path / "scene.spz")
    raw = gzip.decompress((tmp_path / "scene.spz").read_bytes())
    magic, version, count, degree = struct.unpack("<4sIIB", raw[:13])
    assert (magic, version, count, degree) == (b"NGSP", 3, 50, 1)


@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
def test_half_a_turn_changes_no_picture(sh_degree: int) -> None:
    gaussians = tiny_gaussians(300, sh_degree=sh_degree)
    camera = tiny_camera(4)
    turned = Camera(camera.viewmat @ TURN, camera.K, camera.width, camera.height)
    before = draw(gaussians, camera)
    after = draw(rotate_half_turn(gaussians), turned)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)


def test_two_half_turns_lead_back() -> None:
    gaussians = tiny_gaussians(50, sh_degree=3)
    back = rotate_half_turn(rotate_half_turn(gaussians))
    torch.testing.assert_close(back.means, gaussians.means)
    torch.testing.assert_close(back.quats, -gaussians.quats)  # the same rotation
    torch.testing.assert_close(back.shN, gaussians.shN)


def test_gaussians_that_are_nowhere_are_left_out(tmp_path: Path) -> None:
    gaussians = tiny_gaussians(50)
    gaussians.means[3, 1] = float("nan")
    gaussians.opacities[9] = float("inf")
    assert len(read_back(gaussians, tmp_path / "scene.spz").means) == 48


def refused(gaussians: Gaussians, path: Path) -> str:
    with pytest.raises(SpzUnavailable) as caught:
        write_spz(gaussians, path)
    assert not path.exists()
    return str(caught.value)


def test_without_the_converter_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gaussforge", None)
    assert refused(tiny_gaussians(5), tmp_path / "a.spz") == "gaussforge is not installed here"


def test_a_converter_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def convert(self, *_: Any, **__: Any) -> dict[str, str]:
            return {"error": "ply read failed"}

    monkeypatch.setitem(sys.modules, "gaussforge", SimpleNamespace(GaussForge=Broken))
    assert refused(tiny_gaussians(5), tmp_path / "a.spz") == "ply read failed"


def test_positions_that_would_wrap_around_are_refused(tmp_path: Path) -> None:
    far = tiny_gaussians(50)
    far.means[7, 0] = -2100.0
    assert "further" in refused(far, tmp_path / "a.spz")


def test_a_scene_in_too_large_a_unit_is_refused(tmp_path: Path) -> None:
    small = tiny_gaussians(50)
    small.means *= 0.001
    small.scales -= 7
    assert "too small" in refused(small, tmp_path / "a.spz")


def test_an_empty_scene_is_refused(tmp_path: Path) -> None:
    assert "empty" in refused(tiny_gaussians(0), tmp_path / "a.spz")
