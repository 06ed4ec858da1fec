"""The three quality figures in plain words.

All are means over held-out photos: ones that the training never saw, so they say how well the
scene looks from new places. "Good" begins where the prototype drew the line: PSNR over 20 dB, SSIM
over 0.8, LPIPS under 0.3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from recon.models import Job

NOT_MEASURED = "It was not measured for this scene."


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one metric is read."""

    key: str
    label: str
    figure: str  # a format string for the number
    good: float
    fair: float
    higher_is_better: bool
    words: dict[str, str]

    def verdict(self, value: float) -> str:
        """ "good", "fair" or "poor"; a value exactly on a limit has not passed it."""
        sign = 1 if self.higher_is_better else -1
        if sign * value > sign * self.good:
            return "good"
        return "fair" if sign * value > sign * self.fair else "poor"


SCALES = (
    Scale(
        key="psnr",
        label="PSNR",
        figure="{:.1f} dB",
        good=20.0,
        fair=16.0,
        higher_is_better=True,
        words={
            "good": "Held-out photos are matched closely, pixel by pixel.",
            "fair": "Held-out photos are recognisable, with visible differences.",
            "poor": "Held-out photos are matched badly: expect blur and floating spots.",
        },
    ),
    Scale(
        key="ssim",
        label="SSIM",
        figure="{:.2f}",
        good=0.8,
        fair=0.6,
        higher_is_better=True,
        words={
            "good": "Edges and structures of held-out photos are where they should be.",
            "fair": "Large structures of held-out photos are right; fine ones are soft.",
            "poor": "The structure of held-out photos is largely lost.",
        },
    ),
    Scale(
        key="lpips",
        label="LPIPS",
        figure="{:.2f}",
        good=0.3,
        fair=0.5,
        higher_is_better=False,
        words={
            "good": "To the eye, held-out photos and the scene look alike.",
            "fair": "To the eye, held-out photos and the scene differ noticeably.",
            "poor": "To the eye, held-out photos and the scene look unlike each other.",
        },
    ),
)


def metrics_of(job: Job, *, public: bool = False) -> list[dict[str, Any]]:
    """One dict per metric: key, label, figure, value_text, verdict, words, reason.

    A metric that is absent has only key, label and `reason`; the others are empty strings. With
    `public` the reason is a general one: the recorded one may quote a photo's name.
    """
    absent = any(getattr(job, scale.key) is None for scale in SCALES)
    recorded = _recorded(job) if absent and not public else {}
    return [
        _described(scale, getattr(job, scale.key), _reason(scale, recorded)) for scale in SCALES
    ]


def measurement_of(job: Job) -> dict[str, Any]:
    """How the figures were measured: held_out and trained (photos), size (px, the longest side
    compared, None for the photos' own), own_size (figures at the photos' own, where they differ).

    Empty where nothing was recorded.
    """
    recorded = _recorded(job)
    try:
        split, size = recorded["split"], recorded["max_image_size"]
        own = recorded[recorded["scene"]]["at_photo_size"]
    except KeyError:
        return {}
    figures = [
        f"{scale.label} {scale.figure.format(own[scale.label])}"
        for scale in SCALES
        if own.get(scale.label) is not None and own[scale.label] != recorded[scale.key]
    ]
    return {
        "held_out": len(split["test"]),
        "trained": len(split["train"]),
        "size": size,
        "own_size": ", ".join(figures),
    }


def _described(scale: Scale, value: float | None, reason: str) -> dict[str, Any]:
    if value is None:
        empty = dict.fromkeys(("figure", "value_text", "verdict", "words"), "")
        return {"key": scale.key, "label": scale.label, "reason": reason, **empty}
    verdict, figure = scale.verdict(value), scale.figure.format(value)
    return {
        "key": scale.key,
        "label": scale.label,
        "figure": figure,
        "value_text": f"{figure}: {verdict}",
        "verdict": verdict,
        "words": scale.words[verdict],
        "reason": "",
    }


def _reason(scale: Scale, recorded: dict[str, Any]) -> str:
    """Why a metric is absent. LPIPS has reasons of its own: it needs a network's weights."""
    own = recorded.get(f"{scale.key}_reason")
    return str(own or recorded.get("reason") or NOT_MEASURED)


def _recorded(job: Job) -> dict[str, Any]:
    """What the evaluation wrote down, `output/results.json`; empty where that is gone."""
    try:
        recorded: dict[str, Any] = json.loads(job.workspace.results_json.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return recorded
