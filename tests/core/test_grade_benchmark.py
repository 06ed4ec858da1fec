"""The scenes that a person looked at, and how the limits were checked against them."""

from __future__ import annotations

import pytest

from benchmarks import grade
from recon.pipeline.quality import LIMITS, NOT_A_SCENE, WORDS, Limits, verdict_of

ROWS = grade.read(grade.DATA)


def test_the_words_that_a_person_gave_are_ours() -> None:
    assert {row["person"] for row in ROWS} <= set(WORDS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["scene"]))
def test_the_grade_is_within_one_word_of_the_person_s(row: grade.Row) -> None:
    word = verdict_of(grade.evidence_of(row)).word
    assert word == grade.word_by(LIMITS, row), "the benchmark judges as the product does"
    assert grade.distance(word, row["person"]) <= 1


def test_no_scene_that_a_person_would_take_is_refused() -> None:
    refused = [r for r in ROWS if verdict_of(grade.evidence_of(r)).word == NOT_A_SCENE]
    assert {row["person"] for row in refused} <= {NOT_A_SCENE}


def test_limits_are_found_again_from_words_made_with_them() -> None:
    """Scenes that differ in one measure, worded by known limits, lead back to these."""
    rows = [
        {"scene": f"a-{n}", "photos": "9", "placed": "9", "corrected": f"{psnr}", "SSIM": "0.99",
         "confirmed": "0.9", "person": ""}
        for n, psnr in enumerate((8, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29))
    ]  # fmt: skip
    truth = {**LIMITS, "psnr": Limits(12.0, 18.0, 26.0)}
    rows = [row | {"person": grade.word_by(truth, row)} for row in rows]
    fitted = grade.fit(rows)
    assert [grade.word_by(fitted, row) for row in rows] == [row["person"] for row in rows]
    assert fitted["psnr"] == Limits(12.0, 18.0, 26.0)
    assert fitted["ssim"] == Limits(0.0, 0.0, 0.0), "nothing was to be learnt of it"
