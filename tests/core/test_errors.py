"""Every error code has a text for a person and a paragraph in the troubleshooting guide."""

import re
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from recon.pipeline.errors import UserError, explain
from recon.pipeline.words.error_texts import EXPLANATIONS
from recon.pipeline.words.explanation import FilledExplanation
from recon.pipeline.words.photo_names import KnownPhoto, PhotoNames

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "use" / "troubleshooting.md"


def test_the_guide_answers_every_code_and_no_other() -> None:
    headings = set(re.findall(r"^### `(\w+)`", GUIDE.read_text(), flags=re.MULTILINE))
    assert headings == set(EXPLANATIONS)


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_an_explanation_reads_as_sentences(code: str) -> None:
    found = EXPLANATIONS[code]
    parsed = (part for text in found.texts for part in string.Formatter().parse(text))
    facts: dict[str, Any] = {name: 7 for _, name, _, _ in parsed if name}
    facts |= {"reason": {"code": "out_of_memory"}}
    for count in (0, 1, 7):
        counting = getattr(found.title, "by", "nothing")
        reads_as_sentences(explain(code, facts | {counting: count}))


def reads_as_sentences(explained: FilledExplanation) -> None:
    assert explained.title[0].isupper() or explained.title[0] in "“017"
    assert explained.title[-1] in ".:7"
    assert explained.advice.endswith(".")
    assert explained.for_staff[-1:] in ("", ".")
    assert "{" not in explained.sentence + explained.staff_sentence


#: Facts about the machine rather than about what a person sent or is allowed.
MACHINE_FACTS = {"problem", "folder"}
#: Words of use only to whoever runs the machine: settings, commands, paths.
TECHNICAL = re.compile(r"`|\b[A-Z]+_[A-Z_]+\b|manage\.py|\blogs?\b|\B/\w+/|traceback|GPU with")


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_what_is_technical_is_said_to_whoever_runs_the_site_only(code: str) -> None:
    found = EXPLANATIONS[code]
    for text in set(found.texts) - {found.for_staff}:
        named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert not named & MACHINE_FACTS
        assert not TECHNICAL.search(text), text
    asked = "whoever runs this site" in found.advice
    assert found.for_staff or not asked or code == "last_superuser", "no text for staff"


def test_a_user_error_carries_its_facts_and_its_sentence() -> None:
    error = UserError("too_few_registered", registered=2, total=9)
    assert error.facts == {"registered": 2, "total": 9}
    assert str(error).startswith("Only 2 of 9 photos")


def test_a_missing_fact_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        UserError("too_few_registered", registered=2)


@pytest.mark.parametrize(
    ("code", "facts", "title"),
    [
        ("too_few_photos", {"count": 0}, "There are no photos yet; a scene needs 3 to 20."),
        ("too_few_photos", {"count": 1}, "There is 1 photo; a scene needs 3 to 20."),
        ("too_few_photos", {"count": 2}, "There are 2 photos; a scene needs 3 to 20."),
        ("too_few_registered", {"registered": 0}, "None of the 6 photos could be placed."),
        ("quota_active_jobs", {"limit": 1},
         "You can have 1 scene waiting or running at a time, and you already do."),
        ("quota_jobs_a_day", {"limit": 1}, "You can start 1 scene a day, and today’s is used up."),
        ("too_many_videos", {"limit": 1}, "A scene takes frames from at most 1 video."),
        ("timed_out", {"minutes": 1}, "The run took longer than the limit of 1 minute."),
        ("worker_lost", {"attempts": 1}, "The worker stopped in the middle of the run."),
        ("photos_in_groups", {"count": 1, "photo_groups": [["a.jpg", "b.jpg"]]},
         "1 group of photos fits together, but not with the scene: a.jpg, b.jpg."),
        ("photos_left_out", {"count": 1, "photos": ["a.jpg"]},
         "1 of 6 photos could not be placed and was left out: a.jpg."),
        ("copies_left_out", {"count": 1, "photos": ["a.jpg"]},
         "1 of the 6 photos is a copy of another and was left out: a.jpg."),
    ],
)  # fmt: skip
def test_what_counts_is_said_as_people_count(code: str, facts: dict[str, Any], title: str) -> None:
    assert explain(code, {"minimum": 3, "maximum": 20, "total": 6, **facts}).title == title


NAMES = PhotoNames({f"{n:02}_p.jpg": KnownPhoto(n, f"IMG_{n}.jpg") for n in range(1, 13)})


@pytest.mark.parametrize(
    ("photos", "said"),
    [
        ([3], "photo 3 (IMG_3.jpg)"),
        ([7, 2], "photos 2 and 7 (IMG_2.jpg, IMG_7.jpg)"),
        ([1, 4, 5, 6], "photos 1 and 4 to 6 (IMG_1.jpg, IMG_4.jpg, IMG_5.jpg and 1 more)"),
        (range(2, 12), "photos 2 to 11 (IMG_2.jpg, IMG_3.jpg, IMG_4.jpg and 7 more)"),
    ],
)
def test_photos_are_named_by_number_and_by_at_most_three_names(
    photos: Iterable[int], said: str
) -> None:
    assert NAMES.in_sentence([f"{n:02}_p.jpg" for n in photos]) == said


@pytest.mark.parametrize(
    ("code", "facts", "said"),
    [
        ("photos_left_out", {"count": 2, "total": 4, "photos": ["01_p.jpg", "03_p.jpg"]},
         "photos 1 and 3 (IMG_1.jpg, IMG_3.jpg)."),
        ("photos_unconfirmed", {"count": 1, "total": 4, "photos": ["03_p.jpg"]},
         "photo 3 (IMG_3.jpg)."),
        ("copies_left_out", {"count": 1, "total": 4, "photos": ["03_p.jpg"]},
         "photo 3 (IMG_3.jpg)."),
        ("photos_in_groups", {"count": 4, "photo_groups": [["01_p.jpg", "02_p.jpg"],
                                                           ["04_p.jpg", "05_p.jpg"]]},
         "photos 1 and 2 (IMG_1.jpg, IMG_2.jpg); photos 4 and 5 (IMG_4.jpg, IMG_5.jpg)."),
        ("near_copies", {"count": 2, "photo_groups": [["01_p.jpg", "02_p.jpg"]]},
         "photos 1 and 2 (IMG_1.jpg, IMG_2.jpg)."),
    ],
)  # fmt: skip
def test_warnings_name_photos_the_same_way(code: str, facts: dict[str, Any], said: str) -> None:
    assert explain(code, facts, NAMES).title.endswith(f": {said}")


def test_a_technical_reason_is_for_whoever_runs_the_site() -> None:
    reason = {"code": "unforeseen", "detail": "UnidentifiedImageError: /data/a.jpg"}
    explained = explain("metrics_absent", {"reason": reason})
    assert "UnidentifiedImageError" not in explained.sentence
    assert explained.for_staff == "UnidentifiedImageError: /data/a.jpg"
