"""One word for a scene: the worse of those for its figures and for how many photos were placed."""

from __future__ import annotations

import pytest

from recon.pipeline.quality import FIGURES, verdict_of


@pytest.mark.parametrize(
    ("figures", "placed", "sentence"),
    [
        ((24.0, 0.85, 0.2), (8, 8), "Good: held-out photos are matched closely"),
        ((24.0, 0.85, None), (8, 8), "Good: held-out photos are matched closely"),
        ((24.0, 0.85, 0.2), (9, 10), "Good: held-out photos are matched closely"),
        ((24.0, 0.85, 0.2), (8, 10), "Fair: 8 of 10 photos could be placed"),
        ((24.0, 0.85, 0.2), (4, 8), "Poor: 4 of 8 photos could be placed"),
        ((24.0, 0.7, 0.2), (8, 8), "Fair: large structures of held-out photos are right, fine ones"
         " are soft"),
        ((14.0, 0.85, 0.2), (8, 8), "Poor: held-out photos are matched badly, so expect blur and"
         " stray spots"),
        ((14.0, 0.3, 0.7), (4, 8), "Poor: 4 of 8 photos could be placed"),  # what can be improved
        ((24.0, 0.85, 0.6), (8, 10), "Poor: to the eye, held-out photos and the scene look nothing"
         " alike"),
        ((24.0, 0.85, 0.2), (None, None), "Good: held-out photos are matched closely"),
        ((None, None, None), (8, 8), "Not measured: there are no figures for this scene"),
        ((None, None, None), (8, 10), "Not measured: there are no figures for this scene"),
        ((None, None, None), (3, 8), "Poor: 3 of 8 photos could be placed"),
    ],
)  # fmt: skip
def test_the_worst_decides_and_says_why(
    figures: tuple[float | None, ...], placed: tuple[int | None, int | None], sentence: str
) -> None:
    registered, total = placed
    verdict = verdict_of(
        dict(zip(FIGURES, figures, strict=True)), registered=registered, total=total
    )
    assert verdict.sentence == sentence
    assert verdict.is_poor == sentence.startswith("Poor")
