"""Makes the demo scene that the front page and /demo/ show: static/demo/.

    .venv/bin/python scripts/demo_scene.py          # about six minutes on two cores, no GPU

The sample photos, which the project renders itself, go through the whole pipeline as anybody's do,
but with fewer Gaussians, so that the scene is small enough for a front page. It is not refined with
the held-out photos, so its figures can be measured again, which tests/core/test_demo_scene.py does.
Run this when the sample photos or the pipeline have changed so much that the test fails.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")

import django  # noqa: E402

django.setup()  # for recon.web

from recon.pipeline.outcome import Cameras, PlacedCamera  # noqa: E402
from recon.pipeline.results import Measured, Results  # noqa: E402
from recon.pipeline.start_view import StartView  # noqa: E402
from recon.pipeline.workspace import Workspace, write_json  # noqa: E402
from recon.samples import write_photos  # noqa: E402
from recon.web.home import demo  # noqa: E402
from recon.web.result import cameras  # noqa: E402

OUT = ROOT / "static" / "demo"
#: As many as fit in a file of less than 150 kB.
MAX_GAUSSIANS = 9_500
SETTINGS = {
    "train.max_gaussians": MAX_GAUSSIANS,
    "train.max_image_size": 500,
    "train.iterations": 2000,
    "train.steps_per_photo": 200,
    "export.turntable": "false",
}
POSTER_QUALITY = 72

#: How many of SPZ's lowest bits are dropped, where nobody sees it: 1/256 of a world unit is a third
#: of a pixel in the middle of this scene.
POSITION_BITS, ROTATION_BITS = 4, 2
_HEAD = 16  # bytes, with the number of Gaussians from byte 8 on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, help="a finished run's folder, instead of a new run")
    options = parser.parse_args()
    if options.run:
        write(Workspace(options.run))
        return
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        folder = Path(name)
        write_photos(folder / "photos")
        run(folder / "photos", folder / "run")
        write(Workspace(folder / "run"))


def run(photos: Path, out: Path) -> None:
    """The pipeline as a person runs it."""
    changes = [part for one in SETTINGS.items() for part in ("--set", "{}={}".format(*one))]
    command = [sys.executable, "-m", "recon.pipeline", str(photos), str(out)]
    wishes = ["--preset", "quick", "--no-final-refine", *changes]
    # So the result is much the same on every machine.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([*command, *wishes], check=True, cwd=ROOT, env=environment)


def write(run: Workspace) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (scene,) = run.output.glob("point_cloud/*/scene.spz")
    (OUT / "scene.spz").write_bytes(coarsen(scene.read_bytes()))
    with Image.open(run.output / "poster.jpg") as poster:
        poster.save(OUT / "poster.webp", quality=POSTER_QUALITY, method=6)
    write_json(OUT / "views.json", views_of(run))
    facts_of(run, count_of(scene.read_bytes())).write()
    for path in sorted(OUT.iterdir()):
        sys.stdout.write(f"{path.stat().st_size:8} {path.relative_to(ROOT)}\n")


def coarsen(spz: bytes) -> bytes:
    """The same scene in coarser steps and with neighbours together, which compresses better."""
    content = gzip.decompress(spz)
    count = count_of(spz)
    head, body = content[:_HEAD], np.frombuffer(content, np.uint8, offset=_HEAD)
    widths = (9, 1, 3, 3, 4)  # bytes: position, opacity, colour, scales, rotation
    ends = np.cumsum([count * width for width in widths])
    parts = np.split(body, ends)[: len(widths)]
    positions, *others = (
        part.reshape(count, width) for part, width in zip(parts, widths, strict=True)
    )
    step = 1 << POSITION_BITS
    coarse = (_whole_numbers(positions) + step // 2) // step * step
    order = _neighbours_together(coarse)
    opacities, colours, scales, rotations = (part[order] for part in others)
    body = b"".join(
        part.tobytes()
        for part in (
            _bytes_of(coarse[order]),
            opacities,
            colours,
            scales,
            _coarse_rotations(rotations),
        )
    )
    return gzip.compress(head + body, 9, mtime=0)


def _whole_numbers(positions: NDArray[np.uint8]) -> NDArray[np.int32]:
    """[N, 9], three bytes each with the lowest first, as signed numbers [N, 3]."""
    parts = positions.reshape(-1, 3, 3).astype(np.int32)
    number = parts[..., 0] | parts[..., 1] << 8 | parts[..., 2] << 16
    return (number << 8) >> 8


def _bytes_of(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    shifts = np.array([0, 8, 16], np.int32)
    return ((numbers[..., None] >> shifts) & 255).astype(np.uint8)


def _neighbours_together(numbers: NDArray[np.int32]) -> NDArray[np.intp]:
    """An order along a Z-curve."""
    grid = (numbers - numbers.min(axis=0)).astype(np.uint64)
    grid = grid * np.uint64(1023) // grid.max()
    code = np.zeros(len(grid), np.uint64)
    for bit in range(10):
        for axis in range(3):
            digit = (grid[:, axis] >> np.uint64(bit)) & np.uint64(1)
            code |= digit << np.uint64(3 * bit + axis)
    return np.argsort(code, kind="stable")


def _coarse_rotations(rotations: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each as three components of nine bits and a sign, and which one is omitted."""
    lowest = (1 << ROTATION_BITS) - 1
    mask = sum(lowest << (10 * component) for component in range(3))
    middle = sum((lowest + 1 >> 1) << (10 * component) for component in range(3))
    packed = np.ascontiguousarray(rotations).view("<u4")[:, 0]
    return (
        ((packed & np.uint32(~mask & 0xFFFFFFFF)) | np.uint32(middle)).astype("<u4").view(np.uint8)
    )


