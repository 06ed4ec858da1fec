"""A scene's figures on photos that it never saw, and their form in results.json.

Metric names, and the tables of means and single photos, are those of graphdeco's 3D Gaussian
Splatting (`results.json`, `per_view.json`). No torch: the site reads these.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict


class View(TypedDict):
    """One photo's figures, or the means over all, as graphdeco names them."""

    PSNR: float | None
    SSIM: float | None
    LPIPS: float | None


class Means(View):
    """Means, and the figures of every photo by its name."""

    per_view: dict[str, View]


class WithCorrected(Means):
    """The same beside those with each photo's exposure matched."""

    corrected: Means


class Table(WithCorrected):
    """All of a model: at the size trained at, and at the photos' own."""

    at_photo_size: WithCorrected


METRICS = ("psnr", "ssim", "lpips")  # dB; -1 to 1; 0 is identical
_OF_CORRECTED = "_corrected"
#: The same of the render in each photo's own exposure (`exposure.expose_crosswise`).
CORRECTED = tuple(metric + _OF_CORRECTED for metric in METRICS)


@dataclass(frozen=True)
class Scores:
    """One model's held-out quality at one picture size."""

    per_view: dict[str, dict[str, float | None]]  # photo name -> metric -> value

    @property
    def means(self) -> dict[str, float | None]:
        """Each metric's mean over the photos, raw and corrected; None where it is absent."""
        return {metric: _mean(self._known(metric)) for metric in METRICS + CORRECTED}

    @property
    def spreads(self) -> dict[str, float | None]:
        """Each metric's sample standard deviation over the photos; None for fewer than two."""
        known = {metric: self._known(metric) for metric in METRICS + CORRECTED}
        return {m: statistics.stdev(vs) if len(vs) > 1 else None for m, vs in known.items()}

    def to_table(self) -> WithCorrected:
        """The same under graphdeco's names, means first, then per view; `corrected` beside it."""
        return {**self._table(""), "corrected": self._table(_OF_CORRECTED)}

    @classmethod
    def of_table(cls, table: WithCorrected) -> Scores:
        """Those that `to_table` wrote."""
        raw, corrected = table["per_view"], table["corrected"]["per_view"]
        return cls(
            {
                name: _values(view, "") | _values(corrected[name], _OF_CORRECTED)
                for name, view in raw.items()
            }
        )

    def _known(self, metric: str) -> list[float]:
        values = [scores[metric] for scores in self.per_view.values()]
        return [value for value in values if value is not None]

    def _table(self, kind: str) -> Means:
        per_view = {name: _view(scores, kind) for name, scores in self.per_view.items()}
        return {**_view(self.means, kind), "per_view": per_view}


def _view(values: Mapping[str, float | None], kind: str) -> View:
    """`kind` is "" or `_OF_CORRECTED`."""
    return {
        "PSNR": values["psnr" + kind],
        "SSIM": values["ssim" + kind],
        "LPIPS": values["lpips" + kind],
    }


def _values(view: View, kind: str) -> dict[str, float | None]:
    names = ("psnr" + kind, "ssim" + kind, "lpips" + kind)
    return dict(zip(names, (view["PSNR"], view["SSIM"], view["LPIPS"]), strict=True))


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


@dataclass(frozen=True)
class ScoresAtSizes:
    """One model's figures."""

    at_training: Scores  # at the size that it was trained at
    at_photo: Scores  # at the photos' own size

    @classmethod
    def merge(cls, parts: Sequence[ScoresAtSizes]) -> ScoresAtSizes:
        """The figures of several models on photos of their own, as one."""

        def merged(scores: Iterable[Scores]) -> Scores:
            found = {name: view for one in scores for name, view in one.per_view.items()}
            return Scores(dict(sorted(found.items())))

        return cls(merged(p.at_training for p in parts), merged(p.at_photo for p in parts))

    def to_table(self) -> Table:
        """For results.json: the figures at the size trained at, the others inside."""
        return {**self.at_training.to_table(), "at_photo_size": self.at_photo.to_table()}

    @classmethod
    def of_table(cls, table: Table) -> ScoresAtSizes:
        """Those that `to_table` wrote."""
        return cls(Scores.of_table(table), Scores.of_table(table["at_photo_size"]))
