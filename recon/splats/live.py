"""Shows a scene while it trains: an `Observer` for `training.fit` that writes snapshots.

Its cost is bounded: a snapshot that was slow to take is followed by a longer pause.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from recon.picture_size import fitted_size
from recon.splats.checkpoints import State
from recon.splats.evaluation import draw, to_bytes
from recon.splats.formats import write_splat
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import psnr
from recon.splats.scene import Model, PosedPhoto, View, load_view
from recon.splats.snapshots import Snapshot, publish, remove_snapshots

MAX_SHOWN = 20_000  # Gaussians of 32 bytes: 640 kB
MAX_RENDER_SIZE = 480  # px, longest side
_EVERY = 1.25  # seconds between snapshots
_FIRST = 2.2  # seconds of training before the first: on a GPU it is worth a look by then
_SHARE = 0.05  # of the training's time, at most
_SETTLING = 30  # steps in which a scene is poorer than before Gaussians came or went
_JPEG_QUALITY = 85


class LiveSnapshots:
    """Called after every step; snapshots after two seconds, then every few, and the last step.

    None is taken just after growth, when a scene looks poorer than before. Between snapshots it
    only looks at the clock: the device is not waited for. It draws no random numbers and leaves
    the scene alone, so training is the same with it as without. A folder that can't be written to
    stops the snapshots, not the training: `log` says so. Of a training that goes on from a
    checkpoint the first step is shown, and the curve goes on.
    """

    def __init__(
        self,
        folder: Path,
        view: View,
        *,
        held_out: bool,
        log: Callable[[str], None],
        every: float = _EVERY,
        first: float = _FIRST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`view` is the photo to compare with, at the size trained at, on any device.

        `held_out` says that training does not see it. `every` and `first` are in seconds.
        """
        self._folder, self._view, self._held_out, self._log = folder, view, held_out, log
        self._every, self._first, self._clock = every, first, clock
        self._made = clock()
        self._began: float | None = None  # the end of the first step
        self._due = math.inf
        self._count, self._settled = 0, 0  # Gaussians; the step from which on these are at home
        self._spent = 0.0
        self._history: list[tuple[int, float, float | None]] = []
        remove_snapshots(folder)  # an earlier attempt's

    def state(self) -> State:
        """For a checkpoint: the curve, and the seconds that it counts."""
        began = self._made if self._began is None else self._began
        return {
            "history": self._history,
            "start_seconds": began - self._made,
            "seconds": 0.0 if self._began is None else self._clock() - self._began,
            "spent": self._spent,
        }

    def load(self, state: State) -> None:
        """Goes on from what `state` gave."""
        self._history = [tuple(entry) for entry in state["history"]]
        self._spent = float(state["spent"])
        self._due = self._clock()
        self._began = self._due - float(state["seconds"])
        self._made = self._began - float(state["start_seconds"])

    def __call__(self, done: int, of: int, gaussians: Gaussians) -> None:
        now = self._clock()
        if self._began is None:
            self._began, self._due = now, now + self._first
        if len(gaussians) != self._count:
            self._settled = done + _SETTLING if self._count else 0
            self._count = len(gaussians)
        if (now < self._due or done < self._settled) and done < of:
            return
        try:
            self._take(done, of, gaussians.detach(), now - self._began)
        except OSError as error:
            self._log(f"No more snapshots: {error.strerror or error}")
            self._due = math.inf
            return
        ended = self._clock()
        self._spent += ended - now
        self._due = ended + max(self._every, (ended - now) / _SHARE)

    def _take(self, done: int, of: int, gaussians: Gaussians, seconds: float) -> None:
        assert self._began is not None
        self._view = self._view.to(gaussians.device)
        image = draw(gaussians, self._view.camera)
        quality = psnr(image, self._view.colours)
        known = round(quality, 3) if math.isfinite(quality) else None
        self._history.append((done, round(seconds, 3), known))
        # No name is used twice: a browser may keep what an earlier run had under it.
        mark = f"{done:06d}-{secrets.token_hex(3)}"
        self._folder.mkdir(parents=True, exist_ok=True)
        splat, render = self._folder / f"scene-{mark}.splat", self._folder / f"render-{mark}.jpg"
        shown = write_splat(gaussians.select(most_visible(gaussians, MAX_SHOWN)), splat)
        _save(image, render)
        publish(
            Snapshot(
                splat=splat,
                render=render,
                step=done,
                of=of,
                start_seconds=round(self._began - self._made, 3),
                seconds=round(seconds, 3),
                gaussians=len(gaussians),
                shown=shown,
                psnr=known,
                photo=self._view.name,
                held_out=self._held_out,
                spent_seconds=round(self._spent, 3),
                history=self._history,
            )
        )


def live_snapshots(
    folder: Path,
    model: Model,
    images: Path,
    max_image_size: int | None,
    *,
    log: Callable[[str], None],
) -> LiveSnapshots:
    """Snapshots in `folder` of a training of `model`'s train photos.

    They look from the middle photo of those held out, or of all where none is. `images` has the
    photos' pictures; `max_image_size` (px) is the one trained at, so that the PSNR is comparable
    with the evaluation's.
    """
    photo, held_out = middle_photo(model)
    view = load_view(photo, images, max_image_size)
    return LiveSnapshots(folder, view, held_out=held_out, log=log)


def middle_photo(model: Model) -> tuple[PosedPhoto, bool]:
    """The held-out photo nearest to the middle of all cameras, and True; a train photo and False
    where none is held out."""
    positions = torch.stack([photo.camera.position for photo in model.photos])
    middle = positions.median(dim=0).values
    photos = model.test or model.train
    distances = torch.stack([(photo.camera.position - middle).norm() for photo in photos])
    return photos[int(distances.argmin())], bool(model.test)


def most_visible(gaussians: Gaussians, count: int) -> Tensor:
    """Indices [at most `count`] of those with the largest cross-section times opacity."""
    two_longest = gaussians.scales.topk(2, dim=1).values.sum(dim=1)
    weight = two_longest + torch.nn.functional.logsigmoid(gaussians.opacities)
    weight = weight.nan_to_num(nan=-math.inf, posinf=-math.inf)  # broken ones are not for show
    return weight.topk(min(count, len(gaussians))).indices


def _save(image: Tensor, path: Path) -> None:
    """Writes the picture [H, W, 3] as a JPEG of at most MAX_RENDER_SIZE px."""
    picture = Image.fromarray(to_bytes(image))
    size = fitted_size(*picture.size, MAX_RENDER_SIZE)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BOX)
    picture.save(path, "JPEG", quality=_JPEG_QUALITY)
