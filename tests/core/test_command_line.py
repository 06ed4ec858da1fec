"""`python -m recon.pipeline`, as a person and as a program use it."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Protocol

import pytest
import torch

from recon.pipeline.cli.arguments import nested
from recon.pipeline.cli.command import main
from recon.pipeline.cli.console import ConsoleReporter, in_words
from recon.pipeline.photos import uploads
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.pipeline.quality import WORDS
from recon.pipeline.workspace import Workspace
from recon.reporting import message
from recon.splats.formats import read_ply
from tests.core.walls import write_wall
from tests.reconstruction import SETTINGS, CommandResult, FinishedRun, command, environment
from tests.waiting import wait_until

ISSUE_FIELDS = {
    "status", "step", "error_code", "error", "registered", "total", "psnr", "ssim", "lpips",
    "gaussian_count", "iterations", "seconds", "artifacts",
    "psnr_corrected", "ssim_corrected", "lpips_corrected", "protocol", "spread", "refined",
}  # fmt: skip


class Call(Protocol):
    def __call__(self, *arguments: object) -> CommandResult: ...


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the command in this process, which has torch loaded already."""

    def run(*arguments: object) -> CommandResult:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return CommandResult(code, said.out, said.err)

    return run


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says when it is called wrongly."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 2
    return capsys.readouterr().err


def reused_and_made(stderr: str) -> tuple[list[str], list[str]]:
    """The steps that a run skipped and those that it ran, from its plain lines."""
    lines = [line.split() for line in stderr.splitlines() if line[1:3] == "/8"]
    return (
        [words[1] for words in lines if "skipped" in words],
        [words[1] for words in lines if "skipped" not in words],
    )


# The finished run.


@pytest.mark.reconstruction
def test_the_last_line_is_one_json_object_with_every_field(finished_run: FinishedRun) -> None:
    outcome = finished_run.result.outcome
    assert outcome.keys() >= ISSUE_FIELDS
    assert (outcome["status"], outcome["step"]) == ("COMPLETED", "DONE")
    assert (outcome["error_code"], outcome["error"]) == (None, None)
    assert (outcome["registered"], outcome["total"]) == (12, 12)
    assert outcome["iterations"] == 100
    assert outcome["gaussian_count"] > 0
    assert outcome["psnr"] > 12
    assert 0 < outcome["ssim"] < 1
    assert outcome["psnr_corrected"] > 12
    assert 0 < outcome["ssim_corrected"] < 1
    assert (outcome["protocol"], outcome["spread"]) == ("held-out", None)
    assert outcome["refined"] is True
    assert outcome["quality"] in WORDS
    assert outcome["held_out"] == 2
    assert outcome["confirmed"] > 0.1
    assert list(outcome["seconds"]) == [str(step) for step in WORKING_STEPS]
    assert len(finished_run.result.out.splitlines()) == 1


@pytest.mark.reconstruction
def test_every_artifact_is_there_by_its_absolute_path(finished_run: FinishedRun) -> None:
    artifacts = finished_run.result.outcome["artifacts"]
    promised = {"ply", "filtered_ply", "held_out_ply", "splat", "poster", "results", "cameras"}
    promised |= {"spz", "turntable", "colmap"}
    assert artifacts.keys() >= promised
    for path in artifacts.values():
        assert Path(path).is_absolute()
        assert Path(path).stat().st_size > 0


@pytest.mark.reconstruction
def test_the_log_tells_the_steps_in_order(finished_run: FinishedRun) -> None:
    log = finished_run.workspace.log.read_text()
    begins = [line.split()[2] for line in log.splitlines() if line.endswith(" begins")]
    assert begins == [str(step) for step in WORKING_STEPS]


@pytest.mark.reconstruction
def test_the_held_out_photos_are_those_of_the_rule(finished_run: FinishedRun) -> None:
    assert finished_run.workspace.test_txt.read_text().split() == ["photo_03.jpg", "photo_08.jpg"]


