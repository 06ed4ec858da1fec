"""Progress is reported as codes with facts: every code has a sentence, every sentence a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest

from recon.pipeline.progress import ListReporter, Within
from recon.pipeline.words import progress_texts
from recon.pipeline.words.progress_texts import SENTENCES, WITHIN_CODE
from recon.pipeline.words.texts import Counted
from recon.poses.ladder.rungs import RUNGS
from recon.reporting import Part, message, part, within
from tests.photos import PROJECT

CORE = [
    path
    for room in ("pipeline", "poses", "splats", "samples")
    for path in sorted((PROJECT / "recon" / room).rglob("*.py"))
]
#: What makes a report that the code then calls by any name.
MAKERS = ("part", "Part", "within", "Within")
PROTOCOLS = ("Progress", "Report", "RunReport")
#: Which argument of a call is the code: `report(fraction, code)`, `within(report, code)`.
CODE = 1
STEP = message("training_step", {"step": 3, "total": 9, "seconds_left": 0})


def reports_in(tree: ast.AST) -> set[str]:
    """The names that a module gives to reports."""
    names = {"within", "Within"}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Name):
            names |= {node.arg} if node.annotation.id in PROTOCOLS else set()
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            maker = node.value.func
            if isinstance(maker, ast.Name) and maker.id in MAKERS:
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def calls_in(source: str) -> Iterator[tuple[str, set[str] | None]]:
    """Codes that the module reports, with the names of their facts; None if they are passed on."""
    tree = ast.parse(source)
    names = reports_in(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) <= CODE:
            continue
        is_report = (
            node.func.id in names
            if isinstance(node.func, ast.Name)
            else ast.unparse(node.func) == "self._report"
        )
        code = node.args[CODE]
        if is_report and isinstance(code, ast.Constant) and isinstance(code.value, str):
            given = [keyword.arg for keyword in node.keywords]
            yield code.value, None if None in given else {name for name in given if name}


def told_codes() -> dict[str, list[set[str] | None]]:
    """Every code of the core, with the facts from each place that reports it."""
    codes: dict[str, list[set[str] | None]] = {rung.code: [set()] for rung in RUNGS}
    for path in CORE:
        for code, facts in calls_in(path.read_text(encoding="utf-8")):
            codes.setdefault(code, []).append(facts)
    return codes


def placeholders(text: str | Counted) -> set[str]:
    forms = text.forms if isinstance(text, Counted) else (text,)
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


def test_every_code_that_is_told_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert set(told_codes()) == set(SENTENCES)
    assert WITHIN_CODE.keys() <= SENTENCES.keys()


def test_every_place_gives_the_facts_of_its_sentence() -> None:
    for code, places in told_codes().items():
        for facts in places:
            if facts is not None:
                assert facts - {"seconds_left"} == placeholders(SENTENCES[code]), code


def test_a_code_without_a_sentence_would_be_found() -> None:
    source = """
def work(report: Progress, total: int) -> None:
    rest = part(report, 0.5, 1.0)
    rest(0.0, "one", number=1)
    report(1.0, "two", **facts)
    run(Within(Part(report, 0.0, 1.0), "three", total=total))
    log(0.0, "this is no report")
"""
    assert list(calls_in(source)) == [("one", {"number"}), ("two", None), ("three", {"total"})]


#: The words of the sentences, without what is filled in.
WORDS = {
    piece.strip()
    for text in [*SENTENCES.values(), *WITHIN_CODE.values(), progress_texts.TIMED]
    for form in (text.forms if isinstance(text, Counted) else (text,))
    for piece, *_ in Formatter().parse(form)
    if len(piece.split()) > 1
}
#: A call, in Python or in a script, that looks for something in a text.
LOOKS = re.compile(
    r"(?:re\.\w+|startswith|startsWith|endswith|endsWith|split|partition|remove\w+|match|search|"
    r"""test|includes|replace)\(\s*r?f?["'`/]([^"'`]*)|"([^"]*)" (?:not )?in \w"""
)


def read_back(source: str) -> list[str]:
    """What the code looks for, if it is a part of a sentence."""
    wanted = ["".join(found) for found in LOOKS.findall(source)]
    return [text for text in wanted if any(words in text for words in WORDS)]


@pytest.mark.parametrize("room", ["recon", "templates", "static/js", "benchmarks"])
def test_nobody_reads_a_sentence_back(room: str) -> None:
    """Whatever a program needs to know from it is a fact."""
    for path in sorted((PROJECT / room).rglob("*")):
        if path.suffix in (".py", ".html", ".js"):
            assert not read_back(path.read_text(encoding="utf-8")), path


def test_what_reads_a_sentence_back_would_be_found() -> None:
    for source in (
        r're.sub(r", \d+ s left$", "", message)',
        'message.startswith("training step ")',
        'left = "" if " s left" in message else guess',
        'text.includes("measuring depths")',
    ):
        assert len(read_back(source)) == 1, source
    assert read_back('line.startswith("a line") or "photo" in names') == []


@pytest.mark.parametrize(
    ("told", "sentence", "without_time"),
    [
        ({}, "", ""),
        (STEP, "training step 3 of 9, 0 s left", "training step 3 of 9"),
        (
            message("fold", {"number": 2, "total": 5, "inner": STEP}),
            "fold 2 of 5: training step 3 of 9, 0 s left",
            "fold 2 of 5: training step 3 of 9",
        ),
        (message("attempt", {"number": 2, "inner": {}}), "attempt 2", "attempt 2"),
        (
            message(
                "rung_relaxed",
                {
                    "inner": message(
                        "without_file_focals",
                        {"inner": message("photos_placed", {"placed": 3, "total": 8})},
                    )
                },
            ),
            "SIFT, one after the other, with looser limits: "
            "without the focal lengths in the files: 3 of 8 photos placed",
            None,
        ),
        (message("pairs_compared", {"count": 1}), "1 pair compared", None),
    ],
)
def test_messages_are_told_with_what_is_done_within(
    told: dict[str, Any], sentence: str, without_time: str | None
) -> None:
    assert progress_texts.english(told) == progress_texts.sentence(told) == sentence
    assert progress_texts.sentence(told, timed=False) == (without_time or sentence)


def test_the_time_left_is_a_fact_of_the_innermost_work() -> None:
    fold = message("fold", {"number": 2, "total": 5, "inner": STEP})
    assert progress_texts.seconds_left(fold) == progress_texts.seconds_left(STEP) == 0
    assert progress_texts.seconds_left(message("filming", {})) is None
    assert progress_texts.seconds_left({}) is None


def test_an_unknown_code_and_a_missing_fact_are_errors_of_ours() -> None:
    for wrong in (message("unheard_of", {}), message("photo", {"number": 1})):
        with pytest.raises(KeyError):
            progress_texts.sentence(wrong)


def test_a_part_and_what_is_within_say_the_same_however_they_are_nested() -> None:
    report = ListReporter()
    within(part(report, 0.5, 1.0), "attempt", number=1)(0.5, "photos_placed", placed=2, total=3)
    part(within(report, "filming"), 0.0, 0.5)(0.5, "frame", number=1, total=2)
    Within(Part(report, 0.0, 0.5), "filming")(0.5)
    assert report.named("progress") == [
        (0.75, "attempt 1, 2 of 3 photos placed"),
        (0.25, "making the video: frame 1 of 2"),
        (0.25, "making the video"),
    ]
