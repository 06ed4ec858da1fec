"""COLMAP's model and features as the site reads them for its pictures: the same as pycolmap's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recon.pipeline.workspace import Workspace
from recon.poses.colmap import databases
from recon.poses.colmap.sparse_model import read_sparse


def test_points_and_cameras_are_those_that_pycolmap_reads(finished_workspace: Workspace) -> None:
    import pycolmap

    theirs = pycolmap.Reconstruction(finished_workspace.sparse)
    ours = read_sparse(finished_workspace.sparse)
    assert len(ours.points) == len(ours.colours) == len(ours.seen) == theirs.num_points3D()
    assert sorted(map(tuple, ours.points)) == sorted(tuple(p.xyz) for p in theirs.points3D.values())
    assert sum(ours.seen) == sum(p.track.length() for p in theirs.points3D.values())
    images = {image.name: image for image in theirs.images.values()}
    assert [photo.name for photo in ours.photos] == sorted(images)
    for photo in ours.photos:
        image = images[photo.name]
        camera = theirs.cameras[image.camera_id]
        assert (photo.width, photo.height) == (camera.width, camera.height)
        assert photo.fy == camera.focal_length_y
        np.testing.assert_allclose(photo.position, image.projection_center(), atol=1e-9)
        np.testing.assert_allclose(
            photo.rotation, image.cam_from_world().rotation.matrix(), atol=1e-9
        )


def test_every_camera_model_has_as_many_parameters_as_pycolmap_says(tmp_path: Path) -> None:
    import pycolmap

    for number in range(17):
        model = pycolmap.Reconstruction()
        camera = pycolmap.Camera.create_from_model_id(
            1, pycolmap.CameraModelId(number), 300, 400, 200
        )
        model.add_camera_with_trivial_rig(camera)
        folder = tmp_path / str(number)
        folder.mkdir()
        model.write(folder)
        from recon.poses.colmap.sparse_model import _read_cameras

        focal = camera.params[1 if len(camera.focal_length_idxs()) > 1 else 0]
        assert _read_cameras(folder / "cameras.bin") == {1: (400, 200, focal)}


def test_a_cut_off_model_raises_a_value_error(
    finished_workspace: Workspace, tmp_path: Path
) -> None:
    for file in finished_workspace.sparse.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:-3])
    with pytest.raises(ValueError, match="no model"):
        read_sparse(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_sparse(tmp_path / "nowhere")


def test_keypoints_are_those_in_the_database(finished_workspace: Workspace) -> None:
    import pycolmap

    counts = databases.count_descriptors(finished_workspace.database)
    name = next(iter(counts))
    ours = databases.keypoints(finished_workspace.database, name)
    with pycolmap.Database.open(finished_workspace.database) as content:
        theirs = content.read_keypoints(content.read_image_with_name(name).image_id)
    np.testing.assert_array_equal(ours[:, :2], theirs[:, :2])
    assert (ours[:, 2] > 0).all()
    assert databases.keypoints(finished_workspace.database, "nobody.jpg").shape == (0, 3)
