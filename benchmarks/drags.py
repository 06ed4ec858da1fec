"""What one sees when dragging a scene about: is it ever dark, is it as good as at the photos?

    python benchmarks/drags.py                                  # six sets, four of known truth
    python benchmarks/drags.py --sets fern orbit --drags 40
    python benchmarks/drags.py --sheets docs/images             # and the contact sheets

A set is a name in `recon.samples`, whose truth can be rendered from anywhere, or one in
RECON_PHOTOS. Scenes are made once (preset quick, minutes each on two cores) and kept in --cache;
--set makes them smaller, as in `--set train.iterations=500 --set train.max_image_size=280`.

`drags.mjs` drags the start view about with the viewer's own modules: within what photos support,
freely, and as it was before there was an edge. Our CPU rasteriser draws what is then seen, with the
veil. Brightness is the mean of a picture, as a share of the start's, over all looks of all drags.
If the truth is known, each drag's last look is compared with it, and so are the photos' places.
*Way* is how far from the start drags end, in the middle, in depths of what the start looks at.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks import jobs
from recon.picture_size import fitted_size
from recon.pipeline.outcome import Cameras, PlacedCamera
from recon.pipeline.results import FILTERED, Results
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import Workspace
from recon.samples import sets as samples
from recon.samples.photos import SamplePhoto, render
from recon.samples.truth import centres, read_poses, umeyama
from recon.splats.evaluation import draw
from recon.splats.formats import read_ply
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import psnr
from tests.node import node

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache" / "instarecon3d" / "drags"
TRUE = ["courtyard", "orbit", "corner", "wall"]  # of recon.samples: their truth is known
SETS = ["fern", "kitchen", "fox", "sceaux", "museum", "berlin", *TRUE]
COLUMNS = (
    "scene", "stands", "moved", "way", "bright", "darkest", "at photos", "at ends", "within 2 dB",
)  # fmt: skip
WAYS = {"before": "before", "free": "free", "within": "within what photos support"}
SAMPLE_SIZE = (480, 360)  # px, of photos with known truth
WINDOW = 900  # CSS px, the longest side; its shape is the start photo's
LOOK = 160  # px, the longest side of a rendered look
RIM = 0.55  # of the way to a corner, where the veil begins (viewer-tools.css)
BACKGROUND = np.array([13, 15, 18]) / 255  # --stage
NEAR = 2.0  # dB below what is reached at the photos' own places
SHEET = (10, 3)  # drags, scenes
Array = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """A finished job, and how its world is aligned with the true one if that is known."""

    name: str
    workspace: Workspace
    gaussians: Gaussians
    cameras: tuple[PlacedCamera, ...]
    view: StartView
    held_out: float  # dB

    @classmethod
    def of(cls, name: str, folder: Path) -> Scene:
        workspace = Workspace(folder)
        results = Results.read(workspace)
        (ply,) = (folder / "output" / "point_cloud").glob(
            "iteration_*/point_cloud_filtered.ply"
            if results.scene == FILTERED
            else "iteration_*/point_cloud.ply"
        )
        return cls(
            name=name,
            workspace=workspace,
            gaussians=read_ply(ply),
            cameras=Cameras.read(workspace).cameras,
            view=StartView.read(workspace),
            held_out=results.means["psnr"] or 0.0,
        )

    @property
    def splat(self) -> Path:
        (path,) = self.workspace.root.glob("output/point_cloud/iteration_*/scene.splat")
        return path

    @property
    def aspect(self) -> float:
        return self.cameras[0].width / self.cameras[0].height


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sets", nargs="+", default=SETS)
    add("--cache", type=Path, default=CACHE, help="of finished scenes")
    add("--set", dest="changes", action="append", default=[], metavar="GROUP.NAME=VALUE")
    add("--drags", type=int, default=200)
    add("--seed", type=int, default=1)
    add("--ways", nargs="+", choices=WAYS, default=["before", "within"])
    add("--sheets", type=Path, help="folder for contact sheets of the best and worst photo sets")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    scenes = [
        Scene.of(name, run_set(name, options.cache, options.changes)) for name in options.sets
    ]
    print(f"\n{datetime.date.today()}, {jobs.machine()}\n`{' '.join(['python', *sys.argv])}`\n")
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for scene in scenes:
        told = run_drags(scene, options)
        for way in options.ways:
            print(row(scene, told, way), flush=True)
    if options.sheets:
        sheets([scene for scene in scenes if scene.name not in samples.SETS], options)


def run_set(name: str, cache: Path, changes: list[str]) -> Path:
    """The folder of the set's finished job, which is run now, with `changes`, if there is none."""
    folder, photos = cache / name, jobs.PHOTOS / name
    if (folder / "output" / "viewer.json").is_file():
        return folder
    if name in samples.SETS:
        photos = cache / f"{name}-photos"
        size = "x".join(map(str, SAMPLE_SIZE))
        _python("recon.samples", photos, "--scene", name, "--size", size)
    extras = ["evaluate.lpips=false", "export.turntable=false", *changes]
    _python(
        "recon.pipeline", photos, folder, "--preset", "quick",
        *(part for extra in extras for part in ("--set", extra)),
    )  # fmt: skip
    return folder


