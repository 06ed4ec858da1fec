"""A guess at what each step of a job takes, from its photos and settings alone.

Only the proportions matter once a machine has past runs (`recon.pipeline.forecast.time_left`). The
numbers are those of docs/measurements/jobs.md: two CPU cores without a GPU, and sixteen
with one H100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recon.pipeline.after_training.turntable_size import video_size
from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Step
from recon.poses import splits

_FEATURES = 5000  # of a photo of one megapixel, about; fewer in smaller ones


@dataclass(frozen=True)
class Plan:
    """What a job asks for, and the guess."""

    photos: int
    megapixels: float  # of a photo, mean, as sent
    preset: str
    folds: int  # trainings that cross-validation adds; 0 where one split does
    seconds: dict[Step, float]


def plan_of(sizes: Sequence[tuple[int, int]], config: PipelineConfig, *, gpu: bool) -> Plan:
    """The plan for photos of these sizes (width, height in px), at least one."""
    photos = len(sizes)
    sent = sum(w * h for w, h in sizes) / 1e6
    prepared = _total(sizes, config.preflight.max_image_size)
    pairs = photos * (photos - 1) / 2
    features = min(config.features.max_num_features, _FEATURES * (prepared / photos) ** 0.7)
    compared = pairs * (features / 8192) ** 2
    folds = _folds(config, photos)
    longest = min(config.train.max_image_size or 10**6, config.preflight.max_image_size or 10**6)
    steps = steps_of(config, photos)
    pixels = _total(sizes, longest) / photos
    one = _step_seconds(pixels, photos, gpu=gpu)
    training = _dense_seconds(config, pixels, photos, gpu=gpu) + steps * one
    finishing = config.train.final_refine * steps * one if config.export.final_refine else 0.0
    filming = _filming_seconds(config, sizes, steps, one, gpu=gpu)
    mapping = 0.09 * photos**1.4 * features / 2500
    if gpu:
        seconds = {
            Step.PREFLIGHT: 0.7 + 0.06 * sent,
            # A photo is one thread's work: with a core for each, a photo's size decides.
            Step.COLMAP_FEAT: 0.4 + 2.0 * prepared / photos + 0.13 * prepared,
            Step.COLMAP_MATCH: 0.4 + 0.03 * compared,
            Step.COLMAP_MAP: 0.5 + 1.4 * mapping,
            Step.COLMAP_UNDIST: 0.2 + 0.03 * prepared,
            Step.GS_TRAIN: 1.3 + training,
            Step.EVALUATION: 0.5 + 0.08 * photos + 0.6 * pixels + folds * (1.3 + training),
            Step.EXPORT_PLY: 3.0 + finishing + filming,
        }
    else:
        seconds = {
            Step.PREFLIGHT: 0.3 + 0.03 * sent,
            Step.COLMAP_FEAT: 0.3 + 0.7 * prepared,
            Step.COLMAP_MATCH: 0.3 + 0.17 * compared,
            Step.COLMAP_MAP: 0.3 + mapping,
            Step.COLMAP_UNDIST: 0.1 + 0.05 * prepared,
            Step.GS_TRAIN: 1.0 + training,
            Step.EVALUATION: 0.5 + 0.05 * photos + folds * (1.0 + training),
            Step.EXPORT_PLY: 1.2 + finishing + filming,
        }
    return Plan(photos, sent / photos, config.preset, folds, seconds)


def steps_of(config: PipelineConfig, photos: int) -> int:
    """Training steps, if all photos find a place."""
    return config.train.steps_for(len(_to_train(config, photos)))


def _to_train(config: PipelineConfig, photos: int) -> list[str]:
    held = config.undistort
    to_train, _ = splits.split(
        _names(photos),
        every=held.holdout_every,
        offset=held.holdout_offset,
        offset_few=held.holdout_offset_few,
    )
    return to_train


def _folds(config: PipelineConfig, photos: int) -> int:
    """Trainings besides the job's own, whose split is one of the folds."""
    if not config.cross_validates(photos):
        return 0
    return len(splits.folds(_names(photos), every=config.undistort.holdout_every)) - 1


def _names(photos: int) -> list[str]:
    return [f"{number:03d}" for number in range(photos)]


def _step_seconds(megapixels: float, photos: int, *, gpu: bool) -> float:
    """Seconds of one training step on a photo of that size.

    Few photos make few Gaussians, which count on a CPU.
    """
    if gpu:
        return 0.0032 + 0.0013 * megapixels
    return 0.014 + 0.175 * megapixels * (1 - math.exp(-photos / 6))


def _dense_seconds(config: PipelineConfig, megapixels: float, photos: int, *, gpu: bool) -> float:
    """Seconds of the dense start: each photo to train on is held against some of the others."""
    count = len(_to_train(config, photos))
    held_against = count * min(count - 1, config.train.dense.compared)
    return held_against * megapixels * (0.03 if gpu else 3.8)


def _filming_seconds(
    config: PipelineConfig, sizes: Sequence[tuple[int, int]], steps: int, one: float, *, gpu: bool
) -> float:
    """Seconds of the turntable video. On a CPU a frame is drawn in about half a training step,
    `one` seconds; a GPU waits for the encoder, which minds the pixels."""
    if not config.export.turntable:
        return 0.0
    video = video_size(
        gpu=gpu,
        steps=steps,
        trained_size=config.train.max_image_size,
        most_pixels=config.export.turntable_size,
    )
    if not gpu:
        return video.frames * one * 0.45
    largest = min(video.longest, config.preflight.max_image_size or video.longest)
    return video.frames * (0.004 + 0.012 * _total(sizes, largest) / len(sizes))


def _total(sizes: Sequence[tuple[int, int]], longest: int | None) -> float:
    """Megapixels of all photos, each shrunk to `longest` px on its longest side."""
    shrunk = (min(1.0, longest / max(size)) ** 2 if longest else 1.0 for size in sizes)
    return sum(w * h * s for (w, h), s in zip(sizes, shrunk, strict=True)) / 1e6
