"""The three quality figures in plain words.

All are means over held-out photos: ones that the training never saw, so they say how well the
scene looks from new places. The raw figure is the headline and gets the word; the one with each
photo's exposure matched stands beside it, and so does the one at the photos' own size where the
scene was trained on smaller ones. `recon.pipeline.quality` has the limits of the words, and what
each says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.models import Figures, Job
from recon.pipeline.quality import GRADES, LABELS, meaning
from recon.pipeline.words.reasons import Reason
from recon.pipeline.words.texts import looked_up

NOT_MEASURED = _("It was not measured for this scene.")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one metric is read."""

    key: str
    label: str
    digits: str  # a format string for the number
    unit: str

    @property
    def figure(self) -> str:
        """A format string for the number with its unit."""
        return self.digits + self.unit

    @property
    def higher_is_better(self) -> bool:
        return GRADES[self.key].higher_is_better


SCALES = (
    Scale(key="psnr", label="PSNR", digits="{:.1f}", unit=" dB"),
    Scale(key="ssim", label="SSIM", digits="{:.2f}", unit=""),
    Scale(key="lpips", label="LPIPS", digits="{:.2f}", unit=""),
)


def metrics_of(
    job: Job, *, for_staff: bool = False, recorded: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """One dict per metric: key, label, figure, at, own_figure, own_at, spread, corrected,
    value_text, verdict, verdict_label and words.

    `at` is the size that was compared at, in words; `own_figure` and `own_at` are the same at the
    photos' own size, where that is another. `spread` ("± 1.2") is there where every photo was held
    out once, `corrected` is the figure with each photo's exposure matched, where that differs;
    else they are empty. A metric that was not measured is left out; with `for_staff` it comes with
    key, label and `reason`. `recorded` stands in for what `recorded_of` reads.
    """
    recorded = recorded_of(job) if recorded is None else recorded
    return [
        _described(scale, job, recorded)
        for scale in SCALES
        if getattr(job.figures, scale.key) is not None or for_staff
    ]


def _described(scale: Scale, job: Job, recorded: dict[str, Any]) -> dict[str, Any]:
    value = getattr(job.figures, scale.key)
    if value is None:
        return {"key": scale.key, "label": scale.label, "reason": _reason(scale, recorded)}
    word, figure = GRADES[scale.key].word(value), scale.figure.format(value)
    spread = (job.figures.spread or {}).get(scale.key)
    corrected = getattr(job.figures, f"{scale.key}_corrected", None)
    matched = "" if corrected is None else scale.figure.format(corrected)
    label = looked_up(LABELS[word])
    return {
        "key": scale.key,
        "label": scale.label,
        "figure": figure,
        **_sizes(scale, job, recorded),
        "spread": "" if spread is None else f"± {scale.digits.format(spread)}",
        "corrected": "" if matched == figure else matched,
        "value_text": f"{figure}: {label}",
        "verdict": word,
        "verdict_label": label,
        "words": f"{capfirst(meaning(scale.key, word))}.",
        "reason": "",
    }


def _sizes(scale: Scale, job: Job, recorded: dict[str, Any]) -> dict[str, str]:
    """At which size the figure was taken, and the one at the photos' own size."""
    training_size, own = recorded.get("max_image_size"), recorded.get("photo_size")
    value = own_figures(job, recorded).get(scale.label)
    if not training_size or value is None or (own and own <= training_size):
        return {"at": "", "own_figure": "", "own_at": ""}
    own_size = gettext("at the photos’ own size, {size} px").format(size=own) if own else ""
    return {
        "at": gettext("at {size} px").format(size=training_size),
        "own_figure": scale.figure.format(value),
        "own_at": own_size or gettext("at the photos’ own size"),
    }


def own_figures(job: Job, recorded: dict[str, Any]) -> dict[str, float | None]:
    """The figures at the photos' own size by label, where they are not those of the size trained
    at; empty where they were not taken."""
    try:
        table = table_of(job, recorded)
        own: dict[str, float | None] = table["at_photo_size"]
        same = all(own.get(scale.label) == recorded.get(scale.key) for scale in SCALES)
    except (KeyError, TypeError):
        return {}
    return {} if same else own


def table_of(job: Job, recorded: dict[str, Any]) -> dict[str, Any]:
    """The part of results.json that the headline's figures are of. Raises KeyError."""
    if job.figures.protocol == Figures.Protocol.CROSS_VALIDATION:
        table: dict[str, Any] = recorded["cross_validation"]
    else:
        table = recorded[recorded["scene"]]
    return table


def _reason(scale: Scale, recorded: dict[str, Any]) -> str:
    """Why a metric is absent, for staff. LPIPS has reasons of its own: it needs a network's
    weights."""
    reason = Reason.read(recorded.get(f"{scale.key}_reason") or recorded.get("reason"))
    if reason is None:
        return str(NOT_MEASURED)
    return f"{reason.sentence} ({reason.detail})" if reason.detail else reason.sentence


def recorded_of(job: Job) -> dict[str, Any]:
    """What the evaluation wrote down, `output/results.json`; empty where that is gone."""
    try:
        recorded: dict[str, Any] = json.loads(job.workspace.results_json.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return recorded