def _python(module: str, *arguments: object) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    subprocess.run(command, check=True, cwd=HERE.parent, stdout=subprocess.DEVNULL)


def run_drags(scene: Scene, options: argparse.Namespace) -> dict[str, Any]:
    """What `drags.mjs` prints: for each way the looks of each drag, on COLMAP's axes."""
    width, height = fitted_size(round(1000 * scene.aspect), 1000, WINDOW)
    views = []
    for camera in scene.cameras:
        known: dict[str, object] = {"width": camera.width, "height": camera.height}
        known |= {"fx": camera.fx, "fy": camera.fy}
        known |= {"cx": camera.width / 2, "cy": camera.height / 2}
        views.append(known | {"cam_from_world": camera.cam_from_world})
    question = {
        "views": views,
        "view": scene.view.to_dict(),
        "splat": str(scene.splat),
        "window": {"width": width, "height": height},
        "drags": options.drags,
        "seed": options.seed,
        "ways": options.ways,
    }
    path = options.cache / f"{scene.name}.json"
    path.write_text(json.dumps(question))
    run = subprocess.run(
        [node(), str(HERE / "drags.mjs"), str(path)], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def row(scene: Scene, told: dict[str, Any], way: str) -> str:
    """One line of the table."""
    start = draw_look(scene, told["start"]).mean()
    looks = [draw_look(scene, look).mean() / start for drag in told[way] for look in drag]
    cells = [scene.name, told["layout"], WAYS[way], f"{distance_moved(told, way):.2f}"]
    cells += [f"{np.mean(looks):.0%}", f"{min(looks):.0%}"]
    if scene.name in samples.SETS:
        photos, ends = against_truth(scene, [drag[-1] for drag in told[way]])
        share = float(np.mean(np.array(ends) >= np.mean(photos) - NEAR))
        cells += [f"{np.mean(photos):.1f} dB", f"{np.mean(ends):.1f} dB", f"{share:.0%}"]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells) + " |"


def distance_moved(told: dict[str, Any], way: str) -> float:
    """How far from the start drags end, in the middle, as a share of the depth there."""
    eye, target = (np.array(told["start"][name]) for name in ("position", "target"))
    ways = [np.linalg.norm(np.array(drag[-1]["position"]) - eye) for drag in told[way]]
    return float(np.median(ways) / np.linalg.norm(target - eye))


def camera_of(scene: Scene, look: dict[str, Any]) -> Camera:
    """The camera of somebody who looks from there through a window of the start photo's shape."""
    eye, target, up = (np.array(look[name]) for name in ("position", "target", "up"))
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, up) / np.linalg.norm(np.cross(forward, up))
    rotation = np.stack([right, np.cross(forward, right), forward])
    width, height = fitted_size(round(1000 * scene.aspect), 1000, LOOK)
    focal = height / 2 / np.tan(np.radians(scene.view.fov_y_degrees) / 2)
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ eye
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return Camera(torch.tensor(viewmat).float(), torch.tensor(K).float(), width, height)


