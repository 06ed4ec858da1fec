"""Files of camera positions: what pycolmap writes is read to the last digit, what is broken is
refused, and cameras follow their photos' size and orientation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest

from recon.poses.config import MappingConfig
from recon.poses.pose_files import camera_models
from recon.poses.pose_files.contents import FileCamera, FilePhoto, PoseFile, PoseFileError
from recon.poses.pose_files.finding import find_pose_files, pose_files_among, read_pose_files
from recon.poses.pose_files.model_building import bring_near, model_from_file
from recon.poses.pose_files.photo_names import match_names
from recon.poses.pose_files.placing import PhotoToPlace, place
from tests.core.cloud_model import HEIGHT, PHOTOS, WIDTH, cloud_model
from tests.zips import transforms

#: What ns-process-data does to COLMAP's world.
NERFSTUDIO = np.eye(4)[[0, 2, 1, 3]] * np.array([[1], [1], [-1], [1]])
LIMITS = MappingConfig()
HERE = [PhotoToPlace(f"{i}.jpg", f"{i}.jpg", WIDTH, HEIGHT) for i in range(PHOTOS)]
DISTORTION = {
    "SIMPLE_RADIAL": [0.04],
    "RADIAL": [0.04, -0.01],
    "OPENCV": [0.04, -0.01, 0.003, -0.002],
    "OPENCV_FISHEYE": [0.02, 0.01, -0.004, 0.001],
    "FULL_OPENCV": [0.04, -0.01, 0.003, -0.002, 0.005, 0.01, 0.002, 0.001],
    "FOV": [0.6],
    "SIMPLE_RADIAL_FISHEYE": [0.02],
    "RADIAL_FISHEYE": [0.02, -0.01],
    "THIN_PRISM_FISHEYE": [0.02, 0.01, 0.003, -0.002, 0.001, 0.002, 0.004, -0.003],
}
MODELS = ["SIMPLE_PINHOLE", "PINHOLE", *DISTORTION]


def camera(model: str) -> FileCamera:
    """A plausible camera of that model, off-centre."""
    focals = (510.0, 530.0) if pycolmap_camera(model).params_info.startswith("fx") else (520.0,)
    params = (*focals, 330.0, 230.0, *DISTORTION.get(model, ()))
    return FileCamera(model, WIDTH, HEIGHT, params)


def pycolmap_camera(model: str) -> pycolmap.Camera:
    return pycolmap.Camera.create_from_model_name(1, model, 520.0, WIDTH, HEIGHT)


def in_colmap(given: FileCamera) -> pycolmap.Camera:
    return pycolmap.Camera(
        model=given.model, width=given.width, height=given.height, params=given.params
    )


@pytest.fixture(scope="module")
def cloud() -> pycolmap.Reconstruction:
    return cloud_model(points=60)


@pytest.fixture(scope="module", params=["binary", "text"])
def folder(
    request: pytest.FixtureRequest,
    cloud: pycolmap.Reconstruction,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The cloud as pycolmap writes it; read-only."""
    made: Path = tmp_path_factory.mktemp("model")
    getattr(cloud, f"write_{request.param}")(made)
    return made


def transforms_of(model: pycolmap.Reconstruction, applied: Any = NERFSTUDIO) -> dict[str, Any]:
    """The model as nerfstudio has it; written with nothing of ours."""
    frames = []
    for image in model.images.values():
        world_from_camera = np.eye(4)
        world_from_camera[:3] = image.cam_from_world().inverse().matrix()
        world_from_camera[:3, 1:3] *= -1
        frames.append(
            {"file_path": f"images/{image.name}", "transform_matrix": applied @ world_from_camera}
        )
        frames[-1]["transform_matrix"] = frames[-1]["transform_matrix"].tolist()
    camera = model.camera(1)
    (fx, fy), k1 = (camera.focal_length_x, camera.focal_length_y), 0.0
    if camera.model_name == "SIMPLE_RADIAL":
        k1 = camera.params[3]
    lens = {"w": camera.width, "h": camera.height, "fl_x": fx, "fl_y": fy, "k1": k1}
    lens |= {"cx": camera.principal_point_x, "cy": camera.principal_point_y}
    return {
        "camera_model": "OPENCV", **lens, "k2": 0.0, "p1": 0.0, "p2": 0.0,
        "applied_transform": applied[:3].tolist(), "ply_file_path": "gone.ply", "frames": frames,
    }  # fmt: skip


def read_pose_file(folder: Path) -> PoseFile:
    return read_pose_files({file.name: file.read_bytes() for file in folder.iterdir()})


