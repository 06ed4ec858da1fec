"""The pose ladder through the real stages, on rendered photos."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.cli.explain import explain_poses
from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, UserError
from recon.pipeline.outcome import read_pair_graph
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight
from recon.pipeline.workspace import Workspace
from recon.poses.colmap.databases import copy_with_journal, is_sound, matches_digest
from recon.poses.colmap.mapping import MapperVariant, global_mapping, incremental_mapping
from recon.poses.ladder import sources
from recon.poses.ladder.attempts import relaxed_mapping
from recon.poses.ladder.explain import explain
from recon.poses.ladder.rungs import RUNGS, up_to
from recon.poses.ladder.sources import LEARNED
from recon.poses.native import colmap
from recon.reporting import silent
from tests.core.walls import write_panorama, write_wall

pytestmark = pytest.mark.slow

QUICK = PRESETS["quick"]
SIZE = (400, 300)  # px
SMALL = (320, 240)  # px, for photos with little in common: pairs of those take longest
STAGES = (preflight, features, matching, mapping)


def mapped(**changes: Any) -> PipelineConfig:
    """The quick preset with these settings of mapping changed, and little work for strong SIFT."""
    little = {"strong_max_image_size": 300, "strong_max_num_features": 1000}
    return replace(QUICK, mapping=replace(QUICK.mapping, **little, **changes))


SIFT_ONLY = mapped(last_rung="relaxed")
#: More points per photo than any model has, so none is firm: every rung is tried, the best model
#: kept.
CLIMB = mapped(last_rung="strong_sift", solid_points_per_photo=1e5)


def run(workspace: Workspace, config: PipelineConfig, *stages: Any) -> ListReporter:
    report = ListReporter()
    for stage in stages or STAGES:
        stage.run(workspace, config, report)
    return report


def failing(workspace: Workspace, config: PipelineConfig) -> UserError:
    with pytest.raises(UserError) as caught:
        run(workspace, config)
    assert not workspace.sparse.exists()
    return caught.value


@pytest.fixture(scope="module")
def matched_wall(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Five photos of one wall, matched; read-only."""
    workspace = Workspace(tmp_path_factory.mktemp("matched"))
    write_wall(workspace.upload, seed=1, count=5, size=SIZE)
    run(workspace, QUICK, preflight, features, matching)
    return workspace


@pytest.fixture
def wall(matched_wall: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(matched_wall.root, tmp_path / "wall")
    return Workspace(tmp_path / "wall")


@pytest.fixture(scope="module")
def climbed_wall(
    matched_wall: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, ListReporter]:
    """The wall after every rung up to strong SIFT, and what was reported; read-only."""
    workspace = Workspace(tmp_path_factory.mktemp("climbed") / "wall")
    shutil.copytree(matched_wall.root, workspace.root)
    return workspace, run(workspace, CLIMB, mapping)


# Which rung wins, and what is written down.


def test_an_easy_set_is_won_by_the_first_rung_and_nothing_else_is_tried(wall: Workspace) -> None:
    report = run(wall, QUICK, mapping)
    graph = read_pair_graph(wall)
    assert [(r.name, r.outcome, r.registered) for r in graph.rungs] == [("incremental", "won", 5)]
    assert graph.rung == "incremental"
    assert all(photo.registered for photo in graph.photos)
    assert graph.model is not None
    assert graph.model.registered == len(graph.photos) == 5
    assert 0 < graph.model.median_reprojection_error < 1.0
    assert graph.model.median_triangulation_angle > 1.5
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)


def test_before_mapping_the_graph_says_that_nothing_is_known(wall: Workspace) -> None:
    graph = read_pair_graph(wall)
    assert [photo.registered for photo in graph.photos] == [None] * 5
    assert len(graph.groups) == 1
    assert (graph.rung, graph.rungs, graph.model) == (None, (), None)
    assert "not mapped yet" in explain_poses(wall)


def test_later_rungs_go_on_where_the_first_one_stopped(
    climbed_wall: tuple[Workspace, ListReporter],
) -> None:
    wall, report = climbed_wall
    graph = read_pair_graph(wall)
    assert [r.name for r in graph.rungs] == [r.name for r in up_to("strong_sift")]
    assert [r.outcome for r in graph.rungs].count("best") == 1
    assert all(r.registered == 5 for r in graph.rungs)
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)


