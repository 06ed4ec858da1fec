"""How well the exposure of a photo that training never saw is predicted, on any photos.

    python benchmarks/photos/exposures.py JOB JOB

JOB is a job's folder with work/{photos.json,images,sparse,train.txt,test.txt}. Each photo's gains
are measured on the points that it shares with others, and each is then predicted from the others'
(`recon.splats.exposure_prediction`). Nothing is trained. Prints Markdown: how far off, in per cent
of the brightness, the scene's own exposure is, each way to predict, and what the product would
choose; and the same for random gains, for which nothing can be predicted.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import numpy as np
import torch
from torch import Tensor

from benchmarks.parts import tables
from recon.pipeline.after_training.scoring import exposure_values
from recon.pipeline.workspace import Workspace
from recon.splats import exposure_prediction as prediction
from recon.splats.exposure_estimate import estimate_exposures
from recon.splats.exposure_prediction import Placed
from recon.splats.scene import load_view, read_model
from recon.splats.starting_points import sparse_points

_SIZE = 800  # px, longest side at which colours are read
_DRAWS = 20  # of random gains, per set
_RANDOM = 0.15, 0.03  # log of a gain, for all channels and for each: as far apart as phones' are

#: Predicts the map of a photo from the others' maps.
Predict = Callable[[Placed, Sequence[Placed], Tensor], Tensor]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("jobs", nargs="+", type=Path, metavar="JOB")
    head = ["set", "photos", "the scene's own", *(way.name for way in prediction.WAYS), "chosen",
            "random: the scene's own", "random: chosen"]  # fmt: skip
    rows = [_row(job.resolve()) for job in options.parse_args().jobs]
    print(tables.table(head, rows))


def _row(job: Path) -> list[object]:
    photos, maps = measured(Workspace(job))
    has_ev = all(photo.ev100 is not None for photo in photos)
    each = [
        f"{100 * off(photos, maps, way.predict):.1f}" if has_ev or not way.uses_ev else ""
        for way in prediction.WAYS
    ]
    drawn = [_random_maps(photos, np.random.default_rng(number)) for number in range(_DRAWS)]
    chances = [
        mean(off(photos, maps, predict) for maps in drawn)
        for predict in (the_scenes_own, the_products)
    ]
    own, chosen = (off(photos, maps, way) for way in (the_scenes_own, the_products))
    numbers = [f"{100 * value:.1f}" for value in (own, chosen, *chances)]
    return [job.name, len(photos), numbers[0], *each, *numbers[1:]]


def measured(workspace: Workspace) -> tuple[list[Placed], Tensor]:
    """The photos of a job, in order, and their maps [V, 3, 4]."""
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    posed = sorted(model.photos, key=lambda photo: photo.name)
    values = exposure_values(workspace, model)
    if any(photo.name not in values for photo in posed):
        values = {}
    views = [load_view(photo, workspace.images, _SIZE) for photo in posed]
    sizes = np.array([[photo.camera.width, photo.camera.height] for photo in posed], float)
    maps = estimate_exposures(sparse_points(posed), views, sizes)
    return [Placed(photo.name, photo.camera, values.get(photo.name)) for photo in posed], maps


def _random_maps(photos: Sequence[Placed], chance: np.random.Generator) -> Tensor:
    alike, each = _RANDOM
    logs = chance.normal(size=(len(photos), 1)) * alike
    logs = logs + chance.normal(size=(len(photos), 3)) * each
    return torch.diag_embed(torch.from_numpy(np.exp(logs)).float()) @ torch.eye(3, 4)


def off(photos: Sequence[Placed], maps: Tensor, predict: Predict) -> float:
    """The root of the mean squared error of the logs of the gains, each photo from the others."""
    errors = []
    for index, photo in enumerate(photos):
        others = [number for number in range(len(photos)) if number != index]
        typical = _gains(maps[others]).median(dim=0).values  # the scene's own, as far as known
        scaled = maps / typical[:, None]
        predicted = predict(photo, [photos[number] for number in others], scaled[others])
        difference = _gains(predicted).log() - _gains(scaled[index]).log()
        errors.append(float(difference.square().mean()))
    return math.sqrt(mean(errors))


def _gains(maps: Tensor) -> Tensor:
    return torch.diagonal(maps[..., :3], dim1=-2, dim2=-1)


def the_scenes_own(photo: Placed, others: Sequence[Placed], maps: Tensor) -> Tensor:
    return torch.eye(3, 4)


def the_products(photo: Placed, others: Sequence[Placed], maps: Tensor) -> Tensor:
    way = prediction.best_way(others, maps)
    return torch.eye(3, 4) if way is None else way.predict(photo, others, maps)


if __name__ == "__main__":
    main()