@pytest.mark.reconstruction
def test_a_second_run_skips_everything(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    result = call(finished_run.photos, copy.root, *SETTINGS, "--json")
    assert result.code == 0, result.err
    assert reused_and_made(result.err) == ([str(step) for step in WORKING_STEPS], [])
    first = finished_run.result.outcome
    assert result.outcome["psnr"] == first["psnr"]
    assert result.outcome["seconds"] == first["seconds"]


@pytest.mark.reconstruction
def test_explain_tells_how_the_photos_were_placed(finished_run: FinishedRun, call: Call) -> None:
    result = call("--explain", finished_run.workspace.root)
    assert result.code == 0
    assert "12 photos; " in result.out
    assert "won" in result.out
    assert "12 of 12 photos" in result.out


@pytest.mark.reconstruction
def test_a_run_can_be_explained_at_its_end(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    result = call(
        finished_run.photos, copy.root, *SETTINGS, "--until", "COLMAP_MAP", "--explain", "--json"
    )
    assert "The model is that of" in result.out
    assert result.outcome["status"] == "STOPPED"  # still the last line


def test_explain_of_a_folder_without_a_run_says_so(tmp_path: Path, call: Call) -> None:
    assert "nothing to explain" in call("--explain", tmp_path).out
    with pytest.raises(SystemExit, match="2"):
        call("--explain", tmp_path / "nowhere")


@pytest.mark.reconstruction
def test_from_a_step_redoes_it_and_what_follows(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    result = call(finished_run.photos, copy.root, *SETTINGS, "--from", "EVALUATION", "--json")
    assert result.code == 0, result.err
    skipped, made = reused_and_made(result.err)
    assert made == ["EVALUATION", "EXPORT_PLY"]
    assert len(skipped) == 6
    assert result.outcome["psnr"] == pytest.approx(finished_run.result.outcome["psnr"], abs=1e-4)


@pytest.mark.reconstruction
def test_until_a_step_stops_after_it(finished_run: FinishedRun, tmp_path: Path, call: Call) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    result = call(finished_run.photos, copy.root, *SETTINGS, "--until", "COLMAP_MAP", "--json")
    assert result.code == 0, result.err
    assert (result.outcome["status"], result.outcome["step"]) == ("STOPPED", "COLMAP_MAP")
    assert result.outcome["registered"] == 12
    assert result.outcome["psnr"] is None


@pytest.mark.reconstruction
def test_a_photo_less_redoes_the_work(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    photos = tmp_path / "photos"
    shutil.copytree(finished_run.photos, photos)
    (photos / "photo_12.jpg").unlink()
    result = call(photos, copy.root, *SETTINGS, "--until", "COLMAP_FEAT", "--json")
    assert result.code == 0, result.err
    assert reused_and_made(result.err) == ([], ["PREFLIGHT", "COLMAP_FEAT"])
    assert result.outcome["total"] == 11


@pytest.mark.reconstruction
def test_other_training_keeps_the_poses(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    settings = [*SETTINGS, "--set", "train.iterations=20"]
    result = call(finished_run.photos, copy.root, *settings, "--until", "GS_TRAIN", "--json")
    assert result.code == 0, result.err
    skipped, made = reused_and_made(result.err)
    assert made == ["GS_TRAIN"]
    assert skipped[-1] == "COLMAP_UNDIST"


@pytest.mark.reconstruction
def test_without_the_final_refinement_the_measured_model_is_delivered(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    result = call(finished_run.photos, copy.root, *SETTINGS, "--no-final-refine", "--json")
    assert result.code == 0, result.err
    assert reused_and_made(result.err)[1] == ["EXPORT_PLY"]
    outcome = result.outcome
    assert outcome["refined"] is False
    assert outcome["psnr"] == finished_run.result.outcome["psnr"]
    files = outcome["artifacts"]
    measured, delivered = (read_ply(Path(files[kind])).means for kind in ("held_out_ply", "ply"))
    assert torch.equal(measured, delivered)
    finished = read_ply(Path(finished_run.result.outcome["artifacts"]["ply"])).means
    assert not torch.equal(finished, delivered)


@pytest.mark.reconstruction
def test_every_photo_can_be_held_out_once(
    finished_run: FinishedRun, tmp_path: Path, call: Call
) -> None:
    copy = finished_run.copy_to(tmp_path / "job")
    quick = (
        *("--preset", "standard", "--seed", "7", "--set", "evaluate.lpips=false"),
        *("--set", "train.iterations=20", "--set", "train.max_image_size=160"),
        *("--set", "train.max_gaussians=2000", "--set", "train.dense.max_image_size=160"),
        *("--set", "evaluate.cross_validate_max_photos=12", "--cross-validate"),
    )
    result = call(finished_run.photos, copy.root, *quick, "--json")
    assert result.code == 0, result.err
    outcome = result.outcome
    assert outcome["protocol"] == "cross-validation"
    assert outcome["spread"]["psnr"] > 0
    assert "each photo held out once" in result.err
    assert f"± {outcome['spread']['psnr']:.2f} dB" in result.err
    results = json.loads(copy.results_json.read_text())
    assert len(results["cross_validation"]["per_view"]) == 12
    assert outcome["psnr"] == pytest.approx(results["cross_validation"]["PSNR"])


# Other ways that it ends.


@pytest.mark.slow
def test_too_few_photos_end_with_3_and_a_sentence(tmp_path: Path, call: Call) -> None:
    write_wall(tmp_path / "photos", seed=1, count=2, size=(160, 120))
    result = call(tmp_path / "photos", tmp_path / "out", "--preset", "quick", "--json")
    assert result.code == 3
    assert result.outcome["status"] == "FAILED"
    assert result.outcome["step"] == "PREFLIGHT"
    assert result.outcome["error_code"] == "too_few_photos"
    assert "There are 2 photos" in result.outcome["error"]
    assert "There are 2 photos" in result.err


@pytest.mark.slow
def test_a_full_disk_is_our_fault_and_ends_with_1(tmp_path: Path, call: Call) -> None:
    write_wall(tmp_path / "photos", seed=1, count=3, size=(160, 120))
    arguments = ("--preset", "quick", "--set", "preflight.min_free_disk_mb=1000000000", "--json")
    result = call(tmp_path / "photos", tmp_path / "out", *arguments)
    assert result.code == 1
    assert result.outcome["error_code"] == "disk_full"


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_wall(tmp_path / "photos", seed=1, count=6)
    process = subprocess.Popen(
        command(tmp_path / "photos", tmp_path / "out", "--preset", "quick", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # If these tests were started in the background, SIGINT is ignored; at a terminal it is not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = Workspace(tmp_path / "out").log
    wait_until(
        lambda: process.poll() is not None or (log.exists() and "COLMAP_FEAT b" in log.read_text()),
        "it has begun to look for features",
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert json.loads(out.splitlines()[-1])["status"] == "CANCELLED"
    assert "goes on from here" in err
    assert "Traceback" not in err


def test_two_runs_in_one_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        said = refused(capsys, tmp_path / "photos", tmp_path / "out", "--preset", "quick")
    finally:
        os.close(handle)
    assert "another run is working" in said


# Wrong use.


def test_two_folders_are_needed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "two folders are needed" in refused(capsys)
    assert "two folders are needed" in refused(capsys, tmp_path)


def test_photos_must_be_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = refused(capsys, tmp_path / "nowhere", tmp_path / "out")
    assert f"{tmp_path / 'nowhere'} is not a folder" in said
    assert not (tmp_path / "out").exists()


def test_out_must_not_be_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "OUT must be a folder" in refused(capsys, tmp_path, tmp_path / "file")


def test_an_unknown_preset_names_the_known(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = refused(capsys, tmp_path, tmp_path / "out", "--preset", "best")
    assert all(preset in said for preset in ("best", "quick", "standard", "high"))


@pytest.mark.parametrize("option", ["--from", "--until"])
def test_an_unknown_step_names_the_known(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    said = refused(capsys, tmp_path, tmp_path / "out", option, "TRAINING")
    assert "TRAINING" in said
    assert "GS_TRAIN" in said


def test_from_must_not_come_after_until(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("--from", "GS_TRAIN", "--until", "PREFLIGHT", "--preset", "quick")
    assert "comes after" in refused(capsys, tmp_path, tmp_path / "out", *arguments)


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ("train.steps=5", "unknown setting train.steps"),
        ("train.iterations=many", "train.iterations must be int"),
        ("train.iterations", "not of the form GROUP.NAME=VALUE"),
    ],
)
def test_a_wrong_setting_is_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: str, clause: str
) -> None:
    arguments = ("--preset", "quick", "--set", change)
    assert clause in refused(capsys, tmp_path, tmp_path / "out", *arguments)


# The parts.


def test_settings_are_nested_by_their_dots() -> None:
    assert nested(["train.iterations=5", "train.ssim_weight=0.1", "preset=x", "seed=3"]) == {
        "train": {"iterations": 5, "ssim_weight": 0.1},
        "preset": "x",
        "seed": 3,
    }


def test_only_photo_files_are_brought_in(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.webp", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    photos, others = uploads.photos_in(tmp_path)
    assert [path.name for path in photos] == ["a.webp", "b.JPG"]
    assert others == ["notes.txt"]


def test_bringing_in_again_follows_the_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "job")
    first, second = tmp_path / "1.jpg", tmp_path / "2.jpg"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    uploads.bring_in([first, second], workspace)
    first.unlink()
    first.write_bytes(b"another one")
    uploads.bring_in([first], workspace)
    assert [p.name for p in workspace.upload.iterdir()] == ["1.jpg"]
    assert (workspace.upload / "1.jpg").read_bytes() == b"another one"


def test_photos_that_already_lie_in_the_workspace_stay(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "job")
    workspace.upload.mkdir(parents=True)
    photo = workspace.upload / "1.jpg"
    photo.write_bytes(b"one")
    uploads.bring_in([photo], workspace)
    assert photo.read_bytes() == b"one"


def test_warnings_reach_the_person_and_the_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    with ConsoleReporter(tmp_path / "logs" / "process.log", stream) as report:
        report.start(Step.COLMAP_MAP)
        report.warn("photos_left_out", count=1, total=5, photos=["[b].jpg"])
        report.finish(Step.COLMAP_MAP, 2.5, reused=False)
    for text in (stream.getvalue(), (tmp_path / "logs" / "process.log").read_text()):
        assert "1 of 5 photos could not be placed and was left out: [b].jpg." in text
    assert "4/8 COLMAP_MAP     2.5 s" in stream.getvalue()


def test_the_time_left_is_guessed_from_the_step_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("recon.pipeline.cli.console.time.monotonic", lambda: now)
    with ConsoleReporter(tmp_path / "process.log", io.StringIO()) as report:
        report.start(Step.GS_TRAIN)
        assert report.time_left(0.5) == ""  # too early
        now = 160.0
        assert report.time_left(0.25) == "3 min left in this step"
        report.taken_over(0.2)  # by an earlier run, not in these 60 s
        assert report.time_left(0.5) == "2 min left in this step"
        assert report.time_left(0.2) == ""


def test_work_that_knows_its_time_left_says_so_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("recon.pipeline.cli.console.time.monotonic", lambda: now)
    stream = io.StringIO()
    with ConsoleReporter(tmp_path / "process.log", stream) as report:
        report.start(Step.EVALUATION)
        now = 160.0
        inner = message("training_step", {"step": 3, "total": 9, "seconds_left": 7})
        report(0.5, "fold", number=1, total=5, inner=inner)
        now = 190.0
        report(0.5, "comparing_held_out")
        now = 220.0
        report(0.5)
    assert stream.getvalue().splitlines() == [
        "EVALUATION 90%: fold 1 of 5: training step 3 of 9, 7 s left",
        "EVALUATION 90%: comparing with the held-out photos, 2 min left in this step",
        "EVALUATION 90%: 2 min left in this step",
    ]


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (91, "2 min")])
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
