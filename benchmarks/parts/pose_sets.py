"""Which photos the benchmark of poses looks at: subsets, mixtures, and what can't work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import jobs
from recon.pipeline.photos.uploads import photos_in
from recon.samples import write_photos

#: Sets that are mixed: real ones and, always, rendered ones.
REAL_SCENES, RENDERED_SCENES = ("fern", "sceaux", "cake"), ("orbit", "wall", "corner")
COPIES = 20
SEPARATOR = "--"  # between a scene's name and its photo's, in mixtures


def subsets(photos: Sequence[Path], size: int, count: int, seed: int) -> Iterator[list[Path]]:
    """`count` random subsets of `size` photos; the same ones for the same seed."""
    rng = np.random.default_rng((seed, size))
    for _ in range(count):
        yield [photos[index] for index in sorted(rng.choice(len(photos), size, replace=False))]


def render_set(scene: str, out: Path) -> list[Path]:
    """The photos of a rendered set, made in `out` on the first call."""
    folder = out / "rendered" / scene
    if not folder.is_dir():
        write_photos(folder, scene=scene)
    return photos_in(folder)[0]


def mixtures(out: Path) -> Iterator[tuple[str, list[Path]]]:
    """Name and photos of the sets from which no single scene can be made."""
    real = all((jobs.PHOTOS / name).is_dir() for name in REAL_SCENES)
    for kind, scenes in (("real", REAL_SCENES * real), ("rendered", RENDERED_SCENES)):
        for each in (6, 2):
            if scenes:
                folder = out / "mixed" / f"{kind}-{each}"
                yield f"three {kind} scenes of {each}", mix_scenes(scenes, each, folder, out)
    yield "blank wall", render_set("blank", out)
    yield f"{COPIES} copies", copies(render_set("corner", out)[0], out / "mixed" / "copies")
    yield "panorama", render_set("panorama", out)


def mix_scenes(scenes: Sequence[str], each: int, folder: Path, out: Path) -> list[Path]:
    """Neighbouring photos of every scene, `each` of them, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        real = jobs.PHOTOS / scene
        photos = photos_in(real)[0] if real.is_dir() else render_set(scene, out)
        for photo in photos[:each]:
            shutil.copyfile(photo, folder / f"{scene}{SEPARATOR}{photo.name}")
    return photos_in(folder)[0]


def copies(photo: Path, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(COPIES):
        shutil.copyfile(photo, folder / f"{index:02d}.jpg")
    return photos_in(folder)[0]


def scenes_of(names: Sequence[str]) -> str:
    """Which scenes the photos of a mixture come from: "fern ×6, cake ×1"; otherwise their count."""
    scenes = [name.split(SEPARATOR)[0] for name in names if SEPARATOR in name]
    counts = sorted({scene: scenes.count(scene) for scene in scenes}.items(), key=lambda c: -c[1])
    return ", ".join(f"{scene} ×{count}" for scene, count in counts) or str(len(names))
