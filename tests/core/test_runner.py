"""The runner: order, reuse, forcing, faults. Its stages here are small but write real files."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from recon.pipeline import runner
from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, TimeLimit, UserError
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import (
    STARTS_AT,
    WORKING_STEPS,
    ListReporter,
    Step,
    Within,
    overall_percent,
)
from recon.pipeline.runner import run_pipeline
from recon.pipeline.workspace import Workspace, digest_files
from recon.reporting import Part, Report


@dataclass
class CopyingStage:
    """Copies the previous step's file, and counts how often it ran."""

    source: str
    target: str
    runs: int = 0
    raises: BaseException | None = None
    warns: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    setting: int = 0

    def settings(self, config: PipelineConfig) -> dict[str, Any]:
        return {"setting": self.setting}

    def inputs(self, workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
        return {"in": digest_files(workspace.root, [workspace.root / self.source])}

    def outputs(self, workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
        return {"out": digest_files(workspace.root, [workspace.root / self.target])}

    def run(self, workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, Any]:
        self.runs += 1
        if self.raises:
            raise self.raises
        if self.warns:
            report.warn("photos_left_out", count=1, total=4, names="a.jpg")
        report(0.5, "photo", number=1, total=2)
        (workspace.root / self.target).write_bytes((workspace.root / self.source).read_bytes())
        return self.facts


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[Step, CopyingStage]:
    names = ["upload.txt", *(f"{step}.txt" for step in WORKING_STEPS)]
    made = {
        step: CopyingStage(source, target)
        for step, source, target in zip(WORKING_STEPS, names, names[1:], strict=False)
    }
    monkeypatch.setattr(runner, "STAGES", made)
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "upload.txt").write_text("photos")
    return Workspace(tmp_path)


CONFIG = PRESETS["quick"]


def runs(stages: dict[Step, CopyingStage]) -> list[int]:
    return [stage.runs for stage in stages.values()]


def test_all_steps_run_once_in_order(workspace: Workspace, stages: dict) -> None:
    report = ListReporter()
    summary = run_pipeline(workspace, CONFIG, report)
    assert summary.status == "COMPLETED"
    assert summary.step == Step.DONE
    assert report.named("start") == list(WORKING_STEPS)
    assert runs(stages) == [1] * 8
    assert set(summary.seconds) == set(WORKING_STEPS)


def test_a_second_run_reuses_everything(workspace: Workspace, stages: dict) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    report = ListReporter()
    summary = run_pipeline(workspace, CONFIG, report)
    assert summary.status == "COMPLETED"
    assert runs(stages) == [1] * 8
    assert report.named("finish") == [(step, True) for step in WORKING_STEPS]


def test_only_what_a_change_touches_runs_again(workspace: Workspace, stages: dict) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    stages[Step.GS_TRAIN].setting = 1
    run_pipeline(workspace, CONFIG, ListReporter())
    # Training wrote the same bytes again, so nothing after it had to.
    assert runs(stages) == [1, 1, 1, 1, 1, 2, 1, 1]


def test_new_photos_run_everything_again(workspace: Workspace, stages: dict) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    (workspace.root / "upload.txt").write_text("more photos")
    run_pipeline(workspace, CONFIG, ListReporter())
    assert runs(stages) == [2] * 8


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (MemoryError("std::bad_alloc"), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (RuntimeError("CUDA error: out of memory"), "internal"),
        (RuntimeError("nobody foresaw this"), "internal"),
    ],
)
def test_a_machine_without_memory_is_named(
    workspace: Workspace, stages: dict, raised: Exception, code: str
) -> None:
    stages[Step.GS_TRAIN].raises = raised
    assert run_pipeline(workspace, CONFIG, ListReporter()).error_code == code


def test_a_damaged_output_is_made_again(workspace: Workspace, stages: dict) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    (workspace.root / f"{Step.COLMAP_MAP}.txt").write_text("damaged")
    run_pipeline(workspace, CONFIG, ListReporter())
    assert runs(stages) == [1, 1, 1, 2, 1, 1, 1, 1]


def test_from_a_step_forces_it_and_all_after(workspace: Workspace, stages: dict) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    run_pipeline(workspace, CONFIG, ListReporter(), start=Step.EVALUATION)
    assert runs(stages) == [1, 1, 1, 1, 1, 1, 2, 2]


