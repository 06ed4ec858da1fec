"""Every error code has a text for a person and a paragraph in the troubleshooting guide."""

import re
import string
from pathlib import Path

import pytest

from recon.pipeline.errors import EXPLANATIONS, UserError, explain

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "TROUBLESHOOTING.md"


def test_the_guide_answers_every_code_and_no_other() -> None:
    headings = set(re.findall(r"^### `(\w+)`", GUIDE.read_text(), flags=re.MULTILINE))
    assert headings == set(EXPLANATIONS)


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_an_explanation_reads_as_sentences(code: str) -> None:
    found = EXPLANATIONS[code]
    texts = (found.title, found.advice, found.for_staff)
    facts = {name: 7 for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    explained = explain(code, facts)
    assert explained.title[0].isupper() or explained.title[0] in "“7"
    assert explained.title[-1] in ".:7"
    assert explained.advice.endswith(".")
    assert explained.for_staff[-1:] in ("", ".")
    assert "{" not in explained.sentence + explained.staff_sentence


def test_a_user_error_carries_its_facts_and_its_sentence() -> None:
    error = UserError("too_few_registered", registered=2, total=9)
    assert error.facts == {"registered": 2, "total": 9}
    assert str(error).startswith("Only 2 of 9 photos")


def test_a_missing_fact_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        UserError("too_few_registered", registered=2)
