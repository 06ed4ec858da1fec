import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from recon.pipeline.workspace import Workspace
from recon.splats.gaussians import Camera
from recon.splats.scene import (
    Model,
    load_view,
    read_model,
    scene_extent,
    train_tracks,
)
from recon.splats.starting_points import (
    MIN_POINTS,
    Points,
    gaussians_from_points,
    sparse_points,
    starting_points,
)
from recon.splats.triangulation import Tracks, triangulate
from tests.core.tiny_scene import (
    HEIGHT,
    NAMES,
    TEST,
    TRAIN,
    WIDTH,
    project,
    tiny_camera,
    tiny_gaussians,
    write_tiny_workspace,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return write_tiny_workspace(tmp_path)


def read(workspace: Workspace) -> Model:
    return read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)


def start(workspace: Workspace) -> Points:
    model = read(workspace)
    views = [load_view(photo, workspace.images, None) for photo in model.train]
    return starting_points(sparse_points(model.train), model.train, views, 0)


def test_the_model_is_read_as_it_was_written(workspace: Workspace) -> None:
    model = read(workspace)
    assert [photo.name for photo in model.train] == TRAIN
    assert [photo.name for photo in model.test] == TEST
    assert [photo.name for photo in model.photos] == NAMES
    for index, photo in enumerate(model.photos):
        camera = tiny_camera(index)
        torch.testing.assert_close(photo.camera.viewmat, camera.viewmat)
        torch.testing.assert_close(photo.camera.K, camera.K)
        assert (photo.camera.width, photo.camera.height) == (WIDTH, HEIGHT)
        assert photo.point_ids[0] == -1
        assert len(photo.xys) == len(photo.point_ids) > 100


def test_a_photo_without_observations_is_read_too(workspace: Workspace) -> None:
    path = workspace.undistorted_sparse / "images.txt"
    lines = path.read_text().split("\n")
    lines[2] = ""  # the observations of the first photo
    path.write_text("\n".join(lines))
    first, second = read(workspace).photos[:2]
    assert len(first.xys) == 0
    assert len(second.xys) > 100


def test_a_camera_with_distortion_is_refused(workspace: Workspace) -> None:
    (workspace.undistorted_sparse / "cameras.txt").write_text("1 SIMPLE_RADIAL 60 40 54 30 20 0\n")
    with pytest.raises(ValueError, match="SIMPLE_RADIAL"):
        read(workspace)


