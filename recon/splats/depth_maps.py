"""Depth maps of photos with known poses, by multi-view stereo in torch, on a CPU or on CUDA.

A plane sweep over inverse depth (Collins 1996; Gallup et al. 2007) at a coarse size finds each
pixel's depth; at the fine size it is refined by warping the neighbours with the depth map itself,
which follows slanted surfaces. Windows are compared by ZNCC, and a hypothesis scores the mean of
the two neighbours that match it best, so that one may be occluded. Depths that no neighbour's own
map confirms are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional

from recon.reporting import Progress
from recon.splats.config import DenseConfig
from recon.splats.gaussians import Camera

_NOWHERE = -1.0  # the score of a hypothesis that a neighbour can't see
_VARIANCE_FLOOR = 1e-5  # of grey values 0 to 1: flatter windows say nothing
_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # tried around a depth when it is refined, in step widths
_PATH_SAMPLES = 17  # inverse depths, along the path of a point across a neighbour
_PATH_EVERY = 8  # px between the points whose paths are measured
_NARROWER = 0.5  # each refinement's step, the first's in distances between planes


@dataclass(frozen=True)
class Photo:
    """A train photo as stereo sees it."""

    name: str
    camera: Camera  # of the picture's size
    colours: Tensor  # [3, H, W] float32, 0 to 1
    grey: Tensor  # [H, W] float32, 0 to 1
    nearest: float  # inverse depth, 1 / world units: the range in which its surfaces lie
    farthest: float
    neighbours: tuple[int, ...]  # indices of photos that see the same, best first


def depth_maps(photos: Sequence[Photo], config: DenseConfig, report: Progress) -> list[Tensor]:
    """The confirmed depth map [H, W] of every photo: camera-space z in world units, 0 where nothing
    is known. `report` hears how many are done."""
    found = []
    for index, photo in enumerate(photos):
        found.append(
            _measure_depths(photo, [photos[n] for n in photo.neighbours[: config.compared]], config)
        )
        report((index + 1) / len(photos), "measuring_depths")
    return [_confirm(index, photos, found, config) for index in range(len(photos))]


@torch.no_grad()
def _measure_depths(photo: Photo, neighbours: Sequence[Photo], config: DenseConfig) -> Tensor:
    """One photo's depths [H, W] before anything confirms them."""
    height, width = photo.grey.shape
    small, *others = (_shrink(p, config.sweep_shrink) for p in (photo, *neighbours))
    swept = planes(small, others, config)
    step = float(swept[1] - swept[0])
    inverse, _ = _sweep_planes(small, others, swept, config)
    inverse = _median(inverse)
    inverse = functional.interpolate(inverse[None, None], (height, width), mode="bilinear")[0, 0]
    score = torch.full_like(inverse, _NOWHERE)
    for _ in range(config.refinements):
        step *= _NARROWER
        inverse, score = _refine(photo, neighbours, inverse, step, config)
    good = (score >= config.min_zncc) & (inverse > 0)
    return torch.where(good, 1 / inverse.clamp_min(1e-12), 0.0)