def test_until_a_step_stops_after_it(workspace: Workspace, stages: dict) -> None:
    summary = run_pipeline(workspace, CONFIG, ListReporter(), until=Step.COLMAP_MAP)
    assert (summary.status, summary.step) == ("STOPPED", Step.COLMAP_MAP)
    assert runs(stages) == [1, 1, 1, 1, 0, 0, 0, 0]


def test_a_fault_of_the_photos_ends_the_run_with_its_code(
    workspace: Workspace, stages: dict
) -> None:
    stages[Step.COLMAP_MAP].raises = UserError("too_few_registered", registered=1, total=5)
    summary = run_pipeline(workspace, CONFIG, ListReporter())
    assert (summary.status, summary.step) == ("FAILED", Step.COLMAP_MAP)
    assert summary.error_code == "too_few_registered"
    assert summary.error_facts == {"registered": 1, "total": 5}
    assert stages[Step.COLMAP_UNDIST].runs == 0


def test_a_fault_of_ours_is_logged_whole_and_shown_calmly(
    workspace: Workspace, stages: dict
) -> None:
    stages[Step.GS_TRAIN].raises = ZeroDivisionError("secret detail")
    report = ListReporter()
    summary = run_pipeline(workspace, CONFIG, report)
    assert summary.error_code == "internal"
    assert "secret detail" not in (summary.error or "")
    assert any("ZeroDivisionError: secret detail" in line for line in report.named("log"))


def test_a_failed_step_runs_again_next_time_and_the_others_do_not(
    workspace: Workspace, stages: dict
) -> None:
    stages[Step.GS_TRAIN].raises = ZeroDivisionError()
    run_pipeline(workspace, CONFIG, ListReporter())
    stages[Step.GS_TRAIN].raises = None
    assert run_pipeline(workspace, CONFIG, ListReporter()).status == "COMPLETED"
    assert runs(stages) == [1, 1, 1, 1, 1, 2, 1, 1]


def test_a_cancel_is_no_failure(workspace: Workspace, stages: dict) -> None:
    stages[Step.COLMAP_FEAT].raises = Cancelled()
    summary = run_pipeline(workspace, CONFIG, ListReporter())
    assert (summary.status, summary.error_code) == ("CANCELLED", None)


def test_a_time_limit_raised_by_the_queue_passes_through(
    workspace: Workspace, stages: dict
) -> None:
    stages[Step.GS_TRAIN].raises = TimeLimit()
    with pytest.raises(TimeLimit):
        run_pipeline(workspace, CONFIG, ListReporter())


def test_warnings_are_told_again_when_a_step_is_reused(workspace: Workspace, stages: dict) -> None:
    stages[Step.COLMAP_MAP].warns = True
    first = run_pipeline(workspace, CONFIG, ListReporter())
    report = ListReporter()
    second = run_pipeline(workspace, CONFIG, report)
    assert first.warnings == second.warnings
    assert [w["code"] for w in second.warnings] == ["photos_left_out"]
    assert len(report.named("warn")) == 1


def test_facts_become_the_summary(workspace: Workspace, stages: dict) -> None:
    stages[Step.COLMAP_MAP].facts = {"registered": 4, "total": 5, "points": 900}
    stages[Step.EXPORT_PLY].facts = {"artifacts": {"ply": "output/a.ply"}, "gaussian_count": 7}
    summary = run_pipeline(workspace, CONFIG, ListReporter())
    assert (summary.registered, summary.total, summary.gaussian_count) == (4, 5, 7)
    assert summary.artifacts == {"ply": "output/a.ply"}


def test_a_part_of_a_step_stays_inside_it_and_never_goes_backwards() -> None:
    report = ListReporter()
    part = Within(Part(report, 0.2, 0.6), "fold", number=1, total=2)
    inner = Part(part, 0.5, 1.0)
    for told in (0.5, 0.1, 7.0, -1.0):
        part(told / 2, "measuring_depths")
    inner(0.5)
    inner.taken_over(0.5)
    inner.log("trained")
    inner.warn("metrics_absent", reason="none.")
    said = report.named("progress")
    assert [fraction for fraction, _ in said] == pytest.approx([0.3, 0.3, 0.6, 0.6, 0.6])
    assert {message for _, message in said} == {"fold 1 of 2: measuring depths", "fold 1 of 2"}
    assert report.named("taken_over") == [pytest.approx(0.4 * 0.5 * 0.5)]
    assert report.named("log") == ["fold 1 of 2: trained"]
    assert report.named("warn") == [("metrics_absent", {"reason": "none."})]