def draw_look(scene: Scene, look: dict[str, Any]) -> Array:
    """The picture [H, W, 3], 0 to 1, with the veil that the viewer lays over it."""
    picture = draw(scene.gaussians, camera_of(scene, look)).numpy()
    height, width = picture.shape[:2]
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = (np.arange(height) + 0.5) / height * 2 - 1
    corner = np.hypot(x[None, :], y[:, None]) / np.sqrt(2)
    veil = look.get("whole", 0) + look.get("rim", 0) * np.clip((corner - RIM) / (1 - RIM), 0, 1)
    return np.asarray(picture + (BACKGROUND - picture) * veil[..., None])


def against_truth(scene: Scene, ends: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """PSNR at the photos' places and at the ends of drags, in dB."""
    surfaces = samples.SETS[scene.name].place()
    true = read_poses(scene.workspace.root.parent / f"{scene.name}-photos" / "poses.json")
    found = {camera.img_name: np.array(camera.cam_from_world) for camera in scene.cameras}
    names = sorted(found)
    scale, turn, shift = umeyama(
        centres([found[name] for name in names]),
        centres([true[name] for name in names]),
    )

    def score(camera: Camera) -> float:
        rotation = camera.viewmat[:3, :3].double().numpy() @ turn.T
        centre = scale * turn @ camera.position.double().numpy() + shift
        pose = np.hstack([rotation, -(rotation @ centre)[:, None]])
        photo = SamplePhoto("", pose, camera.K.double().numpy())
        truth = np.array(render(surfaces, photo, (camera.width, camera.height)))
        return psnr(draw(scene.gaussians, camera), torch.from_numpy(truth).float() / 255)

    own = []
    for placed in scene.cameras:
        viewmat = torch.eye(4)
        viewmat[:3] = torch.tensor(placed.cam_from_world).float()
        K = torch.tensor(
            [[placed.fx, 0, placed.width / 2], [0, placed.fy, placed.height / 2], [0, 0, 1]]
        )
        camera = Camera(viewmat, K.float(), placed.width, placed.height)
        own.append(score(camera.resized(*fitted_size(placed.width, placed.height, LOOK))))
    return own, [score(camera_of(scene, end)) for end in ends]


def sheets(scenes: list[Scene], options: argparse.Namespace) -> None:
    """The ends of ten drags, in each of the three best and the three worst scenes."""
    across, down = SHEET
    ranked = sorted(scenes, key=lambda scene: scene.held_out)
    for name, chosen in (("worst", ranked[:down]), ("best", ranked[-down:])):
        rows = []
        for scene in chosen:
            drags = run_drags(scene, options)["within"]
            ends = np.random.default_rng(options.seed).choice(len(drags), across, replace=False)
            rows.append([draw_look(scene, drags[end][-1]) for end in ends])
        path = options.sheets / f"drags-{name}.webp"
        sheet(rows).save(path, quality=72, method=6)
        print(f"{path}: {', '.join(scene.name for scene in chosen)}, {path.stat().st_size} bytes")


def sheet(rows: list[list[Array]]) -> Image.Image:
    cell = (160, 120)  # px
    whole = Image.new("RGB", (cell[0] * len(rows[0]), cell[1] * len(rows)), "white")
    for y, pictures in enumerate(rows):
        for x, picture in enumerate(pictures):
            image = Image.fromarray((picture * 255).round().astype(np.uint8))
            image.thumbnail((cell[0] - 4, cell[1] - 4))
            corner = ((cell[0] - image.width) // 2, (cell[1] - image.height) // 2)
            whole.paste(image, (x * cell[0] + corner[0], y * cell[1] + corner[1]))
    return whole


if __name__ == "__main__":
    main()