def _shrink(photo: Photo, factor: int) -> Photo:
    height, width = photo.grey.shape
    grey = functional.interpolate(
        photo.grey[None, None], (max(height // factor, 8), max(width // factor, 8)), mode="area"
    )[0, 0]
    camera = photo.camera.resized(grey.shape[1], grey.shape[0])
    return replace(photo, camera=camera, grey=grey)


def planes(photo: Photo, neighbours: Sequence[Photo], config: DenseConfig) -> Tensor:
    """The inverse depths [D] that are swept, the farthest first, evenly spaced.

    So many that a point moves by `max_step` px from one to the next, in the mean over the picture
    and the median of the neighbours, within the limits of `config`. What lies between two planes
    farther apart than that may match at neither.
    """
    device = photo.grey.device
    paths = []  # px
    few = torch.linspace(photo.farthest, photo.nearest, _PATH_SAMPLES, device=device)
    rays = pixel_rays(photo.camera)[:, ::_PATH_EVERY, ::_PATH_EVERY]
    for neighbour in neighbours:
        start, slope = _projection(photo.camera, rays, neighbour.camera)
        x, y, depth = (start + few[:, None, None, None] * slope[:, None, None]).unbind(1)
        x, y = x / depth.clamp_min(1e-6), y / depth.clamp_min(1e-6)  # [P, H, W]
        height, width = neighbour.grey.shape
        seen = (depth > 0) & (x > 0) & (x < width) & (y > 0) & (y < height)
        both = seen[1:] & seen[:-1]
        if both.any():
            moved = torch.hypot(x[1:] - x[:-1], y[1:] - y[:-1])[both]
            paths.append(float(moved.mean()) * (_PATH_SAMPLES - 1))
    wanted = math.ceil(median(paths) / config.max_step) + 1 if paths else 0
    count = max(min(wanted, config.max_planes), config.planes)
    return torch.linspace(photo.farthest, photo.nearest, count, device=device)


def _sweep_planes(
    photo: Photo, neighbours: Sequence[Photo], swept: Tensor, config: DenseConfig
) -> tuple[Tensor, Tensor]:
    """Inverse depth and score [H, W] of the best of the planes `swept` [D]."""
    scorer = _Scorer(photo, neighbours, config)
    scores = torch.cat([scorer(part[:, None, None]) for part in swept.split(config.chunk)])
    return _peak(scores, swept[:, None, None].expand_as(scores))


def _refine(
    photo: Photo, neighbours: Sequence[Photo], inverse: Tensor, step: float, config: DenseConfig
) -> tuple[Tensor, Tensor]:
    """`inverse` [H, W] moved by up to `step`, and the score of where it ends."""
    scorer = _Scorer(photo, neighbours, config)
    offsets = torch.tensor(_STEPS, device=inverse.device) * step
    candidates = inverse + offsets[:, None, None]  # [5, H, W]
    return _peak(scorer(candidates), candidates)


def _peak(scores: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """The candidate of the best score, and between its neighbours the top of the parabola.

    `scores` and `candidates` are [D, H, W]; candidates are evenly spaced.
    """
    best, index = scores.max(dim=0, keepdim=True)
    inner = index.clamp(1, len(scores) - 2)
    below, top, above = (scores.gather(0, inner + shift) for shift in (-1, 0, 1))
    curvature = below - 2 * top + above
    offset = 0.5 * (below - above) / torch.where(curvature < -1e-6, curvature, -1e-6)
    usable = (inner == index) & (curvature < -1e-6) & (torch.minimum(below, above) > _NOWHERE)
    offset = torch.where(usable, offset.clamp(-0.5, 0.5), 0.0)
    spacing = candidates[1] - candidates[0]
    return (candidates.gather(0, index) + offset * spacing)[0], best[0]


class _Scorer:
    """How well hypotheses of a photo's inverse depths agree with its neighbours."""

    def __init__(self, photo: Photo, neighbours: Sequence[Photo], config: DenseConfig) -> None:
        self._window = config.window
        self._grey = photo.grey
        self._mean, self._variance = _moments(photo.grey[None], config.window)
        self._neighbours = [n.grey for n in neighbours]
        rays = pixel_rays(photo.camera)
        self._projections = [_projection(photo.camera, rays, n.camera) for n in neighbours]

    def __call__(self, inverse: Tensor) -> Tensor:
        """Scores [D, H, W] of the inverse depths [D, H, W] or [D, 1, 1]."""
        first = second = None
        for grey, (start, slope) in zip(self._neighbours, self._projections, strict=True):
            score = self._compared(grey, start, slope, inverse)
            if first is None:
                first = score
            elif second is None:
                first, second = torch.maximum(first, score), torch.minimum(first, score)
            else:
                second = torch.maximum(second, torch.minimum(first, score))
                first = torch.maximum(first, score)
        assert first is not None
        return first if second is None else (first + second) / 2

    def _compared(self, grey: Tensor, start: Tensor, slope: Tensor, inverse: Tensor) -> Tensor:
        """ZNCC [D, H, W] with one neighbour."""
        height, width = grey.shape
        depth = start[2] + inverse * slope[2]
        scale = 1 / depth.clamp_min(1e-6)
        x = (start[0] + inverse * slope[0]) * scale * (2 / width) - 1
        y = (start[1] + inverse * slope[1]) * scale * (2 / height) - 1
        grid = torch.stack([x, y], dim=-1)  # [D, H, W, 2]
        count, rows, columns = x.shape
        warped = functional.grid_sample(
            grey[None, None], grid.view(1, count * rows, columns, 2), align_corners=False
        ).view(count, rows, columns)
        mean, variance = _moments(warped, self._window)
        covariance = _box(warped * self._grey, self._window) - mean * self._mean
        score = covariance * torch.rsqrt(variance * self._variance)
        seen = (depth > 0) & (x.abs() < 1) & (y.abs() < 1)
        return torch.where(seen, score.clamp(-1, 1), _NOWHERE)


def pixel_rays(camera: Camera) -> Tensor:
    """The points [3, H, W] at depth 1 that the pixels' centres show, in the camera's axes."""
    device = camera.K.device
    x = (torch.arange(camera.width, device=device) + 0.5 - camera.K[0, 2]) / camera.K[0, 0]
    y = (torch.arange(camera.height, device=device) + 0.5 - camera.K[1, 2]) / camera.K[1, 1]
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)])


