from pathlib import Path

import numpy as np
import pytest
import torch
from plyfile import PlyData

from recon.splats.formats import read_ply, read_splat, write_ply, write_points_ply, write_splat
from recon.splats.gaussians import Gaussians
from recon.splats.starting import SH_C0, Points
from tests.core.tiny_scene import tiny_gaussians


@pytest.mark.parametrize("sh_degree", [0, 1, 3])
def test_a_ply_reads_back_as_it_was_written(tmp_path: Path, sh_degree: int) -> None:
    gaussians = tiny_gaussians(50, sh_degree=sh_degree)
    gaussians.quats = torch.nn.functional.normalize(gaussians.quats, dim=1)
    assert write_ply(gaussians, tmp_path / "scene.ply") == 50
    back = read_ply(tmp_path / "scene.ply")
    for name, tensor in gaussians.named().items():
        torch.testing.assert_close(getattr(back, name), tensor, msg=name)


def test_another_reader_finds_the_3dgs_layout(tmp_path: Path) -> None:
    gaussians = tiny_gaussians(50, sh_degree=1)
    write_ply(gaussians, tmp_path / "scene.ply")
    ply = PlyData.read(tmp_path / "scene.ply")
    assert not ply.text
    assert ply.byte_order == "<"
    vertex = ply["vertex"]
    assert [p.name for p in vertex.properties] == [
        *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"),
        *(f"f_rest_{i}" for i in range(9)),
        *("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
    ]
    np.testing.assert_array_equal(vertex["y"], gaussians.means[:, 1])
    np.testing.assert_array_equal(vertex["f_dc_2"], gaussians.sh0[:, 0, 2])
    # Channel-major: three coefficients of red, then of green, then of blue.
    np.testing.assert_array_equal(vertex["f_rest_4"], gaussians.shN[:, 1, 1])
    np.testing.assert_array_equal(vertex["f_rest_8"], gaussians.shN[:, 2, 2])
    np.testing.assert_array_equal(vertex["opacity"], gaussians.opacities)
    quats = np.stack([vertex[f"rot_{i}"] for i in range(4)], axis=1)
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, rtol=1e-6)
    expected = torch.nn.functional.normalize(gaussians.quats, dim=1)
    np.testing.assert_allclose(quats, expected, rtol=1e-6)


def test_gaussians_that_are_nowhere_are_left_out_of_every_file(tmp_path: Path) -> None:
    gaussians = tiny_gaussians(50)
    gaussians.means[3, 1] = float("nan")
    gaussians.opacities[9] = float("inf")
    assert write_ply(gaussians, tmp_path / "scene.ply") == 48
    assert write_splat(gaussians, tmp_path / "scene.splat") == 48
    assert len(read_ply(tmp_path / "scene.ply")) == 48
    assert len(read_splat(tmp_path / "scene.splat")) == 48


def test_an_empty_scene_is_a_legal_file(tmp_path: Path) -> None:
    nothing = tiny_gaussians(0)
    write_ply(nothing, tmp_path / "scene.ply")
    write_splat(nothing, tmp_path / "scene.splat")
    assert len(read_ply(tmp_path / "scene.ply")) == 0
    assert len(read_splat(tmp_path / "scene.splat")) == 0


def test_another_ply_is_refused(tmp_path: Path) -> None:
    write_points_ply(Points(np.zeros((3, 3)), np.zeros((3, 3))), tmp_path / "points.ply")
    with pytest.raises(ValueError, match=r"points\.ply"):
        read_ply(tmp_path / "points.ply")


def test_a_ply_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.ply"
    write_ply(tiny_gaussians(50), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scene\.ply"):
        read_ply(path)


def test_a_splat_has_32_bytes_per_gaussian_with_activated_values(tmp_path: Path) -> None:
    gaussians = tiny_gaussians(50)
    write_splat(gaussians, tmp_path / "scene.splat")
    assert (tmp_path / "scene.splat").stat().st_size == 50 * 32
    for record in read_splat(tmp_path / "scene.splat"):
        index = int((gaussians.means - torch.tensor(record["position"])).norm(dim=1).argmin())
        np.testing.assert_array_equal(record["position"], gaussians.means[index])
        np.testing.assert_allclose(record["scales"], gaussians.scales[index].exp(), rtol=1e-6)
        colour = (0.5 + SH_C0 * gaussians.sh0[index, 0]).clamp(0, 1)
        alpha = gaussians.opacities[index].sigmoid()
        expected = torch.cat([colour, alpha[None]]) * 255
        np.testing.assert_allclose(record["rgba"], expected, atol=0.51)
        quat = torch.nn.functional.normalize(gaussians.quats[index], dim=0)
        found = (record["quat"].astype(float) - 128) / 128
        np.testing.assert_allclose(found, quat, atol=0.009)


def test_a_splat_shows_the_big_shapes_first(tmp_path: Path) -> None:
    write_splat(tiny_gaussians(200), tmp_path / "scene.splat")
    records = read_splat(tmp_path / "scene.splat")
    weights = records["scales"].prod(axis=1) * records["rgba"][:, 3]
    assert (weights[:-1] >= weights[1:] * 0.99).all()  # opacities are rounded to 1/255


def test_starting_points_are_a_coloured_point_cloud(tmp_path: Path) -> None:
    points = Points(np.array([[1.0, 2.0, 3.0]]), np.array([[0.2, 0.4, 1.0]]))
    write_points_ply(points, tmp_path / "input.ply")
    vertex = PlyData.read(tmp_path / "input.ply")["vertex"]
    assert [float(vertex[name][0]) for name in "xyz"] == [1.0, 2.0, 3.0]
    assert [int(vertex[name][0]) for name in ("red", "green", "blue")] == [51, 102, 255]


def test_files_come_from_any_device_and_from_parameters(tmp_path: Path) -> None:
    parameters = Gaussians(
        **{n: torch.nn.Parameter(t) for n, t in tiny_gaussians(5).named().items()}
    )
    assert write_ply(parameters, tmp_path / "scene.ply") == 5
    assert write_splat(parameters, tmp_path / "scene.splat") == 5
