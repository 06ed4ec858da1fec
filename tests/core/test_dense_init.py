"""Depth maps and dense points, compared with a rendered scene whose depths are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from recon.samples import SETS
from recon.samples.photos import SamplePhoto, intrinsics, pose, render
from recon.samples.scene import Surface
from recon.splats.config import DenseConfig
from recon.splats.dense_init import dense_points, shared_worth, stereo_photos, surface_normals
from recon.splats.depth_maps import Photo, pixel_rays, planes
from recon.splats.gaussians import Camera
from recon.splats.scene import View
from recon.splats.starting_points import Points, SparsePoints
from recon.splats.triangulation import Tracks

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 240, 180
CONFIG = DenseConfig(max_image_size=WIDTH, sweep_shrink=1, planes=64)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Scene:
    views: list[View]
    depths: list[torch.Tensor]  # [H, W] the truth, infinite where nothing was hit
    sparse: SparsePoints


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Five neighbouring photos of the sample scene, and points that they share."""
    surfaces = SETS["courtyard"].place()
    views, cameras = [], []
    for index in range(3, 8):
        photo = SamplePhoto(f"{index}.jpg", pose(index, 12), intrinsics((WIDTH, HEIGHT)))
        viewmat = torch.eye(4)
        viewmat[:3] = torch.from_numpy(photo.cam_from_world)
        cameras.append(Camera(viewmat, torch.from_numpy(photo.K).float(), WIDTH, HEIGHT))
        picture = np.array(render(surfaces, photo, (WIDTH, HEIGHT)))
        views.append(View(photo.name, cameras[-1], torch.from_numpy(picture)))
    depths = [true_depth(camera, surfaces) for camera in cameras]
    return Scene(views, depths, points_in_common(cameras, depths))


def true_depth(camera: Camera, surfaces: list[Surface]) -> torch.Tensor:
    rotation = camera.viewmat[:3, :3].numpy()
    directions = np.einsum("chw,ck->hwk", pixel_rays(camera).numpy(), rotation)
    depth = np.full((HEIGHT, WIDTH), np.inf, np.float32)
    for surface in surfaces:
        distance, _, _ = surface.shape.hit(camera.position.numpy(), directions.astype(np.float32))
        depth = np.minimum(depth, distance)
    return torch.from_numpy(depth)


def points_in_common(cameras: list[Camera], depths: list[torch.Tensor]) -> SparsePoints:
    """Random points of each photo's surfaces, observed by all photos that see them."""
    rng = np.random.default_rng(0)
    points, views, xys, xyz = [], [], [], []
    for camera, depth in zip(cameras, depths, strict=True):
        for row, column in zip(
            rng.integers(0, HEIGHT, 60), rng.integers(0, WIDTH, 60), strict=True
        ):
            seen = pixel_rays(camera)[:, row, column] * depth[row, column]
            if not torch.isfinite(seen).all():
                continue
            place = camera.viewmat[:3, :3].T @ (seen - camera.viewmat[:3, 3])
            for index, other in enumerate(cameras):
                there = other.viewmat[:3, :3] @ place + other.viewmat[:3, 3]
                x, y = ((other.K @ there)[:2] / there[2]).tolist()
                if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
                    continue
                if abs(float(depths[index][int(y), int(x)] / there[2]) - 1) < 0.01:
                    points.append(len(xyz))
                    views.append(index)
                    xys.append((x, y))
            xyz.append(place.numpy())
    tracks = Tracks(np.array(points), np.array(views), np.array(xys))
    return SparsePoints(tracks, np.array(xyz, float))


@pytest.fixture(scope="module")
def found(scene: Scene) -> tuple[Points, dict[str, torch.Tensor]]:
    points, maps = dense_points(
        scene.views, scene.sparse, CONFIG, budget=20_000, device=CPU, seed=0
    )
    assert points is not None
    return points, maps


def accuracy(scene: Scene, maps: dict[str, torch.Tensor]) -> tuple[float, float, float]:
    """Share of pixels with a depth, its median relative error, share of those off by over 3%."""
    depths = torch.stack([maps[view.name] for view in scene.views])
    known = depths > 0
    errors = (depths / torch.stack(scene.depths) - 1).abs()[known]
    return (
        float(known.float().mean()),
        float(errors.median()),
        float((errors > 0.03).float().mean()),
    )


def maps_of(scene: Scene, **changes: int) -> dict[str, torch.Tensor]:
    config = replace(CONFIG, **changes)
    return dense_points(scene.views, scene.sparse, config, budget=100, device=CPU, seed=0)[1]