def test_strong_sift_s_database_is_used_again_and_made_again_where_it_is_damaged(
    climbed_wall: tuple[Workspace, ListReporter], tmp_path: Path
) -> None:
    shutil.copytree(climbed_wall[0].root, tmp_path / "again")
    again = Workspace(tmp_path / "again")
    [database] = again.colmap.glob("strong-*.db")
    before = database.stat().st_ino
    run(again, CLIMB, mapping)
    assert database.stat().st_ino == before  # computed once, used again
    database.write_bytes(database.read_bytes()[:5000])
    run(again, CLIMB, mapping)
    assert is_sound(database)


def test_what_still_lies_in_the_journal_is_settled_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "made.db") as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t (n)")
        writer.execute("INSERT INTO t VALUES (7)")
        writer.commit()
        assert (tmp_path / "made.db-wal").stat().st_size > 0
        copy_with_journal(tmp_path / "made.db", tmp_path / "settled.db")
    writer.close()
    with closing(sqlite3.connect(tmp_path / "settled.db")) as reader:
        assert reader.execute("SELECT n FROM t").fetchone() == (7,)


def test_a_rung_that_takes_too_long_is_given_up_and_says_so(wall: Workspace) -> None:
    with pytest.raises(UserError):
        run(wall, mapped(last_rung="incremental", rung_seconds=0.0), mapping)
    graph = read_pair_graph(wall)
    assert [(r.outcome, r.why) for r in graph.rungs] == [("failed", "took longer than 0 s")]


