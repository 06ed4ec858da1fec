"""The three quality figures in plain words.

All are means over held-out photos: ones that the training never saw, so they say how well the
scene looks from new places. The raw figure is the headline and gets the word; the one with each
photo's exposure matched stands beside it. "Good" begins where the prototype drew the line: PSNR
over 20 dB, SSIM over 0.8, LPIPS under 0.3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from recon.models import Job
from recon.pipeline.texts import looked_up

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOT_MEASURED = _("It was not measured for this scene.")

VERDICTS = {"good": _("good"), "fair": _("fair"), "poor": _("poor")}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one metric is read."""

    key: str
    label: str
    digits: str  # a format string for the number
    unit: str
    good: float
    fair: float
    higher_is_better: bool
    words: dict[str, StrOrPromise]

    @property
    def figure(self) -> str:
        """A format string for the number with its unit."""
        return self.digits + self.unit

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
        digits="{:.1f}",
        unit=" dB",
        good=20.0,
        fair=16.0,
        higher_is_better=True,
        words={
            "good": _("Held-out photos are matched closely, pixel by pixel."),
            "fair": _("Held-out photos are recognisable, with visible differences."),
            "poor": _("Held-out photos are matched badly: expect blur and stray spots."),
        },
    ),
    Scale(
        key="ssim",
        label="SSIM",
        digits="{:.2f}",
        unit="",
        good=0.8,
        fair=0.6,
        higher_is_better=True,
        words={
            "good": _("Edges and structures of held-out photos are where they should be."),
            "fair": _("Large structures of held-out photos are right; fine ones are soft."),
            "poor": _("The structure of held-out photos is largely lost."),
        },
    ),
    Scale(
        key="lpips",
        label="LPIPS",
        digits="{:.2f}",
        unit="",
        good=0.3,
        fair=0.5,
        higher_is_better=False,
        words={
            "good": _("To the eye, held-out photos and the scene look alike."),
            "fair": _("To the eye, held-out photos and the scene differ noticeably."),
            "poor": _("To the eye, held-out photos and the scene look nothing alike."),
        },
    ),
)


def metrics_of(job: Job, *, public: bool = False) -> list[dict[str, Any]]:
    """One dict per metric: key, label, figure, spread, corrected, value_text, verdict, words
    and reason.

    `spread` ("± 1.2") is there where every photo was held out once, `corrected` is the figure with
    each photo's exposure matched, where that differs; else they are empty. A metric that is absent
    has only key, label and `reason`; the others are empty strings. With `public` the reason is a
    general one: the recorded one may quote a photo's name.
    """
    absent = any(getattr(job, scale.key) is None for scale in SCALES)
    recorded = recorded_of(job) if absent and not public else {}
    return [_described(scale, job, _reason(scale, recorded)) for scale in SCALES]


def _described(scale: Scale, job: Job, reason: str) -> dict[str, Any]:
    value = getattr(job, scale.key)
    if value is None:
        texts = ("figure", "spread", "corrected", "value_text", "verdict", "words")
        empty = dict.fromkeys(texts, "")
        return {"key": scale.key, "label": scale.label, "reason": reason, **empty}
    verdict, figure = scale.verdict(value), scale.figure.format(value)
    spread = (job.spread or {}).get(scale.key)
    corrected = getattr(job, f"{scale.key}_corrected", None)
    matched = "" if corrected is None else scale.figure.format(corrected)
    return {
        "key": scale.key,
        "label": scale.label,
        "figure": figure,
        "spread": "" if spread is None else f"± {scale.digits.format(spread)}",
        "corrected": "" if matched == figure else matched,
        "value_text": f"{figure}: {VERDICTS[verdict]}",
        "verdict": verdict,
        "words": str(scale.words[verdict]),
        "reason": "",
    }


def _reason(scale: Scale, recorded: dict[str, Any]) -> str:
    """Why a metric is absent. LPIPS has reasons of its own: it needs a network's weights."""
    own = recorded.get(f"{scale.key}_reason")
    reason = own or recorded.get("reason")
    return looked_up(str(reason)) if reason else str(NOT_MEASURED)


def recorded_of(job: Job) -> dict[str, Any]:
    """What the evaluation wrote down, `output/results.json`; empty where that is gone."""
    try:
        recorded: dict[str, Any] = json.loads(job.workspace.results_json.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return recorded