def write_transforms(folder: Path, content: object) -> Path:
    (folder / "transforms.json").write_text(json.dumps(content))
    return folder


def largest_difference(found: PoseFile, model: pycolmap.Reconstruction) -> float:
    """Between the poses, element by element."""
    truth = {image.name: image.cam_from_world().matrix() for image in model.images.values()}
    assert {Path(photo.name).name for photo in found.photos} == set(truth)
    return max(np.abs(p.cam_from_world - truth[Path(p.name).name]).max() for p in found.photos)


# Read


def test_a_colmap_model_is_read_as_pycolmap_wrote_it(
    folder: Path, cloud: pycolmap.Reconstruction
) -> None:
    found = read_pose_file(folder)
    assert largest_difference(found, cloud) < 1e-12
    assert dict(zip(found.points.ids.tolist(), found.points.xyz.tolist(), strict=True)) == {
        number: point.xyz.tolist() for number, point in cloud.points3D.items()
    }
    again = model_from_file(place(found, HERE, LIMITS))
    assert again.num_points3D() == cloud.num_points3D()
    assert again.compute_num_observations() == cloud.compute_num_observations()
    assert again.compute_mean_reprojection_error() == pytest.approx(
        cloud.compute_mean_reprojection_error(), abs=1e-6
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", ["write_text", "write_binary"])
def test_every_camera_model_is_read_and_can_be_made_straight(
    model: str, form: str, tmp_path: Path
) -> None:
    written = pycolmap.Reconstruction()
    lens = in_colmap(camera(model))
    lens.camera_id = 4
    written.add_camera_with_trivial_rig(lens)
    image = pycolmap.Image(name="a b.jpg", camera_id=4, image_id=9)
    written.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    getattr(written, form)(tmp_path)
    (photo,) = read_pose_file(tmp_path).photos
    assert photo.camera == camera(model)
    assert photo.name == "a b.jpg"
    straight = pycolmap.undistort_camera(pycolmap.UndistortCameraOptions(), lens)
    assert straight.model_name == "PINHOLE"
    assert camera_models.makes_sense(photo.camera, 0.2, 10.0)


def test_a_model_of_nerfstudio_leads_back_to_colmaps_world(
    cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    written = transforms_of(cloud)
    assert largest_difference(read_pose_file(write_transforms(tmp_path, written)), cloud) < 1e-6
    del written["applied_transform"]
    elsewhere = read_pose_file(write_transforms(tmp_path, written))
    assert largest_difference(elsewhere, cloud) > 0.1


def test_a_scale_that_was_applied_is_taken_back(
    cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    written = transforms_of(cloud) | {"applied_scale": 0.125}
    for frame in written["frames"]:
        for row in frame["transform_matrix"][:3]:
            row[3] *= 0.125
    assert largest_difference(read_pose_file(write_transforms(tmp_path, written)), cloud) < 1e-6


def test_intrinsics_may_be_each_photos_own(cloud: pycolmap.Reconstruction, tmp_path: Path) -> None:
    written = transforms_of(cloud)
    written["frames"][2] |= {"fl_x": 400.0, "fl_y": 410.0, "k3": 0.1}
    found = read_pose_file(write_transforms(tmp_path, written)).photos
    k1 = written["k1"]
    assert found[2].camera.model == "FULL_OPENCV"
    assert found[2].camera.params[:5] == (400.0, 410.0, written["cx"], written["cy"], k1)
    assert found[1].camera.params[0] == written["fl_x"]


@pytest.mark.parametrize(
    ("lens", "model"),
    [
        ({"k1": 0.0}, "PINHOLE"),
        ({"camera_model": "OPENCV_FISHEYE", "k4": 0.001}, "OPENCV_FISHEYE"),
        ({"is_fisheye": True}, "OPENCV_FISHEYE"),
    ],
)
def test_a_lens_of_nerfstudio_is_one_of_colmaps(
    lens: dict[str, Any], model: str, cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    found = read_pose_file(write_transforms(tmp_path, transforms_of(cloud) | lens))
    assert found.photos[0].camera.model == model


def test_an_angle_of_view_is_as_good_as_a_focal_length(
    cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    written = transforms_of(cloud) | {"camera_angle_x": 2 * np.arctan(WIDTH / 2 / 500)}
    del written["fl_x"], written["fl_y"]
    found = read_pose_file(write_transforms(tmp_path, written)).photos[0].camera
    assert found.params[:2] == pytest.approx((500.0, 500.0))


# Refused


def refused(folder: Path) -> PoseFileError:
    with pytest.raises(PoseFileError) as caught:
        read_pose_file(folder)
    return caught.value


def fault_of(folder: Path) -> PoseFileError | None:
    """What is wrong with a file, all the way to a model. Any other error is ours."""
    try:
        model_from_file(place(read_pose_file(folder), HERE, LIMITS))
    except PoseFileError as error:
        return error
    return None


def test_a_file_that_is_cut_off_anywhere_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    cut = next(tmp_path.glob("images.*"))
    whole = cut.read_bytes()
    for end in range(0, len(whole), len(whole) // 40):
        cut.write_bytes(whole[:end])
        error = fault_of(tmp_path)
        if cut.suffix == ".bin" or end == 0:
            assert error is not None
            assert (error.code, error.facts) == ("poses_unreadable", {"file": cut.name})
        else:  # a text may end after a line: then it has fewer photos
            assert error is None or error.code.startswith("poses_")


def test_damage_is_never_another_kind_of_error(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for stem in ("cameras", "images", "points3D"):
        file = next(tmp_path.glob(f"{stem}.*"))
        whole = file.read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(4):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            file.write_bytes(bytes(damaged))
            fault_of(tmp_path)
        file.write_bytes(whole)


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", "[" * 100_000, "{}", '{"frames": []}', '{"frames": 3}', '{"frames": [1]}',
        '{"frames": [{"file_path": "a", "transform_matrix": [[1, 0], [0, 1]]}]}',
        transforms("half a letter: \ud83d").decode(), transforms("NUL: \0").decode(),
        transforms("a" * 1001).decode(),
    ],
)  # fmt: skip
def test_json_that_is_none_or_another_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text(content)
    error = refused(tmp_path)
    assert (error.code, error.facts) == ("poses_unreadable", {"file": "transforms.json"})


@pytest.mark.parametrize(
    "change",
    [
        {"w": "640"}, {"fl_x": float("nan")}, {"cx": True}, {"applied_transform": [[0] * 4] * 3},
        {"applied_transform": np.diag([1.0, 1.0, -1.0, 1.0])[:3].tolist()}, {"frames": [{}]},
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_refused(
    change: dict[str, Any], cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    assert refused(write_transforms(tmp_path, transforms_of(cloud) | change)).code == (
        "poses_unreadable"
    )


def test_a_matrix_that_is_no_rotation_is_refused(
    cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    written = transforms_of(cloud)
    written["frames"][0]["transform_matrix"][0][0] = 7.0
    assert refused(write_transforms(tmp_path, written)).code == "poses_unreadable"


@pytest.mark.parametrize("lens", [{"camera_model": "EQUIRECTANGULAR"}, {"k4": 0.1}])
def test_a_lens_that_nobody_knows_is_named(
    lens: dict[str, Any], cloud: pycolmap.Reconstruction, tmp_path: Path
) -> None:
    error = refused(write_transforms(tmp_path, transforms_of(cloud) | lens))
    assert error.code == "poses_unknown_camera"


def test_a_camera_model_that_can_t_be_made_straight_is_named(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    file = next(tmp_path.glob("cameras.*"))
    if file.suffix == ".txt":
        file.write_text("1 EQUIRECTANGULAR 640 480 640 480\n")
    else:
        content = bytearray(file.read_bytes())
        content[12:16] = (17).to_bytes(4, "little")
        file.write_bytes(bytes(content))
    error = refused(tmp_path)
    assert error.code == "poses_unknown_camera"
    assert error.facts["lens"] in ("EQUIRECTANGULAR", "#17")


def test_a_model_without_cameras_is_incomplete(folder: Path, tmp_path: Path) -> None:
    images = next(folder.glob("images.*"))
    (tmp_path / images.name).write_bytes(images.read_bytes())
    assert refused(tmp_path).facts == {"file": images.name.replace("images", "cameras")}


# Placed


def some_poses(*names: str, lens: FileCamera | None = None) -> PoseFile:
    lens = lens or camera("PINHOLE")
    poses = [np.hstack([np.eye(3), [[-float(i)], [0], [0]]]) for i in range(len(names))]
    return PoseFile(tuple(FilePhoto(n, lens, p) for n, p in zip(names, poses, strict=True)))


def not_placed(poses: PoseFile, photos: list[PhotoToPlace]) -> PoseFileError:
    with pytest.raises(PoseFileError) as caught:
        place(poses, photos, LIMITS)
    return caught.value


def test_photos_that_the_file_lacks_are_named() -> None:
    placed = place(some_poses("0.jpg", "x.jpg", "5.jpg", "2.jpg"), HERE, LIMITS)
    assert [photo.name for photo in placed.photos] == ["0.jpg", "2.jpg", "5.jpg"]
    assert placed.lacking == ("1.jpg", "3.jpg", "4.jpg", "6.jpg", "7.jpg")


def test_a_file_of_other_photos_is_refused() -> None:
    error = not_placed(some_poses("a/x.jpg", "b/y.jpg"), HERE)
    assert error.code == "poses_match_no_photo"
    assert (error.facts["listed"], error.facts["name"]) == ("x.jpg", "0.jpg")


def test_two_photos_are_too_few() -> None:
    error = not_placed(some_poses("0.jpg", "1.jpg"), HERE)
    assert (error.code, error.facts) == ("poses_too_few", {"placed": 2, "total": 8, "minimum": 3})


def test_cameras_all_in_one_place_are_no_scene() -> None:
    names = ("0.jpg", "1.jpg", "2.jpg")
    poses = some_poses(*names)
    same = tuple(replace(p, cam_from_world=poses.photos[0].cam_from_world) for p in poses.photos)
    assert not_placed(PoseFile(same), HERE).code == "no_baseline"


@pytest.mark.parametrize(
    "params",
    [(0.0, 500, 320, 240), (500, float("inf"), 320, 240), (500, 500, 320, 900), (9, 9, 320, 240)],
)
def test_a_lens_that_can_t_be_is_refused(params: tuple[float, ...]) -> None:
    lens = FileCamera("PINHOLE", WIDTH, HEIGHT, params)
    error = not_placed(some_poses("0.jpg", "1.jpg", "2.jpg", lens=lens), HERE)
    assert (error.code, error.facts["name"]) == ("poses_bad_camera", "0.jpg")


def test_distortion_that_folds_the_picture_is_refused() -> None:
    folding = FileCamera("OPENCV", WIDTH, HEIGHT, (500, 500, 320, 240, -9.0, 5.0, 0.0, 0.0))
    assert not camera_models.makes_sense(folding, 0.2, 10.0)


def test_a_photo_of_another_shape_is_refused() -> None:
    cropped = [replace(photo, width=500) for photo in HERE]
    error = not_placed(some_poses("0.jpg", "1.jpg", "2.jpg"), cropped)
    assert error.code == "poses_size_differs"
    assert {**error.facts} == {
        "name": "0.jpg", "width": 500, "height": HEIGHT,
        "camera_width": WIDTH, "camera_height": HEIGHT,
    }  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_camera_follows_its_photo_to_another_size(model: str) -> None:
    rays = np.random.default_rng(1).uniform((-0.3, -0.3, 1), (0.3, 0.3, 1), (20, 3))
    here, there = camera(model), camera_models.at_size(camera(model), WIDTH // 2, HEIGHT // 2)
    before = np.array(in_colmap(here).img_from_cam(rays))
    np.testing.assert_allclose(np.array(in_colmap(there).img_from_cam(rays)), before / 2)


@pytest.mark.parametrize("model", [m for m in MODELS if m != "THIN_PRISM_FISHEYE"])
@pytest.mark.parametrize(("orientation", "quarters"), [(6, 1), (3, 2), (8, 3)])
def test_a_camera_follows_its_photo_upright(model: str, orientation: int, quarters: int) -> None:
    """The pixel of a point, before and after the picture is turned as its metadata ask."""
    rng = np.random.default_rng(2)
    world = rng.uniform((-0.5, -0.4, 2), (0.5, 0.4, 3), (20, 3))
    pose = np.hstack([pycolmap.Rotation3d(rng.normal(0, 0.1, 3)).matrix(), [[0], [0], [0.1]]])
    in_camera = world @ pose[:, :3].T + pose[:, 3]
    before = np.array(in_colmap(camera(model)).img_from_cam(in_camera))
    others = [np.hstack([np.eye(3), [[x], [0], [0]]]) for x in (1.0, 2.0)]
    poses = PoseFile(
        tuple(
            FilePhoto(f"{i}.jpg", camera(model), one, before, np.arange(20))
            for i, one in enumerate([pose, *others])
        )
    )
    size = (HEIGHT, WIDTH) if quarters % 2 else (WIDTH, HEIGHT)
    photos = [PhotoToPlace(f"{i}.jpg", f"{i}.jpg", *size, orientation) for i in range(3)]
    placed = place(poses, photos, LIMITS).photos[0]
    turned = world @ placed.cam_from_world[:, :3].T + placed.cam_from_world[:, 3]
    found = np.array(in_colmap(placed.camera).img_from_cam(turned))
    expected = before
    for turn in range(quarters):
        height = HEIGHT if turn % 2 == 0 else WIDTH
        expected = np.column_stack([height - expected[:, 1], expected[:, 0]])
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(placed.xys, expected, atol=1e-9)


def test_a_camera_of_photos_that_were_turned_before_stays_as_it_is() -> None:
    upright = replace(camera("PINHOLE"), width=HEIGHT, height=WIDTH, params=(500, 500, 240, 320))
    photos = [PhotoToPlace(f"{i}.jpg", f"{i}.jpg", HEIGHT, WIDTH, 6) for i in range(3)]
    placed = place(some_poses("0.jpg", "1.jpg", "2.jpg", lens=upright), photos, LIMITS)
    assert placed.photos[0].camera == upright


def test_a_camera_that_can_t_be_turned_is_refused() -> None:
    lens = camera("THIN_PRISM_FISHEYE")
    photos = [PhotoToPlace(f"{i}.jpg", f"{i}.jpg", HEIGHT, WIDTH, 6) for i in range(3)]
    error = not_placed(some_poses("0.jpg", "1.jpg", "2.jpg", lens=lens), photos)
    assert error.code == "poses_size_differs"


# Names


@pytest.mark.parametrize(
    ("mine", "theirs", "found"),
    [
        ("images/a.jpg", "images/a.jpg", True),
        ("a.jpg", "./images/a.jpg", True),
        ("set/images/a.jpg", "images\\a.jpg", True),
        ("A.JPG", "a.jpg", True),
        ("a.jpg", "train/a", True),
        ("a.png", "a.jpg", True),
        ("a.jpg", "b.jpg", False),
    ],
)
def test_a_photo_is_found_by_path_then_by_name(mine: str, theirs: str, found: bool) -> None:
    assert match_names({"key": mine}, [theirs]) == ({"key": theirs} if found else {})


def test_a_name_that_two_have_decides_nothing_but_its_path_does() -> None:
    theirs = ["left/1.jpg", "right/1.jpg"]
    assert match_names({"a": "1.jpg"}, theirs) == {}
    assert match_names({"a": "cam/left/1.jpg", "b": "cam/right/1.jpg"}, theirs) == {
        "a": "left/1.jpg",
        "b": "right/1.jpg",
    }


# Found


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["sparse/0/cameras.bin", "sparse/0/images.bin", "sparse/1/images.bin",
          "sparse/1/cameras.bin"], ["sparse/0/cameras.bin", "sparse/0/images.bin"]),
        (["images.txt", "cameras.txt", "points3D.txt", "a.jpg"],
         ["cameras.txt", "images.txt", "points3D.txt"]),
        (["scan/images.bin", "scan/cameras.bin", "transforms.json"],
         ["scan/cameras.bin", "scan/images.bin"]),
        (["scan/transforms.json", "scan/old/transforms.json"], ["scan/transforms.json"]),
        (["images.bin", "images.txt", "cameras.bin"], ["cameras.bin", "images.bin"]),
        (["a.jpg"], []),
    ],
)  # fmt: skip
def test_the_files_of_one_model_are_chosen(names: list[str], chosen: list[str]) -> None:
    assert pose_files_among(names) == chosen


def test_a_model_is_found_where_programs_put_it(folder: Path, tmp_path: Path) -> None:
    place_of: Callable[[str], Path] = lambda name: tmp_path / "project" / name  # noqa: E731
    place_of("sparse").mkdir(parents=True)
    (tmp_path / "project" / "sparse" / "0").symlink_to(folder, target_is_directory=True)
    found = find_pose_files(tmp_path / "project")
    assert {path.stem for path in found} == {"cameras", "images", "points3D"}
    assert find_pose_files(tmp_path) == []
    assert find_pose_files(tmp_path / "nowhere") == []


# The world


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (1e6, 0.0), (1.0, 5e6), (1e-3, 2e5)])
def test_a_world_that_can_t_be_drawn_exactly_is_brought_near(
    scale: float, shift: float, cloud: pycolmap.Reconstruction
) -> None:
    model = pycolmap.Reconstruction(cloud)
    model.transform(pycolmap.Sim3d(scale, pycolmap.Rotation3d(), np.full(3, shift)))
    there = {n: p.xyz.copy() for n, p in model.points3D.items()}
    move = bring_near(model)
    assert move is not None
    for number, point in model.points3D.items():
        expected = move.scale * (there[number] - np.array(move.origin))
        np.testing.assert_allclose(point.xyz, expected, rtol=1e-6, atol=1e-6)
    depths = [np.linalg.norm(point.xyz) for point in model.points3D.values()]
    assert 0.1 < np.median(depths) < 1000


def test_an_ordinary_world_stays_where_it_is(cloud: pycolmap.Reconstruction) -> None:
    assert bring_near(pycolmap.Reconstruction(cloud)) is None