def test_depths_are_right_where_they_are_known(
    scene: Scene, found: tuple[Points, dict[str, torch.Tensor]]
) -> None:
    for maps in (found[1], maps_of(scene, sweep_shrink=2)):
        known, error, wrong = accuracy(scene, maps)
        assert known > 0.4
        assert error < 0.004
        assert wrong < 0.1


def test_stricter_agreement_leaves_fewer_and_better_depths(scene: Scene) -> None:
    loose, strict = (accuracy(scene, maps_of(scene, min_agreeing=count)) for count in (1, 2))
    assert strict[0] < loose[0]
    assert strict[2] < loose[2]


def test_points_lie_on_the_surfaces_and_have_their_colours(
    scene: Scene, found: tuple[Points, dict[str, torch.Tensor]]
) -> None:
    points, _ = found
    assert 15_000 < len(points) <= 21_000  # a random sample of all
    camera, truth = scene.views[2].camera, scene.depths[2]
    seen = points.xyz @ camera.viewmat[:3, :3].T.double().numpy() + camera.viewmat[:3, 3].numpy()
    projected = seen @ camera.K.T.double().numpy()
    x, y = (projected[:, :2] / projected[:, 2:]).T
    inside = (seen[:, 2] > 0) & (x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)
    rows, columns = y[inside].astype(int), x[inside].astype(int)
    errors = np.abs(seen[inside, 2] / truth[rows, columns].numpy() - 1)
    on_surface = errors < 0.02
    assert on_surface.mean() > 0.75  # the others are hidden from this camera
    colours = scene.views[2].colours[rows, columns].numpy()
    difference = np.abs(points.rgb[inside] - colours).max(1)
    assert np.median(difference[on_surface]) < 0.05


def test_normals_stand_on_the_floor(found: tuple[Points, dict[str, torch.Tensor]]) -> None:
    points, _ = found
    assert points.normals is not None
    np.testing.assert_allclose(np.linalg.norm(points.normals, axis=1), 1, atol=1e-5)
    floor = np.abs(points.xyz[:, 2]) < 0.01
    assert floor.sum() > 500
    assert np.median(points.normals[floor, 2]) > 0.9


def test_a_plane_has_one_normal() -> None:
    camera = Camera(torch.eye(4), torch.tensor([[50.0, 0, 20], [0, 50.0, 15], [0, 0, 1]]), 40, 30)
    rays = pixel_rays(camera)
    slanted = torch.nn.functional.normalize(torch.tensor([0.3, -0.2, -1.0]), dim=0)
    depth = -2.0 / torch.einsum("c,chw->hw", slanted, rays)
    normals = surface_normals(rays, depth)[:, 1:-1, 1:-1]
    torch.testing.assert_close(
        normals, slanted[:, None, None].expand_as(normals), atol=1e-3, rtol=0
    )


def test_the_same_seed_gives_the_same_points(
    scene: Scene, found: tuple[Points, dict[str, torch.Tensor]]
) -> None:
    for seed, same in ((0, True), (1, False)):
        again, _ = dense_points(
            scene.views, scene.sparse, CONFIG, budget=20_000, device=CPU, seed=seed
        )
        assert again is not None
        assert np.array_equal(again.xyz, found[0].xyz) == same


def test_neighbours_are_those_that_share_points_at_a_good_angle(scene: Scene) -> None:
    worth = shared_worth(scene.sparse, [view.camera for view in scene.views])
    np.testing.assert_array_equal(worth, worth.T)
    assert (np.diag(worth) == 0).all()
    photos = stereo_photos(scene.views, scene.sparse, replace(CONFIG, neighbours=2), CPU)
    assert [len(photo.neighbours) for photo in photos] == [2] * 5
    assert all(index not in photo.neighbours for index, photo in enumerate(photos))
    depth = scene.depths[0]
    middle = 1 / float(depth[torch.isfinite(depth)].median())
    assert photos[0].farthest < middle < photos[0].nearest


def test_photos_that_share_nothing_give_no_points(scene: Scene) -> None:
    lonely = SparsePoints(
        Tracks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))), np.zeros((0, 3))
    )
    points, maps = dense_points(scene.views, lonely, CONFIG, budget=100, device=CPU, seed=0)
    assert points is None
    assert maps == {}


def test_photos_without_texture_give_no_points(scene: Scene) -> None:
    grey = [replace(view, image=torch.full_like(view.image, 128)) for view in scene.views]
    points, _ = dense_points(grey, scene.sparse, CONFIG, budget=100, device=CPU, seed=0)
    assert points is None


