"""Whether two scenes can be compared by their figures, and what these say.

A figure is of the photos that were held out. So one scene is better than another only by photos
that both held out, compared at one size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from django.utils.translation import gettext, ngettext

from recon.models import Job
from recon.web.result.held_out import HeldOut, held_out_of
from recon.web.result.how_made import filter_said
from recon.web.result.metrics import SCALES, Scale, conditions_of

#: Which of a photo's figures are compared: at the size trained at, or at the photo's own.
Size = Literal["at_training", "at_photo"]
#: One photo's figures, by metric.
View = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A photo that both scenes held out."""

    first: HeldOut
    second: HeldOut
    psnr: tuple[str, str] | None = None  # of both, where these can be compared

    def values(self, size: Size) -> tuple[View, View]:
        if size == "at_training":
            return self.first.at_training, self.second.at_training
        return self.first.at_photo, self.second.at_photo


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    label: str
    first: str
    second: str
    better: Literal["first", "second", ""] = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two scenes' figures, side by side."""

    is_fair: bool  # whether one may be called better
    said: str  # what the figures are of, or why they can't be compared
    rows: list[Row]
    pairs: list[Pair]  # the photos that both held out


def compare(first: Job, second: Job) -> Comparison:
    """Their figures over the photos that both held out; otherwise each one's own, and why only
    these.
    """
    pairs = _held_out_by_both(first, second)
    size, why_not = _common_size(first, second, pairs)
    if size is None:
        rows = [_own_row(scale, first, second) for scale in SCALES]
    else:
        rows = [_row(scale, pairs, size) for scale in SCALES]
        pairs = [replace(pair, psnr=_psnr(pair, size)) for pair in pairs]
    return Comparison(
        is_fair=size is not None,
        said=why_not or _said(len(pairs)),
        rows=[*(row for row in rows if row), *_makings(first, second)],
        pairs=pairs,
    )


def by_content(job: Job) -> dict[str, HeldOut]:
    """Held-out photos by SHA-256: another upload of the same photos may name them otherwise."""
    return {one.sha256: one for one in held_out_of(job) if one.sha256}


def _held_out_by_both(first: Job, second: Job) -> list[Pair]:
    own, theirs = by_content(first), by_content(second)
    return [Pair(first=own[one], second=theirs[one]) for one in own if one in theirs]


def _common_size(first: Job, second: Job, pairs: Sequence[Pair]) -> tuple[Size | None, str]:
    """The size at which both have figures of these photos, or None and a sentence."""
    for job in (first, second):
        if job.figures.psnr is None:
            return None, gettext(
                "They can’t be compared by figures: the quality of “{name}” was not measured."
            ).format(name=job.name)
    if not pairs:
        return None, gettext(
            "They can’t be compared by figures: no photo was held out in both, so each was "
            "measured on photos that the other was not."
        )
    training_sizes = [conditions_of(job).max_image_size for job in (first, second)]
    prepared = [job.config.get("preflight", {}).get("max_image_size") for job in (first, second)]
    if training_sizes[0] == training_sizes[1] and (
        training_sizes[0] is not None or prepared[0] == prepared[1]
    ):
        return "at_training", ""
    if prepared[0] == prepared[1]:
        return "at_photo", ""
    return None, gettext(
        "They can’t be compared by figures: they were compared with their photos at different "
        "sizes, and a smaller picture is easier to match."
    )


def _said(count: int) -> str:
    return ngettext(
        "The quality figures are of the {count} photo that both held out.",
        "The quality figures are of the {count} photos that both held out.",
        count,
    ).format(count=count)


def _row(scale: Scale, pairs: Sequence[Pair], size: Size) -> Row | None:
    """One figure over the photos that both held out; None where it was not measured on all."""
    values = [[view[scale.key] for view in pair.values(size)] for pair in pairs]
    known = [[value for value in side if value is not None] for side in zip(*values, strict=True)]
    if any(len(side) < len(pairs) for side in known):
        return None
    first, second = (fmean(side) for side in known)
    texts = scale.figure.format(first), scale.figure.format(second)
    if texts[0] == texts[1]:
        return Row(scale.label, *texts)
    first_is_better = (first > second) == scale.higher_is_better
    return Row(scale.label, *texts, better="first" if first_is_better else "second")


def _psnr(pair: Pair, size: Size) -> tuple[str, str] | None:
    scale = SCALES[0]
    first, second = (view[scale.key] for view in pair.values(size))
    if first is None or second is None:
        return None
    return scale.figure.format(first), scale.figure.format(second)


def _own_row(scale: Scale, first: Job, second: Job) -> Row | None:
    """Each scene's own figure; None where neither has it."""
    values = [getattr(job.figures, scale.key) for job in (first, second)]
    if values == [None, None]:
        return None
    first_text, second_text = (
        "–" if value is None else scale.figure.format(value) for value in values
    )
    return Row(scale.label, first_text, second_text)


def _makings(first: Job, second: Job) -> list[Row]:
    """What they were made with; here more is not better."""
    return [
        _plain(gettext("Gaussians"), first.figures.gaussian_count, second.figures.gaussian_count),
        _plain(gettext("Training steps"), first.figures.iterations, second.figures.iterations),
        Row(gettext("Stray spots removed"), filter_said(first), filter_said(second)),
    ]


def _plain(label: str, first: int | None, second: int | None) -> Row:
    texts = ["–" if value is None else f"{value:,}" for value in (first, second)]
    return Row(label, texts[0], texts[1])
