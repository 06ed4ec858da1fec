"""One word for a scene: the worst that a measure allows, of five, and why."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest

from recon.pipeline.quality import (
    EXCELLENT,
    FOG,
    GOOD,
    LIMITS,
    NOT_A_SCENE,
    POOR,
    USABLE,
    WORDS,
    Evidence,
    verdict_of,
)

BEST = Evidence(psnr=30.0, ssim=0.95, held_out=4, confirmed=0.8, registered=20, total=20)
WORST = Evidence(psnr=8.0, ssim=0.2, held_out=1, confirmed=0.004, registered=4, total=9)


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (BEST, "Excellent: held-out photos and the scene are hard to tell apart"),
        (replace(BEST, registered=4, total=9), "Poor: 4 of 9 photos could be placed"),
        (
            replace(BEST, confirmed=0.04),
            "Poor: photos confirm each other’s depth in 4% of what they show",
        ),
        (
            replace(BEST, psnr=9.0),
            "Poor: held-out photos are matched badly, so expect blur and stray spots",
        ),
        (replace(BEST, ssim=0.2), "Poor: the structure of held-out photos is largely lost"),
        (WORST, "Not a scene: held-out photos can’t be recognised in it"),
        (
            replace(BEST, confirmed=None, registered=None, total=None),
            "Excellent: held-out photos and the scene are hard to tell apart",
        ),
        (replace(BEST, psnr=None, ssim=None), "Not measured: there are no figures for this scene"),
        (
            replace(BEST, psnr=None, ssim=None, registered=3, total=9),
            "Poor: 3 of 9 photos could be placed",
        ),
        (Evidence(), "Not measured: there are no figures for this scene"),
    ],
)
def test_the_worst_decides_and_says_why(evidence: Evidence, sentence: str) -> None:
    verdict = verdict_of(evidence)
    assert verdict.sentence == sentence
    assert verdict.is_poor == sentence.startswith(("Poor", "Not a scene"))
    assert bool(verdict.advice) == verdict.is_poor, "who has a poor scene reads what to shoot next"


def with_value(name: str, value: float) -> Evidence:
    if name == "placed":
        return replace(BEST, registered=round(value * 1000), total=1000)
    return replace(BEST, **{name: value})


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_belongs_to_the_better_word(name: str) -> None:
    limits = LIMITS[name]
    at_and_below = [(limits.excellent, EXCELLENT, GOOD), (limits.good, GOOD, USABLE),
                    (limits.usable, USABLE, POOR)]  # fmt: skip
    for limit, at, below in at_and_below:
        assert verdict_of(with_value(name, limit)).word == at
        assert verdict_of(with_value(name, limit - 0.002)).word == below


def test_no_measure_makes_a_scene_worse_by_being_better() -> None:
    """Over every combination of values below, on and above all limits."""
    steps = {
        name: sorted({0.0, limits.usable, limits.good, limits.excellent, FOG.get(name, 0.0), 40.0})
        for name, limits in LIMITS.items()
        if name != "placed"
    }
    measured, placed = [steps[name] for name in ("psnr", "ssim", "confirmed")], [1, 5, 8, 9, 10]
    grid = list(product(*measured, placed))

    def rank(psnr: float, ssim: float, confirmed: float, registered: int) -> int:
        return WORDS.index(
            verdict_of(
                Evidence(psnr=psnr, ssim=ssim, confirmed=confirmed, registered=registered, total=10)
            ).word
        )

    ranks = {point: rank(*point) for point in grid}
    assert set(ranks.values()) == set(range(len(WORDS))), "every word occurs"
    for point in grid:
        for at, values in enumerate((*measured, placed)):
            for lower, higher in pairwise(values):
                if point[at] == lower:
                    better = (*point[:at], higher, *point[at + 1 :])
                    assert ranks[better] <= ranks[point], (point, better)


@pytest.mark.parametrize("name", FOG)
def test_one_bad_measure_alone_is_no_fog(name: str) -> None:
    assert verdict_of(WORST).word == NOT_A_SCENE
    better = replace(WORST, **{name: FOG[name]})
    assert verdict_of(better).word == POOR
    assert verdict_of(replace(WORST, **{name: None})).word == POOR, "what is not known is no proof"


def test_words_without_a_fault_speak_of_likeness() -> None:
    good = replace(BEST, psnr=LIMITS["psnr"].good)
    assert verdict_of(good).code == "psnr"
    usable = replace(BEST, psnr=LIMITS["psnr"].usable, registered=12)
    assert (verdict_of(usable).word, verdict_of(usable).code) == (USABLE, "placed")