def test_a_photo_shrinks_by_averaging_and_its_camera_with_it(workspace: Workspace) -> None:
    photo = read(workspace).train[0]
    view = load_view(photo, workspace.images, WIDTH // 2)
    full = load_view(photo, workspace.images, None)
    assert view.image.shape == (HEIGHT // 2, WIDTH // 2, 3)
    means = full.colours.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(dim=(1, 3))
    torch.testing.assert_close(view.colours, means, atol=1.01 / 255, rtol=0)
    torch.testing.assert_close(view.camera.K[:2], full.camera.K[:2] / 2)


def test_the_extent_is_that_of_the_cameras() -> None:
    cameras = [tiny_camera(index) for index in (0, 2, 4)]  # 0.6 apart, along x
    assert scene_extent(cameras) == pytest.approx(1.1 * 0.6)


def test_points_are_triangulated_where_they_are(workspace: Workspace) -> None:
    points = start(workspace)
    truth = tiny_gaussians().means.numpy()
    distances = np.linalg.norm(points.xyz[:, None] - truth[None], axis=2).min(axis=1)
    known = distances < 1e-4
    assert known[:200].all()  # triangulated ones come first, guesses after them


def test_noise_in_the_pixels_is_averaged_out() -> None:
    rng = np.random.default_rng(0)
    cameras = [tiny_camera(index, 600, 400) for index in range(6)]
    means = tiny_gaussians(100).means.double().numpy()
    exact = np.concatenate([project(means, camera) for camera in cameras])
    tracks = Tracks(
        points=np.tile(np.arange(100), 6),
        views=np.repeat(np.arange(6), 100),
        xys=exact + rng.normal(scale=0.5, size=exact.shape),
    )
    found, errors = triangulate(tracks, cameras)
    # The minimum of the reprojection error: no random step away from it makes it smaller.
    assert np.linalg.norm(found - means, axis=1).mean() < 0.02

    def squares(points: np.ndarray) -> np.ndarray:
        xys = np.stack([project(points, camera) for camera in cameras])
        return ((xys - tracks.xys.reshape(6, 100, 2)) ** 2).sum(axis=(0, 2))

    for _ in range(10):
        assert (squares(found) <= squares(found + rng.normal(scale=1e-3, size=found.shape))).all()
    assert 0.3 < errors.mean() < 1.0


def test_a_point_behind_its_cameras_has_no_place() -> None:
    cameras = [tiny_camera(0), tiny_camera(5)]
    behind = np.array([[0.0, 0.0, -20.0]])
    tracks = Tracks(
        points=np.array([0, 0]),
        views=np.array([0, 1]),
        xys=np.concatenate([project(behind, camera) for camera in cameras]),
    )
    assert np.isinf(triangulate(tracks, cameras)[1]).all()


def test_points_seen_by_one_train_photo_are_left_out(workspace: Workspace) -> None:
    tracks = train_tracks(read(workspace).train)
    assert (np.bincount(tracks.points) >= 2).all()
    assert tracks.point_count < 300
    assert set(tracks.views) == set(range(len(TRAIN)))


def test_observations_that_disagree_make_no_point(workspace: Workspace) -> None:
    before = exact(start(workspace))
    path = workspace.undistorted_sparse / "images.txt"
    lines = path.read_text().split("\n")
    for index in (2, 4):  # two of the train photos observe everything in the wrong place
        lines[index] = re.sub(
            r"(\S+) (\S+) (\d+)\b", lambda m: f"{float(m[1]) + 9} {60 - float(m[2])} {m[3]}",
            lines[index],
        )  # fmt: skip
    path.write_text("\n".join(lines))
    assert exact(start(workspace)) < before / 2


def test_points_have_the_colours_of_the_train_photos(workspace: Workspace) -> None:
    for name in TRAIN:
        Image.new("RGB", (WIDTH, HEIGHT), (51, 102, 204)).save(workspace.images / name)
    np.testing.assert_allclose(start(workspace).rgb, [[0.2, 0.4, 0.8]] * len(start(workspace)))


def test_a_test_photo_changes_nothing(workspace: Workspace) -> None:
    before = start(workspace)
    spoil_test_photo(workspace)
    after = start(workspace)
    np.testing.assert_array_equal(before.xyz, after.xyz)
    np.testing.assert_array_equal(before.rgb, after.rgb)


def spoil_test_photo(workspace: Workspace) -> None:
    """Other pixels, other observations, and other joint positions of the points."""
    Image.new("RGB", (WIDTH, HEIGHT), "red").save(workspace.images / TEST[0])
    images = workspace.undistorted_sparse / "images.txt"
    lines = images.read_text().split("\n")
    line = next(i for i, text in enumerate(lines) if text.endswith(TEST[0])) + 1
    lines[line] = "3.0 4.0 1 5.0 6.0 2"
    images.write_text("\n".join(lines))
    points = workspace.undistorted_sparse / "points3D.txt"
    points.write_text(re.sub(r"^(\d+) \S+", r"\1 99", points.read_text(), flags=re.M))


def exact(points: Points) -> int:
    """How many of the points coincide with a Gaussian of the tiny scene."""
    truth = tiny_gaussians().means.numpy()
    distances = np.linalg.norm(points.xyz[:, None] - truth[None], axis=2).min(axis=1)
    return int((distances < 1e-4).sum())


def test_where_train_photos_share_nothing_guesses_along_their_rays_are_the_start(
    workspace: Workspace,
) -> None:
    images = workspace.undistorted_sparse / "images.txt"
    lines = images.read_text().split("\n")
    lines[2::2] = ["" for _ in lines[2::2]]  # nobody observed anything
    images.write_text("\n".join(lines))
    model = read(workspace)
    assert train_tracks(model.train).point_count == 0
    points = start(workspace)
    assert len(points) == MIN_POINTS
    assert np.isfinite(points.xyz).all()
    camera = model.train[0].camera
    inside = project(points.xyz[:: len(TRAIN)], camera)
    assert ((inside >= 0) & (inside <= [WIDTH, HEIGHT])).all()
    np.testing.assert_array_equal(points.xyz, start(workspace).xyz)


def test_guesses_are_as_deep_as_what_is_known(workspace: Workspace) -> None:
    guessed = start(workspace).xyz[exact(start(workspace)) :]
    assert len(guessed) > 100
    assert guessed[:, 2].min() > -1.5
    assert guessed[:, 2].max() < 1.5


def test_a_gaussian_starts_as_wide_as_its_neighbours_are_far() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), axis=-1).reshape(-1, 3)
    gaussians = gaussians_from_points(
        Points(grid, np.full((64, 3), 0.5)), sh_degree=1, initial_opacity=0.1, initial_scale=0.5
    )
    torch.testing.assert_close(gaussians.scales.exp(), torch.full((64, 3), 0.5))
    torch.testing.assert_close(gaussians.opacities.sigmoid(), torch.full((64,), 0.1))
    assert gaussians.sh0.abs().max() < 1e-6
    assert gaussians.sh_degree == 1


def test_a_lonely_point_does_not_start_as_a_wall() -> None:
    xyz = np.concatenate([np.random.default_rng(0).uniform(size=(200, 3)), [[1000.0, 0, 0]]])
    gaussians = gaussians_from_points(
        Points(xyz, np.zeros((201, 3))), sh_degree=0, initial_opacity=0.1, initial_scale=1.0
    )
    assert gaussians.scales.exp().max() < 10


def test_points_that_coincide_still_have_a_size() -> None:
    xyz = np.array([[0.0, 0, 0]] * 5 + [[1.0, 0, 0], [2.0, 0, 0]])
    gaussians = gaussians_from_points(
        Points(xyz, np.zeros((7, 3))), sh_degree=0, initial_opacity=0.1, initial_scale=1.0
    )
    assert torch.isfinite(gaussians.scales).all()


def test_a_camera_resized_sees_the_same() -> None:
    camera = Camera(torch.eye(4), tiny_camera(0).K, WIDTH, HEIGHT)
    point = np.array([[0.2, 0.1, 3.0]])
    np.testing.assert_allclose(
        project(point, camera.resized(30, 10)), project(point, camera) * [0.5, 0.25], rtol=1e-6
    )
