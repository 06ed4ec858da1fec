"""The three quality figures, and what each is.

All are means over held-out photos: ones that the training never saw, so they say how well the
scene looks from new places. The raw figure is the headline; the one with each photo's exposure
matched stands beside it, and so does the one at the photos' own size where the scene was trained on
smaller ones. None of them has a word of its own: the scene has one (`measures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.models import Job
from recon.pipeline.results import Conditions, Results
from recon.web.left_behind import left_by

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOT_MEASURED = _("It was not measured for this scene.")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one metric is read."""

    key: str
    label: str
    digits: str  # a format string for the number
    unit: str
    said: StrOrPromise  # what it is
    higher_is_better: bool = True

    @property
    def figure(self) -> str:
        """A format string for the number with its unit."""
        return self.digits + self.unit


SCALES = (
    Scale(
        key="psnr", label="PSNR", digits="{:.1f}", unit=" dB",
        said=_("How close the colours come to those of held-out photos. Higher is better."),
    ),
    Scale(
        key="ssim", label="SSIM", digits="{:.2f}", unit="",
        said=_("How well edges and structures match those of held-out photos. Higher is better."),
    ),
    Scale(
        key="lpips", label="LPIPS", digits="{:.2f}", unit="", higher_is_better=False,
        said=_("How different held-out photos and the scene look to the eye. Lower is better."),
    ),
)  # fmt: skip


class Metric(TypedDict):
    """What a card says about one metric; for one that was not measured, only key, label and
    reason."""

    key: str
    label: str
    reason: str  # why it was not measured; empty where it was
    figure: NotRequired[str]
    at: NotRequired[str]  # the size that was compared at, in words
    own_figure: NotRequired[str]  # at the photos' own size, where that is another; else empty
    own_at: NotRequired[str]  # that size, in words
    spread: NotRequired[str]  # "± 1.2" where every photo was held out once; else empty
    corrected: NotRequired[str]  # with each photo's exposure matched, where that differs
    said: NotRequired[str]  # what the figure is


def metrics_of(
    job: Job, *, for_staff: bool = False, conditions: Conditions | None = None
) -> list[Metric]:
    """The metrics that were measured; with `for_staff` also the others, each with its reason.
    `conditions` stands in for what `conditions_of` reads."""
    conditions = conditions or conditions_of(job)
    return [
        _described(scale, job, conditions)
        for scale in SCALES
        if getattr(job.figures, scale.key) is not None or for_staff
    ]


def _described(scale: Scale, job: Job, conditions: Conditions) -> Metric:
    value = getattr(job.figures, scale.key)
    if value is None:
        return {"key": scale.key, "label": scale.label, "reason": _reason(scale, conditions)}
    figure = scale.figure.format(value)
    spread = (job.figures.spread or {}).get(scale.key)
    corrected = getattr(job.figures, f"{scale.key}_corrected", None)
    matched = "" if corrected is None else scale.figure.format(corrected)
    sizes = _sizes(scale, conditions)
    return {
        "key": scale.key,
        "label": scale.label,
        "figure": figure,
        "at": sizes.at,
        "own_figure": sizes.own_figure,
        "own_at": sizes.own_at,
        "spread": "" if spread is None else f"± {scale.digits.format(spread)}",
        "corrected": "" if matched == figure else matched,
        "said": str(scale.said),
        "reason": "",
    }


@dataclass(frozen=True)
class _Sizes:
    """At which size the figure was taken, and the one at the photos' own size."""

    at: str = ""
    own_figure: str = ""
    own_at: str = ""


def _sizes(scale: Scale, conditions: Conditions) -> _Sizes:
    training_size, own = conditions.max_image_size, conditions.photo_size
    value = conditions.at_photo.get(scale.key)
    if not training_size or value is None or own is None or own <= training_size:
        return _Sizes()
    return _Sizes(
        at=gettext("at {size} px").format(size=training_size),
        own_figure=scale.figure.format(value),
        own_at=gettext("at the photos’ own size, {size} px").format(size=own),
    )


def _reason(scale: Scale, conditions: Conditions) -> str:
    """Why a metric is absent, for staff. LPIPS has reasons of its own: it needs a network's
    weights."""
    reason = (conditions.lpips_reason if scale.key == "lpips" else None) or conditions.reason
    if reason is None:
        return str(NOT_MEASURED)
    return f"{reason.sentence} ({reason.detail})" if reason.detail else reason.sentence


def conditions_of(job: Job) -> Conditions:
    """How the job's figures were taken; empty if that is gone."""
    results = left_by(job, Results.read)
    return results.conditions if results else Conditions()