@pytest.mark.parametrize("name", ["relaxed", "global", "guided", "strong_sift"])
def test_every_rung_can_be_cancelled(wall: Workspace, name: str) -> None:
    class CancelsThere(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            if code == f"rung_{name}" and "inner" in facts:
                raise Cancelled

    files = sorted(wall.colmap.iterdir())
    with pytest.raises(Cancelled):
        mapping.run(wall, mapped(last_rung=name, solid_points_per_photo=1e5), CancelsThere())
    # What an earlier rung has made may stay.
    left = [p for p in sorted(wall.colmap.iterdir()) if not p.name.startswith("guided-")]
    assert left == files


def test_the_global_mappers_process_does_not_outlive_a_cancel(wall: Workspace) -> None:
    def cancel(fraction: float, code: str = "", /, **facts: Any) -> None:
        raise Cancelled

    scratch = wall.colmap / "scratch"
    scratch.mkdir()
    with pytest.raises(Cancelled):
        global_mapping(wall.database, wall.photos, scratch, seed=1, report=cancel)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(scratch) not in running.stdout


def test_the_relaxed_mapper_ends_with_the_first_convincing_model(wall: Workspace) -> None:
    scratch = wall.colmap / "scratch"
    scratch.mkdir()
    report = ListReporter()
    models = relaxed_mapping(wall.database, wall.photos, scratch, seed=1, report=report)
    assert [model.num_reg_images() for model in models] == [5]
    said = [sentence for _, sentence in report.named("progress")]
    assert said
    assert all(re.fullmatch(r"attempt 1, \d of 5 photos placed", one) for one in said)


def with_a_stray(workspace: Workspace) -> Workspace:
    """Five photos of one wall and one of another, matched: no model has all."""
    write_wall(workspace.upload, seed=1, count=5, size=SIZE)
    write_wall(workspace.upload, seed=2, count=1, size=SIZE)
    run(workspace, QUICK, preflight, features, matching)
    return workspace


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_attempts_end_when_two_starts_led_to_the_same_on_any_number_of_cores(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("recon.poses.ladder.attempts.cores", lambda: at_once)
    job, report = with_a_stray(workspace), ListReporter()
    scratch = job.colmap / "scratch"
    scratch.mkdir()
    models = relaxed_mapping(job.database, job.photos, scratch, seed=1, report=report)
    # The mapper's own start with three seeds, then the best pair, which ends with the same photos.
    assert [model.num_reg_images() for model in models] == [5] * 4
    assert [path.name for path in scratch.rglob("*") if path.is_file()] == ["settled.db"]
    told = [sentence for _, sentence in report.named("progress")]
    assert all(re.fullmatch(r"attempt [1-5], \d of 6 photos placed", one) for one in told)
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)


def test_attempts_side_by_side_are_cancelled_together(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.poses.ladder.attempts.cores", lambda: 16)
    job = with_a_stray(workspace)
    scratch = job.colmap / "scratch"
    scratch.mkdir()

    def cancel(fraction: float, code: str = "", /, **facts: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        relaxed_mapping(job.database, job.photos, scratch, seed=1, report=cancel)
    assert not [thread for thread in threading.enumerate() if thread.name == "pycolmap"]


def test_a_start_can_be_given_and_focal_lengths_held(wall: Workspace) -> None:
    with colmap().Database.open(wall.database) as content:
        [camera] = content.read_all_cameras()
        ids = [image.image_id for image in content.read_all_images()]
    scratch = wall.colmap / "scratch"
    scratch.mkdir()
    variant = MapperVariant(relaxed=True, hold_focal=True, start=(ids[0], ids[3]))
    [model] = incremental_mapping(
        wall.database, wall.photos, scratch, seed=1, report=silent, variant=variant
    )
    [placed] = model.cameras.values()
    assert placed.mean_focal_length() == camera.mean_focal_length()


def test_an_unknown_last_rung_is_an_error() -> None:
    assert up_to("") == RUNGS
    with pytest.raises(ValueError, match="no rung is called 'top'"):
        up_to("top")


def test_a_gpu_has_learned_features_before_stronger_sift() -> None:
    usual = [rung.name for rung in up_to("")]
    assert usual.index("strong_sift") < usual.index("learned")
    with_gpu = [rung.name for rung in up_to("", gpu=True)]
    assert with_gpu[:4] == usual[:4]
    assert with_gpu[4:] == ["learned", "learned_global", "strong_sift"]
    # What may be tried is the same.
    assert {r.name for r in up_to("strong_sift", gpu=True)} == {
        r.name for r in up_to("strong_sift")
    }


def test_the_ladder_asks_what_the_machine_has_and_says_what_missing_weights_cost(
    wall: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.poses.learned.networks.on_gpu", lambda: True)
    monkeypatch.setattr("recon.poses.learned.weight_files._folders", list)
    run(wall, mapped(solid_points_per_photo=1e5), mapping)
    rungs = read_pair_graph(wall).rungs
    assert [r.name for r in rungs][3:] == ["guided", "learned", "learned_global", "strong_sift"]
    assert [r.outcome for r in rungs][4:6] == ["skipped", "skipped"]
    assert rungs[4].why == (
        "the weights aliked-n16.pth are not installed, and photos that SIFT can't join stay out "
        "for want of them"
    )
    assert rungs[4].why in explain(read_pair_graph(wall))


def placed_poses(job: Workspace) -> bytes:
    model = colmap().Reconstruction(job.sparse)
    images = [model.images[i] for i in sorted(model.reg_image_ids())]
    return b"".join(image.cam_from_world().matrix().tobytes() for image in images)


def test_where_cores_would_be_idle_the_next_matches_are_made_ahead_and_are_the_same(
    wall: Workspace,
    climbed_wall: tuple[Workspace, ListReporter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recon.poses.ladder.ahead.cores", lambda: 4)
    begun: list[str] = []
    build = sources.database_of

    def seen(source: Any, *args: Any) -> Path:
        begun.append(f"{source.name} in {threading.current_thread().name}")
        return build(source, *args)

    monkeypatch.setattr("recon.poses.ladder.sources.database_of", seen)
    report = run(wall, CLIMB, mapping)
    assert "strong in pycolmap" in begun
    assert "strong in MainThread" not in begun
    one_by_one = climbed_wall[0]
    assert matches_digest(*wall.colmap.glob("strong-*.db")) == matches_digest(
        *one_by_one.colmap.glob("strong-*.db")
    )
    assert [(r.name, r.why) for r in read_pair_graph(wall).rungs] == [
        (r.name, r.why) for r in read_pair_graph(one_by_one).rungs
    ]
    assert placed_poses(wall) == placed_poses(one_by_one)
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("rung", ["guided", "strong_sift"])
def test_matches_made_ahead_are_dropped_with_a_cancel(
    wall: Workspace, monkeypatch: pytest.MonkeyPatch, rung: str
) -> None:
    class CancelsThere(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            if code == f"rung_{rung}" and "inner" in facts:
                raise Cancelled

    monkeypatch.setattr("recon.poses.ladder.ahead.cores", lambda: 4)
    files = sorted(wall.colmap.iterdir())
    with pytest.raises(Cancelled):
        mapping.run(wall, CLIMB, CancelsThere())
    assert not [thread for thread in threading.enumerate() if thread.name == "pycolmap"]
    left = [path for path in sorted(wall.colmap.iterdir()) if path not in files]
    # Ready before the cancel, or not.
    assert all(path.name.startswith(("guided-", "strong-")) for path in left)


def test_matches_made_ahead_in_vain_are_dropped(
    wall: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.poses.ladder.ahead.cores", lambda: 4)
    # The first rungs' models are turned down, guided matching's wins.
    turned_down = [replace(rung, mapper=lambda *_, **__: []) for rung in RUNGS[:3]]
    monkeypatch.setattr("recon.poses.ladder.rungs.RUNGS", (*turned_down, *RUNGS[3:]))
    begun: list[str] = []
    build = sources.database_of

    def seen(source: Any, *args: Any) -> Path:
        begun.append(source.name)
        return build(source, *args)

    monkeypatch.setattr("recon.poses.ladder.sources.database_of", seen)
    run(wall, mapped(last_rung="strong_sift"), mapping)
    graph = read_pair_graph(wall)
    assert graph.rung == "guided"
    assert "strong" in begun
    assert not [thread for thread in threading.enumerate() if thread.name == "pycolmap"]


def test_rungs_have_names_of_their_own_and_shares_that_add_up() -> None:
    assert len({rung.name for rung in RUNGS}) == len(RUNGS)
    assert sum(rung.share for rung in RUNGS) == pytest.approx(1.0)


def test_absent_learned_features_are_told_as_a_plain_reason() -> None:
    missing = LEARNED.missing()
    assert missing is None or missing.strip()


# Sets that show more than one place.


def test_of_three_places_the_largest_is_made_and_the_others_are_named(
    workspace: Workspace,
) -> None:
    for seed, count in ((1, 4), (2, 3), (3, 3)):
        write_wall(workspace.upload, seed=seed, count=count, size=SMALL)
    report = run(workspace, SIFT_ONLY)
    graph = read_pair_graph(workspace)
    assert [len(group) for group in graph.groups] == [4, 3, 3]
    placed = [photo.name for photo in graph.photos if photo.registered]
    assert placed == [f"wall1_{index}.jpg" for index in range(4)]
    warned = dict(report.named("warn"))
    assert warned["photos_left_out"]["count"] == 6
    assert warned["photos_in_groups"]["count"] == 2
    assert "wall2_0.jpg" in warned["photos_in_groups"]["photo_groups"][0]
    said = explain(graph)
    assert "They fall into 3 groups" in said
    assert "the best there was" in said


def test_two_photos_of_each_place_are_too_few(workspace: Workspace) -> None:
    for seed in (1, 2, 3):
        write_wall(workspace.upload, seed=seed, count=2, size=SMALL)
    error = failing(workspace, SIFT_ONLY)
    assert error.code == "photos_share_nothing"
    assert error.facts == {"total": 6, "groups": 3, "largest": 2, "minimum": 3}
    graph = read_pair_graph(workspace)
    assert [photo.registered for photo in graph.photos] == [False] * 6
    assert "wrong one would be worse" in explain(graph)


# Sets that can't be reconstructed, each for a reason of its own.


def test_copies_of_one_photo_are_called_so(workspace: Workspace, tmp_path: Path) -> None:
    write_wall(tmp_path / "one", seed=1, count=1)
    with Image.open(tmp_path / "one" / "wall1_0.jpg") as photo:
        for index in range(6):
            photo.save(workspace.upload / f"{index}.jpg", quality=70 + 4 * index)
    error = failing(workspace, QUICK)
    assert error.code == "photos_identical"
    assert error.facts == {"total": 6, "distinct": 1}
    assert not workspace.database.exists(), "no slow rung was tried"


def test_a_burst_alone_is_no_set(workspace: Workspace, tmp_path: Path) -> None:
    """The hand moved a little between the frames: not copies, yet nothing from which to tell
    depth."""
    write_wall(tmp_path / "one", seed=1, count=1)
    with Image.open(tmp_path / "one" / "wall1_0.jpg") as photo:
        for index in range(5):
            shift = (1, 0, 0.6 * index, 0, 1, 0)  # px of 480
            moved = photo.transform(
                photo.size, Image.Transform.AFFINE, shift, Image.Resampling.BICUBIC
            )
            moved.crop((0, 0, 470, 360)).save(workspace.upload / f"{index}.jpg", quality=92)
    error = failing(workspace, QUICK)
    assert error.code == "photos_identical"
    assert error.facts == {"total": 5, "distinct": 1}
    graph = read_pair_graph(workspace)
    assert {r.outcome for r in graph.rungs} == {"skipped"}


def test_a_panorama_has_no_baseline(workspace: Workspace) -> None:
    write_panorama(workspace.upload, seed=1, count=5, size=SIZE)
    error = failing(workspace, QUICK)
    assert error.code == "no_baseline"
    graph = read_pair_graph(workspace)
    assert {r.outcome for r in graph.rungs} == {"skipped"}


def test_a_blank_wall_shows_too_little(workspace: Workspace) -> None:
    rng = np.random.default_rng(5)
    shade = np.linspace(150, 200, 480)[None, :, None] + np.zeros((360, 1, 3))
    for index in range(4):
        noisy = shade + rng.normal(0, 3, shade.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(
            workspace.upload / f"{index}.jpg", quality=85
        )
    assert failing(workspace, SIFT_ONLY).code == "no_features"


# Features of an earlier job.


def bring(earlier: Workspace, job: Workspace) -> None:
    """What running again with more photos puts into the new job."""
    job.known.mkdir(parents=True)
    shutil.copyfile(earlier.database, job.known / "database.db")
    shutil.copyfile(earlier.photos_json, job.known / "photos.json")


def test_an_earlier_jobs_features_are_used_again(
    matched_wall: Workspace, workspace: Workspace, tmp_path: Path
) -> None:
    fresh = Workspace(tmp_path / "fresh")
    for job in (workspace, fresh):
        write_wall(job.upload, seed=1, count=6, size=SIZE)
        (job.upload / "wall1_0.jpg").rename(job.upload / "a new name.jpg")
    bring(matched_wall, workspace)
    report = run(workspace, QUICK)
    run(fresh, QUICK)
    assert "5 photos have features from an earlier job" in report.named("log")
    assert "10 pairs were matched by an earlier job" in report.named("log")
    asked = [said for _, said in report.named("progress") if said.startswith("photo ")]
    assert asked[-1].endswith("of 1")  # the extractor was asked for the new photo only
    for stage in (features, matching, mapping):
        made, made_afresh = (stage.outputs(job, QUICK) for job in (workspace, fresh))
        # The pair graph says how long each rung took.
        assert {**made, "pairs": ""} == {**made_afresh, "pairs": ""}


def test_features_made_with_other_settings_are_not_used(
    matched_wall: Workspace, workspace: Workspace
) -> None:
    write_wall(workspace.upload, seed=1, count=3, size=SIZE)
    bring(matched_wall, workspace)
    other = replace(QUICK, features=replace(QUICK.features, max_num_features=500))
    report = run(workspace, other, preflight, features, matching)
    assert not [line for line in report.named("log") if "earlier job" in line]


@pytest.mark.parametrize("file", ["database.db", "photos.json"])
def test_a_damaged_earlier_job_is_as_good_as_none(
    matched_wall: Workspace, workspace: Workspace, file: str
) -> None:
    write_wall(workspace.upload, seed=1, count=3, size=SIZE)
    bring(matched_wall, workspace)
    (workspace.known / file).write_bytes(b"SQLite format 3\0 and then nothing")
    report = run(workspace, QUICK, preflight, features)
    assert not [line for line in report.named("log") if "earlier job" in line]
    assert json.loads(workspace.photos_json.read_text())["photos"][0]["digest"]