def count_of(spz: bytes) -> int:
    return int.from_bytes(gzip.decompress(spz)[8:12], "little")


def views_of(run: Workspace) -> dict[str, object]:
    """What the viewer asks for (recon/web/result/cameras.py), and which photos were held out."""
    entries, measured = Cameras.read(run).cameras, measured_in(run)
    return {
        "about": cameras.ABOUT,
        "views": [cameras.view_of(camera) for camera in entries],
        "held_out": [
            number for number, camera in enumerate(entries) if camera.img_name in measured.test
        ],
    }


def measured_in(run: Workspace) -> Measured:
    measured = Results.read(run).measured
    if measured is None:
        raise SystemExit("The run measured nothing, so the page would have no figures.")
    return measured


def facts_of(run: Workspace, count: int) -> demo.Facts:
    """What the page says about it: the job's figures, and how they were measured."""
    results, entries, view = Results.read(run), Cameras.read(run).cameras, StartView.read(run)
    means = results.means
    figures = demo.DemoFigures(
        psnr=known(means["psnr"]),
        ssim=known(means["ssim"]),
        lpips=means["lpips"],
        psnr_corrected=known(means["psnr_corrected"]),
        ssim_corrected=known(means["ssim_corrected"]),
        protocol=results.protocol or "",
        refined=False,
        registered=len(entries),
        gaussian_count=count,
    )
    return demo.Facts(view, figures, turns_of(view, entries), lens_of(run), results.conditions)


def known(figure: float | None) -> float:
    if figure is None:
        raise SystemExit("A figure is missing, so the page could not show it.")
    return figure


def lens_of(run: Workspace) -> demo.Lens:
    """The camera's lens as the run estimated it: measuring again has to undo it too."""
    (camera,) = pycolmap.Reconstruction(str(run.sparse)).cameras.values()
    params = tuple(camera.params.tolist())
    return demo.Lens(camera.model.name, camera.width, camera.height, params)


def turns_of(view: StartView, entries: Sequence[PlacedCamera]) -> demo.Turns:
    """How the front page turns it: the start view, but upright, and `arc`: how far to the left and
    right of it photos were taken, radians around `target`. Positive turns are about `up`, by the
    right-hand rule.

    Photographers hold cameras level: up is as perpendicular as can be to all their x axes.
    """
    axes = np.array([camera.rotation for camera in entries])  # [N, 3, 3], its columns are x, y, z
    up = np.linalg.svd(axes[:, :, 0])[2][2]
    up *= -np.sign(axes[:, :, 1].mean(axis=0) @ up)  # y points down
    arms = np.array([view.position, *(camera.position for camera in entries)]) - view.target
    arms -= np.outer(arms @ up, up)
    angles = np.arctan2(np.cross(arms[0], arms[1:]) @ up, arms[1:] @ arms[0])
    least, most = (round(float(angle), 4) for angle in (angles.min(), angles.max()))
    x, y, z = (round(float(value), 4) for value in up)
    return demo.Turns(replace(view, up=(x, y, z)), (least, most))


if __name__ == "__main__":
    main()