def _projection(camera: Camera, rays: Tensor, other: Camera) -> tuple[Tensor, Tensor]:
    """(a [3, H, W], b [3]): at inverse depth d a pixel lies at a + d b in `other`, homogeneous."""
    relative = other.viewmat.double() @ torch.linalg.inv(camera.viewmat.double())
    turn = (other.K.double() @ relative[:3, :3]).float()
    slope = (other.K.double() @ relative[:3, 3]).float()
    return torch.einsum("ij,jhw->ihw", turn, rays), slope


def _moments(maps: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of [D, H, W] over the window around each pixel."""
    mean = _box(maps, window)
    variance = _box(maps * maps, window) - mean * mean
    return mean, variance.clamp_min(_VARIANCE_FLOOR)


def _box(maps: Tensor, window: int) -> Tensor:
    """Means [D, H, W] over a square of `window` px, with zeros beyond the border."""
    half = window // 2
    if maps.device.type == "cuda":
        wide = functional.avg_pool2d(maps[:, None], (1, window), stride=1, padding=(0, half))
        return functional.avg_pool2d(wide, (window, 1), stride=1, padding=(half, 0))[:, 0]
    # Sums of shifted slices: on a CPU six times faster than pooling.
    height, width = maps.shape[1:]
    padded = functional.pad(maps, (half,) * 4)
    wide = padded[..., :width].clone()
    for shift in range(1, window):
        wide += padded[..., shift : shift + width]
    total = wide[:, :height].clone()
    for shift in range(1, window):
        total += wide[:, shift : shift + height]
    return total.mul_(1 / window**2)


def _median(map: Tensor) -> Tensor:
    """The median [H, W] over 3 x 3 px."""
    padded = functional.pad(map[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    return padded.unfold(0, 3, 1).unfold(1, 3, 1).flatten(2).median(dim=-1).values


def _confirm(
    index: int, photos: Sequence[Photo], found: Sequence[Tensor], config: DenseConfig
) -> Tensor:
    """`found[index]` where neighbours' own maps agree, averaged with theirs in inverse depth.

    Agreement is measured where photos measure: as a shift on the neighbour's picture. Where the
    baseline is short, a pixel is much depth, and as little visible.
    """
    photo, own = photos[index], found[index]
    inverse = torch.where(own > 0, 1 / own.clamp_min(1e-12), 0.0)
    total, count = inverse.clone(), torch.ones_like(inverse)
    for theirs, pixels in _seen_by_neighbours(photo, inverse, photos, found):
        shift = (theirs - inverse).abs()
        close = (shift * pixels < config.max_shift) | (shift < config.max_depth_error * inverse)
        agrees = (theirs > 0) & close
        total += torch.where(agrees, theirs, 0.0)
        count += agrees
    # Of two or three neighbours one may well see something in front of it.
    needed = min(config.min_agreeing, max(len(photo.neighbours) // 2, 1))
    good = (own > 0) & (count > needed)
    return torch.where(good, count / total.clamp_min(1e-12), 0.0)


def _seen_by_neighbours(
    photo: Photo, inverse: Tensor, photos: Sequence[Photo], found: Sequence[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each neighbour what its own map says of `photo`'s points, as inverse depth [H, W] in
    `photo` (0 for nothing), and how many of its pixels a unit of inverse depth is there [H, W]."""
    rays = pixel_rays(photo.camera)
    for number in photo.neighbours:
        other = photos[number].camera
        start, slope = _projection(photo.camera, rays, other)
        there = start + inverse * slope[:, None, None]  # homogeneous; z is depth there / depth here
        z = there[2].clamp_min(1e-6)
        x, y = there[0] / z, there[1] / z
        inside = (there[2] > 0) & (x >= 0) & (x < other.width) & (y >= 0) & (y < other.height)
        column = x.clamp(0, other.width - 1).long()
        row = y.clamp(0, other.height - 1).long()
        depth = found[number][row, column]
        # To first order a depth differs by the same factor in both cameras.
        theirs = z / depth.clamp_min(1e-12)
        pixels = torch.hypot(slope[0] - x * slope[2], slope[1] - y * slope[2]) / z
        yield torch.where(inside & (depth > 0) & (inverse > 0), theirs, 0.0), pixels