def test_progress_inside_a_step_moves_to_the_next_steps_start() -> None:
    assert overall_percent(Step.GS_TRAIN, 0.0) == STARTS_AT[Step.GS_TRAIN] == 65
    assert overall_percent(Step.GS_TRAIN, 0.5) == 75
    assert overall_percent(Step.GS_TRAIN, 7.0) == STARTS_AT[Step.EVALUATION] == 85
    assert overall_percent(Step.DONE, 1.0) == 100


def test_checkpoints_stay_until_their_step_is_done(workspace: Workspace, stages: dict) -> None:
    state = workspace.checkpoint / "state.pt"
    run_pipeline(workspace, CONFIG, ListReporter(), until=Step.COLMAP_UNDIST)
    state.parent.mkdir(parents=True)
    state.write_bytes(b"half a training")
    for stop in (Cancelled(), ZeroDivisionError()):
        stages[Step.GS_TRAIN].raises = stop
        run_pipeline(workspace, CONFIG, ListReporter())
        assert state.exists()
    stages[Step.GS_TRAIN].raises = None
    run_pipeline(workspace, CONFIG, ListReporter())
    assert not state.parent.exists()


def test_a_step_that_is_asked_to_run_anew_does_not_go_on_from_a_checkpoint(
    workspace: Workspace, stages: dict
) -> None:
    run_pipeline(workspace, CONFIG, ListReporter())
    workspace.checkpoint.mkdir(parents=True)
    stages[Step.GS_TRAIN].raises = Cancelled()
    run_pipeline(workspace, CONFIG, ListReporter(), start=Step.GS_TRAIN)
    assert not workspace.checkpoint.exists()


def test_what_a_killed_process_left_half_done_is_swept(workspace: Workspace, stages: dict) -> None:
    left = [workspace.colmap / ".scratch-1", workspace.images.parent / ".scratch-2"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "database.db").write_bytes(b"half")
    run_pipeline(workspace, CONFIG, ListReporter())
    assert not any(folder.exists() for folder in left)


FEW_PLACED = {
    "registered": 3, "total": 9, "points_per_photo": 25.0, "median_triangulation_angle": 2.0,
}  # fmt: skip
FOG = {"small_psnr": 8.0, "small_ssim": 0.2, "held_out": 1, "confirmed": 0.004}


@pytest.mark.parametrize(
    ("step", "facts"), [(Step.COLMAP_MAP, FEW_PLACED), (Step.EVALUATION, FOG)], ids=str
)
def test_what_is_no_scene_ends_there_and_goes_on_from_there_if_wanted_all_the_same(
    workspace: Workspace, stages: dict, step: Step, facts: dict[str, Any]
) -> None:
    stages[Step.COLMAP_MAP].facts = {"registered": 3, "total": 9}
    stages[step].facts |= facts
    summary = run_pipeline(workspace, CONFIG, ListReporter())
    assert (summary.status, summary.step, summary.fault) == ("FAILED", step, "user")
    assert (summary.error_code, summary.error_facts) == (
        "not_a_scene",
        {"registered": 3, "total": 9},
    )
    again = run_pipeline(workspace, CONFIG, ListReporter())
    assert again.error_code == "not_a_scene", "a step that is reused says the same"
    anyway = replace(CONFIG, make_anyway=True)
    assert run_pipeline(workspace, anyway, ListReporter()).status == "COMPLETED"
    assert runs(stages) == [1] * 8, "no step ran twice"


@pytest.mark.parametrize(
    ("step", "facts", "better"),
    [
        *((Step.COLMAP_MAP, FEW_PLACED, one) for one in (
            {"registered": 6}, {"points_per_photo": 300.0}, {"median_triangulation_angle": 9.0},
            {"points_per_photo": None},
        )),
        *((Step.EVALUATION, FOG, one) for one in (
            {"small_psnr": 17.0}, {"small_ssim": 0.7}, {"confirmed": 0.3}, {"confirmed": None},
            {"small_psnr": None},
        )),
    ],
)  # fmt: skip
def test_one_good_sign_or_an_unknown_one_lets_a_scene_pass(
    workspace: Workspace, stages: dict, step: Step, facts: dict[str, Any], better: dict[str, Any]
) -> None:
    stages[step].facts = facts | better
    assert run_pipeline(workspace, CONFIG, ListReporter()).status == "COMPLETED"