def test_depth_maps_may_be_smaller_than_the_photos(
    scene: Scene, found: tuple[Points, dict[str, torch.Tensor]]
) -> None:
    name = scene.views[2].name
    half, full = maps_of(scene, max_image_size=WIDTH // 2)[name], found[1][name][::2, ::2]
    assert half.shape == full.shape
    both = (half > 0) & (full > 0)
    assert both.float().mean() > 0.3
    assert ((half / full)[both] - 1).abs().median() < 0.02


def far_and_near(scene: Scene, config: DenseConfig) -> list[tuple[float, float]]:
    """Each photo's range: the largest and the smallest depth."""
    photos = stereo_photos(scene.views, scene.sparse, config, CPU)
    return [(1 / photo.farthest, 1 / photo.nearest) for photo in photos]


def test_the_sweep_goes_beyond_what_sfm_saw(scene: Scene) -> None:
    ends = far_and_near(scene, replace(CONFIG, beyond=1.0)), far_and_near(scene, CONFIG)
    for (seen, near), (swept, nearest) in zip(*ends, strict=True):
        assert swept == pytest.approx(CONFIG.beyond * seen)
        assert nearest == near


def test_a_background_that_sfm_did_not_see_is_found(scene: Scene) -> None:
    forward = scene.views[0].camera.viewmat[2].numpy()
    depths = scene.sparse.xyz @ forward[:3] + forward[3]
    seen = depths < np.quantile(depths, 0.4)
    tracks, numbers = scene.sparse.tracks, np.cumsum(seen) - 1
    near = seen[tracks.points]
    without = Tracks(numbers[tracks.points[near]], tracks.views[near], tracks.xys[near])
    sparse = SparsePoints(without, scene.sparse.xyz[seen])
    shares = []
    for beyond in (1.0, CONFIG.beyond):
        config = replace(CONFIG, beyond=beyond)
        _, maps = dense_points(scene.views, sparse, config, budget=100, device=CPU, seed=0)
        found = torch.stack([maps[view.name] for view in scene.views])
        truth = torch.stack(scene.depths)
        far = truth.isfinite() & (truth > 1.2 * float(depths[seen].max()))
        shares.append(float(((found / truth - 1).abs() < 0.03)[far].float().mean()))
    assert shares[1] > shares[0] + 0.2


def pixels_between(photo: Photo, other: Photo, nearer: float, farther: float) -> float:
    """How far a point at the middle of `photo` moves in `other` between two inverse depths."""
    seen = []
    for inverse in (nearer, farther):
        rays = pixel_rays(photo.camera)[:, HEIGHT // 2, WIDTH // 2] / inverse
        viewmat = photo.camera.viewmat
        world = viewmat[:3, :3].T @ (rays - viewmat[:3, 3])
        x, y, z = other.camera.K @ (
            other.camera.viewmat[:3, :3] @ world + other.camera.viewmat[:3, 3]
        )
        seen.append(torch.stack([x / z, y / z]))
    return float((seen[0] - seen[1]).norm())


def test_a_point_moves_by_about_a_pixel_from_plane_to_plane(scene: Scene) -> None:
    photo, other, *_ = stereo_photos(scene.views, scene.sparse, CONFIG, CPU)
    found = planes(photo, [other], replace(CONFIG, planes=8, max_planes=1000))
    middle = len(found) // 2
    moved = pixels_between(photo, other, float(found[middle + 1]), float(found[middle]))
    assert moved == pytest.approx(1.0, abs=0.25)
    assert found[0] == photo.farthest
    assert found[-1] == pytest.approx(photo.nearest)


@pytest.mark.parametrize(("planes_", "most", "count"), [(8, 8, 8), (900, 288, 900)])
def test_planes_have_limits(scene: Scene, planes_: int, most: int, count: int) -> None:
    photo, *others = stereo_photos(scene.views, scene.sparse, CONFIG, CPU)
    limited = replace(CONFIG, planes=planes_, max_planes=most)
    assert len(planes(photo, others, limited)) == count


def test_photos_from_the_same_place_take_no_more_planes(scene: Scene) -> None:
    photo, *_ = stereo_photos(scene.views, scene.sparse, CONFIG, CPU)
    assert len(planes(photo, [photo], CONFIG)) == CONFIG.planes
    assert len(planes(photo, [], CONFIG)) == CONFIG.planes
