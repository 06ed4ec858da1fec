"""Are the photo check's limits fitted to the sets that they are tried on? Each set in turn is left
out, a limit is put halfway between the others' clean photos and their faults, and tried on it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from recon.pipeline.photo_check import check
from recon.pipeline.photo_check.report import CheckReport
from recon.poses.photo_check.photo_look import PhotoLook, colours, quick_pairs

#: The share of faults that may lie on the wrong side when a limit is chosen.
LEFT_ASIDE = 0.1

Scores = dict[str, list[float]]  # by set


@dataclass
class Margins:
    """Scores by measure and set; high means that something is wrong."""

    clean: dict[str, Scores] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    faulty: dict[str, Scores] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def note_clean(self, name: str, photos: list[Path], report: CheckReport) -> None:
        """The scores of a set without faults."""
        looks = _looks(photos)
        self.clean["blurred"][name] += [-photo.sharpness for photo in report.photos]
        for photo, look in looks.items():
            others = [other for key, other in looks.items() if key != photo]
            self.clean["unlike"][name].append(_distance(look, others))
        for a, b in combinations(looks.values(), 2):
            facts = quick_pairs.compare(a.features, b.features)
            self.clean["near_duplicates"][name].append(min(facts.flat, facts.overlap))

    def note_fault(
        self, kind: str, name: str, photos: list[Path], fault: str, report: CheckReport
    ) -> None:
        """The score of the photo `fault` in a set with it."""
        if kind == "blurred":
            [photo] = [photo for photo in report.photos if photo.name == fault]
            self.faulty[kind][name].append(-photo.sharpness)
        looks = _looks(photos)
        others = [look for key, look in looks.items() if key != fault]
        if kind == "stranger":
            self.faulty["unlike"][name].append(_distance(looks[fault], others))
        if kind == "near_duplicates":
            pairs = [quick_pairs.compare(looks[fault].features, o.features) for o in others]
            self.faulty[kind][name].append(max(min(p.flat, p.overlap) for p in pairs))

    def print(self) -> None:
        print("\nLimits chosen without the set that they are tried on:\n")
        print("| measure | set | limit | clean, worst | faults, weakest | caught | false |")
        print("|---" * 7 + "|")
        for measure in self.faulty:
            for name in self.faulty[measure]:
                print(self._row(measure, name))

    def _row(self, measure: str, name: str) -> str:
        clean, faulty = self.clean[measure], self.faulty[measure]
        worst = max(max(scores) for other, scores in clean.items() if other != name)
        weakest = np.quantile(
            [s for other, scores in faulty.items() if other != name for s in scores], LEFT_ASIDE
        )
        limit = (worst + weakest) / 2
        caught, false = np.array(faulty[name]) > limit, np.array(clean[name]) > limit
        extremes = f"{max(clean[name]):.2f} | {min(faulty[name]):.2f}"
        return (
            f"| {measure} | {name} | {limit:.2f} | {extremes} "
            f"| {caught.sum()}/{len(caught)} | {false.sum()}/{len(false)} |"
        )


_seen: dict[Path, PhotoLook] = {}


def _looks(photos: list[Path]) -> dict[str, PhotoLook]:
    """Looks by photo name. The sets' own photos are looked at only once."""
    looks = {}
    for path in photos:
        is_planted = path.parent.name == "faults"
        if is_planted or path not in _seen:
            _seen[path] = check.look_at(path)
        looks[path.name] = _seen[path]
    return looks


def _distance(look: PhotoLook, others: list[PhotoLook]) -> float:
    return min(colours.distance(look.colours, other.colours) for other in others)
