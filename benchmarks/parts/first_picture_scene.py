"""The scene, the account and the rows of `benchmarks/first_picture.py`.

    python benchmarks/parts/first_picture_scene.py COUNT

Runs in a separate process, with the benchmark's settings and the measured tree in the environment:
that tree's own writers make the files, including a first part if they know one. Prints one JSON
object: a session, the addresses of pages and the sizes of files.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from PIL import Image  # noqa: E402

from accounts.models import User  # noqa: E402
from instarecon_site import folders  # noqa: E402
from recon.models import Artifact, Figures, Job, Share  # noqa: E402
from recon.splats.evaluation import draw, to_bytes  # noqa: E402
from recon.splats.formats import write_splat  # noqa: E402
from recon.splats.gaussians import Camera, Gaussians  # noqa: E402
from recon.splats.spz import write_spz  # noqa: E402

SIZE = (1280, 960)  # px, of the photos; makes the poster as large as a real scene's
FOV_Y = 50.0  # degrees
CAMERAS = 12
SCENE = Path("output/point_cloud/iteration_3000")


def main(count: int) -> None:
    folders.make()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    ann = User.objects.create_user("ann@example.org", "a long enough password")
    client = Client(SERVER_NAME="localhost")
    client.force_login(ann)
    now = timezone.now()
    job = Job(
        owner=ann, title="A room", status=Job.Status.COMPLETED, step="DONE",
        percent=100.0, started_at=now, completed_at=now, view=view_of(camera_at(0.0)),
    )  # fmt: skip
    job.share, job.figures = Share(is_on=True), Figures(gaussian_count=count)
    job.save()
    sizes = write_files(job, room(count))
    pages = {"a shared link": f"/v/{job.share.key}", "an embed": f"/v/{job.share.key}?embed=1"}
    pages["its owner's page"] = f"/jobs/{job.pk}/"
    facts = {"session": client.session.session_key, "pages": pages, "sizes": sizes}
    sys.stdout.write(json.dumps(facts) + "\n")


def room(count: int) -> Gaussians:
    """A ball in a room with patterned walls, on COLMAP's axes: with as many sizes and colours as a
    trained scene has, and view-dependent colour of degree 1."""
    random = np.random.default_rng(0)
    u, v = random.uniform(-1, 1, (2, count))
    kinds = random.choice(3, count, p=(0.35, 0.35, 0.3))
    floor = np.stack([3 * u, np.full(count, 1.2), 1.5 + 2.5 * v], axis=1)
    wall = np.stack([3 * u, -0.6 + 1.8 * v, np.full(count, 4.0)], axis=1)
    turn, high = math.pi * u, np.sqrt(1 - v**2)
    ball = np.stack([high * np.cos(turn), v, high * np.sin(turn)], axis=1) * 0.8 + [0, 0.4, 1.2]
    means = np.choose(kinds[:, None], [floor, wall, ball]) + random.normal(0, 0.01, (count, 3))
    stripes = np.sin(9 * means + kinds[:, None]).sum(axis=1, keepdims=True) > 0
    colours = np.where(stripes, [0.75, 0.45, 0.25], [0.2, 0.35, 0.5])
    colours = colours + random.normal(0, 0.06, (count, 3))
    scales = math.log(0.012) + random.normal(0, 0.7, (count, 1)) + random.normal(0, 0.3, (count, 3))
    return Gaussians(
        means=tensor(means),
        quats=tensor(random.normal(0, 1, (count, 4))),
        scales=tensor(scales),
        opacities=tensor(random.normal(1.5, 1.5, count)),
        sh0=tensor((colours - 0.5) / 0.28209)[:, None],
        shN=tensor(random.normal(0, 0.08, (count, 3, 3))),
    )


def tensor(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


def camera_at(degrees: float) -> Camera:
    """Three units in front of the ball, looking at it, `degrees` to the side."""
    angle = math.radians(degrees)
    viewmat = torch.eye(4)
    viewmat[0, 0] = viewmat[2, 2] = math.cos(angle)
    viewmat[0, 2], viewmat[2, 0] = math.sin(angle), -math.sin(angle)
    viewmat[:3, 3] = torch.tensor([0.0, 0.0, 3.0]) - viewmat[:3, :3] @ torch.tensor([0.0, 0.0, 1.2])
    width, height = SIZE
    focal = height / 2 / math.tan(math.radians(FOV_Y / 2))
    K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(viewmat, K, width, height)


def view_of(camera: Camera) -> dict[str, Any]:
    """Where the viewer starts."""
    return {
        "position": camera.position.tolist(), "target": [0.0, 0.0, 1.2], "up": [0.0, -1.0, 0.0],
        "fov_y_degrees": FOV_Y, "aspect": SIZE[0] / SIZE[1], "trained_height": SIZE[1],
    }  # fmt: skip


def write_files(job: Job, scene: Gaussians) -> dict[str, int]:
    """Writes what the export leaves of a scene, as far as pages need it. Returns bytes by kind."""
    cameras = [camera_at(4.0 * (number - CAMERAS // 2)) for number in range(CAMERAS)]
    folder = job.folder / SCENE
    folder.mkdir(parents=True)
    write_splat(scene, folder / "scene.splat")
    write_spz(scene, folder / "scene.spz")
    first = first_part(scene, cameras)
    if first is not None:
        write_spz(first, folder / "first.spz")
    picture = to_bytes(draw(scene, camera_at(0.0)))
    Image.fromarray(picture).save(job.folder / "output/poster.jpg", quality=90, optimize=True)
    (job.folder / "output/cameras.json").write_text(json.dumps([_camera_row(c) for c in cameras]))
    files = {"splat": SCENE / "scene.splat", "spz": SCENE / "scene.spz"}
    files |= {"first": SCENE / "first.spz"} if first is not None else {}
    files |= {"poster": Path("output/poster.jpg"), "cameras": Path("output/cameras.json")}
    sizes = {kind: (job.folder / path).stat().st_size for kind, path in files.items()}
    Artifact.objects.bulk_create(
        Artifact(job=job, kind=kind, path=str(path), size=sizes[kind])
        for kind, path in files.items()
    )
    return sizes


def first_part(scene: Gaussians, cameras: list[Camera]) -> Gaussians | None:
    """None, too, in a tree from before there was one."""
    try:
        importance = importlib.import_module("recon.splats.importance")
    except ModuleNotFoundError:
        return None
    part: Gaussians | None = importance.first_part(scene, cameras)
    return part


def _camera_row(camera: Camera) -> dict[str, Any]:
    """graphdeco's entry."""
    fx = float(camera.K[0, 0])
    return {
        "img_name": "a.jpg", "width": camera.width, "height": camera.height, "fx": fx, "fy": fx,
        "cx": camera.width / 2, "cy": camera.height / 2, "position": camera.position.tolist(),
        "rotation": camera.viewmat[:3, :3].T.tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
