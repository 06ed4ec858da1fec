"""A scene of 300 Gaussians, rendered by our rasteriser at 60x40 px into a workspace.

Its SfM model is exact: the points are the Gaussians' means and their projections.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recon.pipeline.outcome import TrainingRecord
from recon.pipeline.workspace import Workspace, write_json
from recon.splats.config import TrainConfig
from recon.splats.evaluation import draw
from recon.splats.formats import write_ply
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View

WIDTH, HEIGHT = 60, 40
NAMES = [f"{index:03d}.png" for index in range(6)]
TEST = [NAMES[2]]
TRAIN = [name for name in NAMES if name not in TEST]


def tiny_gaussians(count: int = 300, seed: int = 0, sh_degree: int = 0) -> Gaussians:
    """Blobs in a slab around the origin, 4 wide and deep and 3 high."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    return Gaussians(
        means=uniform(count, 3) * torch.tensor([2.5, 1.8, 0.7]),
        quats=uniform(count, 4),
        scales=math.log(0.15) + 0.5 * uniform(count, 3),
        opacities=2.0 + uniform(count),
        sh0=1.5 * uniform(count, 1, 3),
        shN=0.2 * uniform(count, (sh_degree + 1) ** 2 - 1, 3),
    )


def tiny_camera(index: int, width: int = WIDTH, height: int = HEIGHT) -> Camera:
    """A camera of a row, 4 units in front of the slab, looking along +z."""
    viewmat = torch.eye(4)
    viewmat[:3, 3] = torch.tensor([-(index - 2.5) * 0.3, 0.05 * (index % 2), 4.0])
    focal = 0.9 * width
    K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(viewmat, K, width, height)


def tiny_views(indices: Sequence[int]) -> list[View]:
    """Pictures of the tiny scene, taken by the cameras `indices`."""
    cameras = [tiny_camera(index) for index in indices]
    images = [(draw(tiny_gaussians(), camera) * 255).byte() for camera in cameras]
    pairs = zip(cameras, images, strict=True)
    return [View(f"{i}.png", camera, image) for i, (camera, image) in enumerate(pairs)]


def write_tiny_workspace(root: Path) -> Workspace:
    """What COLMAP_UNDIST leaves behind, for the tiny scene."""
    workspace = Workspace(root)
    gaussians = tiny_gaussians()
    workspace.images.mkdir(parents=True)
    workspace.undistorted_sparse.mkdir(parents=True)
    workspace.train_txt.write_text("".join(f"{name}\n" for name in TRAIN))
    workspace.test_txt.write_text("".join(f"{name}\n" for name in TEST))
    K = tiny_camera(0).K
    (workspace.undistorted_sparse / "cameras.txt").write_text(
        f"# one camera\n1 PINHOLE {WIDTH} {HEIGHT} {K[0, 0]} {K[1, 1]} {K[0, 2]} {K[1, 2]}\n"
    )
    lines = ["# two lines per photo\n"]
    for index, name in enumerate(NAMES):
        camera = tiny_camera(index)
        with torch.no_grad():
            image = rasterize(gaussians, camera).image.clamp(0, 1)
        Image.fromarray((image * 255).round().byte().numpy()).save(workspace.images / name)
        x, y, z = camera.viewmat[:3, 3].tolist()
        lines.append(f"{index + 1} 1 0 0 0 {x} {y} {z} 1 {name}\n")
        lines.append(" ".join(_observations(gaussians, camera)) + "\n")
    (workspace.undistorted_sparse / "images.txt").write_text("".join(lines))
    (workspace.undistorted_sparse / "points3D.txt").write_text("".join(_points(gaussians)))
    return workspace


def write_tiny_sfm(workspace: Workspace) -> None:
    """What COLMAP_MAP leaves behind: the same cameras, without points."""
    import pycolmap  # imported here: the rasterisers' tests run without it

    model = pycolmap.Reconstruction()
    K = tiny_camera(0).K
    model.add_camera_with_trivial_rig(
        pycolmap.Camera(
            camera_id=1,
            model="PINHOLE",
            width=WIDTH,
            height=HEIGHT,
            params=[K[0, 0], K[1, 1], K[0, 2], K[1, 2]],
        )
    )
    for index, name in enumerate(NAMES):
        image = pycolmap.Image(image_id=index + 1, name=name, camera_id=1)
        pose = pycolmap.Rigid3d(tiny_camera(index).viewmat[:3].double().numpy())
        model.add_image_with_trivial_frame(image, pose)
    workspace.sparse.mkdir(parents=True)
    model.write_binary(workspace.sparse)


def write_trained(
    workspace: Workspace, gaussians: Gaussians, used: TrainConfig, left_out: Sequence[str] = ()
) -> None:
    """What GS_TRAIN leaves behind for the stages after it."""
    folder = workspace.held_out_iteration(used.iterations)
    folder.mkdir(parents=True, exist_ok=True)
    write_ply(gaussians, folder / "point_cloud.ply")
    TrainingRecord(
        iterations=used.iterations,
        gaussian_count=len(gaussians),
        training_size=(60, 40),
        max_image_size=used.max_image_size,
        max_gaussians=used.max_gaussians,
        settings=used,
        left_out=tuple(left_out),
    ).write(workspace)
    write_json(workspace.cameras_json, [])


def project(means: np.ndarray, camera: Camera) -> np.ndarray:
    """Pixels [N, 2] of the points `means` [N, 3]."""
    viewmat, K = camera.viewmat.double().numpy(), camera.K.double().numpy()
    seen = (means @ viewmat[:3, :3].T + viewmat[:3, 3]) @ K.T
    return seen[:, :2] / seen[:, 2:]


def _observations(gaussians: Gaussians, camera: Camera) -> list[str]:
    xys = project(gaussians.means.double().numpy(), camera)
    inside = (xys >= 0).all(axis=1) & (xys < [WIDTH, HEIGHT]).all(axis=1)
    found = [f"{xys[i, 0]:.6f} {xys[i, 1]:.6f} {i + 1}" for i in np.flatnonzero(inside)]
    return ["1.0 1.0 -1", *found]  # first, a keypoint without a point


def _points(gaussians: Gaussians) -> list[str]:
    return [
        f"{index + 1} {x} {y} {z} 10 20 30 0.1 1 1 2 1\n"
        for index, (x, y, z) in enumerate(gaussians.means.tolist())
    ]
