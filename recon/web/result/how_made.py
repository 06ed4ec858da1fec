"""How a scene was made: the time each step took, and the settings that were used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TypedDict

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.jobs.steps_and_log import StepRow
from recon.models import Job
from recon.pipeline.outcome import Machine, TrainingRecord
from recon.web.left_behind import left_by

_FILTER_SAID = {
    "auto": _("only if quality stays the same"),
    "always": _("always"),
    "never": _("never"),
}


class Timing(TypedDict):
    """A step that took time."""

    label: str
    seconds: float
    share: int  # per cent of the longest


def timings(steps: list[StepRow]) -> list[Timing]:
    """The steps that took time, in order."""
    taken = [(step["label"], step["seconds"]) for step in steps if step["seconds"] is not None]
    longest = max((seconds for _, seconds in taken), default=0.0) or 1.0
    return [
        {"label": label, "seconds": seconds, "share": round(100 * seconds / longest)}
        for label, seconds in taken
    ]


def settings_used(job: Job) -> list[tuple[str, str]]:
    """What people ask about a scene's making: (name, value) pairs; output/cfg_args has the rest.

    Training may have decided its steps from the photos, or used less than requested on a small GPU:
    these are the settings it really used. What a job did not record is left out.
    """
    config, training = job.config, left_by(job, TrainingRecord.read)
    used = asdict(training.settings) if training else config.get("train", {})
    prepared_at = config.get("preflight", {}).get("max_image_size", 0)
    machine = left_by(job, Machine.read)
    found = machine.found if machine else {}
    rows = [
        (gettext("Preset"), job.preset_label),
        (gettext("Photos prepared at"), _pixels(prepared_at)),
        (gettext("Trained at"), _trained_at(training.training_size if training else None)),
        (gettext("Training steps"), _count(used.get("iterations"))),
        (gettext("Gaussians"), _of(job.figures.gaussian_count, used.get("max_gaussians"))),
        (gettext("Colours that change with the view (SH degree)"), _text(used.get("sh_degree"))),
        (gettext("Stray spots removed"), filter_said(job)),
        (gettext("Random seed"), _text(config.get("seed"))),
        (gettext("Machine"), _machine(found)),
        (gettext("Versions"), _versions(found)),
    ]
    return [(name, value) for name, value in rows if value]


def filter_said(job: Job) -> str:
    """When the outlier filter is used."""
    return str(_FILTER_SAID[job.config.get("evaluate", {}).get("outlier_filter", "auto")])


def _machine(found: Mapping[str, str]) -> str:
    """`found` is what the run's machine had, by name."""
    device = found.get("CUDA device", "").split(",")[0]
    return device or found.get("rasteriser", "")


def _versions(found: Mapping[str, str]) -> str:
    named = [f"{name} {found[name]}" for name in ("pycolmap", "torch") if name in found]
    if found.get("rasteriser", "").startswith("gsplat"):
        named.append(found["rasteriser"])
    return ", ".join(named)


def _pixels(size: int | None) -> str:
    """A limit of the longest side; None is none, 0 is not known."""
    if size is None:
        return gettext("their full size")
    return gettext("at most {size} pixels").format(size=size) if size else ""


def _trained_at(size: tuple[int, int] | None) -> str:
    """`size` is width and height, px."""
    if not size:
        return ""
    return gettext("{width} × {height} pixels").format(width=size[0], height=size[1])


def _of(count: int | None, cap: int | None) -> str:
    if count is None:
        return ""
    if not cap:
        return f"{count:,}"
    said = gettext("{count} (at most {cap} while training)")
    return said.format(count=f"{count:,}", cap=f"{cap:,}")


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
