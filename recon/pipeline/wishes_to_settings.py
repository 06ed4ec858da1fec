"""What a person wishes of a scene, turned into the settings that do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recon.pipeline.config import PipelineConfig, from_dict
from recon.pipeline.presets import PRESETS
from recon.pipeline.wishes import QUICK, Wishes


def resolve(
    wishes: Wishes,
    *,
    overrides: Mapping[str, object] | None = None,
    max_iterations: int | None = None,
    max_image_size: int | None = None,
    seed: int | None = None,
) -> PipelineConfig:
    """The settings that fulfil the wishes.

    `overrides` change the preset's settings, nested like `PipelineConfig`
    (`{"train": {"iterations": 500}}`); the wishes come on top. `max_iterations` (steps)
    and `max_image_size` (px) are ceilings, not settings.

    Raises ValueError for an unknown or ill-typed key.
    """
    config = from_dict(overrides or {}, base=PRESETS[wishes.preset])
    config = from_dict(_asked_for(wishes), base=config)
    config = replace(config, make_anyway=config.make_anyway or wishes.make_anyway)
    config = from_dict(_below(config, max_iterations, max_image_size), base=config)
    return config if seed is None else replace(config, seed=seed)


def _asked_for(wishes: Wishes) -> dict[str, dict[str, object]]:
    """The settings that the wishes change, nested like `PipelineConfig`.

    Photos that keep their full size are also trained on at that size, except in the quick preset,
    which is small by definition (its score at full size is still reported).
    """
    changes: dict[str, dict[str, object]] = {
        "preflight": {},
        "mapping": {},
        "train": {},
        "evaluate": {},
        "export": {},
    }
    if wishes.original_resolution:
        changes["preflight"]["max_image_size"] = None
        if wishes.preset != QUICK:
            changes["train"]["max_image_size"] = None
    if wishes.without_poses:
        changes["mapping"]["use_pose_file"] = False
    if wishes.cross_validate:
        changes["evaluate"]["cross_validate"] = True
    if wishes.outlier_filter != "auto":
        changes["evaluate"]["outlier_filter"] = wishes.outlier_filter
    if not wishes.final_refine:
        changes["export"]["final_refine"] = False
    return changes


def _below(
    config: PipelineConfig, max_iterations: int | None, max_image_size: int | None
) -> dict[str, dict[str, object]]:
    """The settings that lie over a ceiling, lowered to it, nested like `PipelineConfig`."""
    changes: dict[str, dict[str, object]] = {"preflight": {}, "train": {}}
    if max_iterations is not None:
        changes["train"]["iterations"] = min(config.train.iterations, max_iterations)
    if max_image_size is not None:
        for name, stage in (("preflight", config.preflight), ("train", config.train)):
            changes[name]["max_image_size"] = _ceiling(stage.max_image_size, max_image_size)
    return changes


def _ceiling(value: int | None, ceiling: int) -> int:
    return ceiling if value is None else min(value, ceiling)
