"""The last lines of the command line, for a person and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recon.pipeline.cli.ending import USER_ERROR, exit_code, print_outcome
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.pipeline.workspace import Workspace

DONE = Summary(
    status="COMPLETED",
    step=Step.DONE,
    registered=8,
    total=8,
    psnr=22.0,
    small_psnr=22.0,
    small_ssim=0.76,
    held_out=2,
    confirmed=0.5,
    seconds=dict.fromkeys(map(str, WORKING_STEPS), 1.0),
)
POOR = replace(DONE, registered=3)
FOG = replace(DONE, small_psnr=8.0, small_ssim=0.2, confirmed=0.001)
UNMEASURED = replace(DONE, small_psnr=None, small_ssim=None, confirmed=None)


@pytest.mark.parametrize(
    ("summary", "said", "told"),
    [
        (DONE, "Good: held-out photos are matched closely.\n", ("good", "psnr")),
        (
            POOR,
            "Poor: 3 of 8 photos could be placed. Take photos between those that found no place",
            ("poor", "placed"),
        ),
        (
            FOG,
            "Not a scene: held-out photos can’t be recognised in it. Take more photos of the same",
            ("not_a_scene", "fog"),
        ),
        (UNMEASURED, "Not measured: there are no figures for this scene.\n", (None, "nothing")),
    ],
    ids=["good", "poor", "made anyway", "not measured"],
)
def test_a_finished_run_says_its_word(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    summary: Summary,
    said: str,
    told: tuple[str | None, str],
) -> None:
    print_outcome(summary, Workspace(tmp_path), as_json=True)
    printed = capsys.readouterr()
    assert said in printed.err
    outcome = json.loads(printed.out)
    assert (outcome["quality"], outcome["quality_code"]) == told
    assert outcome["quality_reason"] in printed.err


def test_what_is_no_scene_ends_with_3_and_says_how_to_have_it_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Summary(
        status="FAILED",
        step=Step.COLMAP_MAP,
        fault="user",
        error_code="not_a_scene",
        error_facts={"registered": 3, "total": 9},
    )
    print_outcome(ended, Workspace(tmp_path), as_json=True)
    printed = capsys.readouterr()
    assert (
        "COLMAP_MAP failed (not_a_scene): These photos do not make a scene: 3 of 9" in printed.err
    )
    assert "The same command with --make-anyway goes on from here." in printed.err
    assert json.loads(printed.out)["quality"] is None
    assert exit_code(ended) == USER_ERROR
