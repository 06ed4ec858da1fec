"""The COLMAP model as a zip, read back by pycolmap."""

import zipfile
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from recon.pipeline.after_training.model_archive import write_model_archive
from recon.pipeline.workspace import Workspace


@pytest.fixture
def archive(finished_workspace: Workspace, tmp_path: Path) -> Path:
    path = tmp_path / "model.zip"
    write_model_archive(finished_workspace.sparse, finished_workspace.photos, path)
    return path


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        file.extractall(tmp_path / "there")
    return tmp_path / "there"


@pytest.mark.reconstruction
def test_colmap_reads_the_same_model(finished_workspace: Workspace, unpacked: Path) -> None:
    found = pycolmap.Reconstruction(unpacked / "sparse" / "0")
    truth = pycolmap.Reconstruction(finished_workspace.sparse)
    assert found.num_reg_images() == truth.num_reg_images() > 0
    assert found.num_points3D() == truth.num_points3D() > 0
    assert found.compute_mean_reprojection_error() < 2
    for number in truth.reg_image_ids():
        assert found.image(number).name == truth.image(number).name
        np.testing.assert_array_equal(
            found.image(number).cam_from_world().matrix(),
            truth.image(number).cam_from_world().matrix(),
        )
        np.testing.assert_array_equal(
            found.image(number).camera.params, truth.image(number).camera.params
        )


@pytest.mark.reconstruction
def test_the_layout_is_the_one_that_other_programs_look_for(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    assert {f"sparse/0/{name}.bin" for name in ("cameras", "images", "points3D")} <= names
    assert "README.txt" in names
    assert all(name == "README.txt" or name.startswith("sparse/0/") for name in names)


@pytest.mark.reconstruction
def test_the_readme_names_every_photo_and_the_conventions(
    finished_workspace: Workspace, unpacked: Path
) -> None:
    text = (unpacked / "README.txt").read_text()
    for photo in finished_workspace.photos.iterdir():
        assert f"  {photo.name}" in text
    assert "480 x 360 px" in text
    for said in ("camera-from-world", "x right, y down, z forward", "(0.5, 0.5)", "w, x, y, z"):
        assert said in text


@pytest.mark.reconstruction
def test_photos_without_a_place_are_named_apart(
    finished_workspace: Workspace, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for photo in finished_workspace.photos.iterdir():
        (photos / photo.name).write_bytes(b"")
    (photos / "zz_stranger.jpg").write_bytes(b"")
    path = tmp_path / "model.zip"
    write_model_archive(finished_workspace.sparse, photos, path)
    with zipfile.ZipFile(path) as file:
        _, _, apart = file.read("README.txt").decode().partition("Photos without a place (1)\n")
    assert apart.strip() == "zz_stranger.jpg"


@pytest.mark.reconstruction
def test_the_same_model_is_the_same_file(
    finished_workspace: Workspace, archive: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.zip"
    write_model_archive(finished_workspace.sparse, finished_workspace.photos, again)
    assert again.read_bytes() == archive.read_bytes()


def test_without_a_model_there_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_model_archive(tmp_path / "none", tmp_path, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
