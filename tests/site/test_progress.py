"""What a person sees while a job runs: steps, time left, log; and how it gets there."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from recon.jobs import attempts, lifecycle, steps_and_log
from recon.jobs.run import reporter
from recon.jobs.run.pulse import Pulse
from recon.jobs.run.reporter import SiteReporter
from recon.models import Job, StageRun
from recon.pipeline.errors import Cancelled, Interrupted
from recon.pipeline.progress import Step
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def running() -> Job:
    job = lifecycle.start(job_of(person()).pk, 1)
    assert job is not None
    return job


def now(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def states(job: Job) -> list[str]:
    return [row["state"] for row in steps_and_log.step_rows(job)]


class TestStepRows:
    def test_there_are_ten_with_words_for_people(self, running: Job) -> None:
        rows = steps_and_log.step_rows(running)
        assert [row["step"] for row in rows] == [step.value for step in Step]
        assert len(rows) == 10
        assert all(row["label"][0].isupper() and "_" not in row["label"] for row in rows)
        assert [row["starts_at"] for row in rows] == [0, 5, 15, 30, 45, 55, 65, 85, 95, 100]

    @pytest.mark.parametrize(
        ("status", "step", "expected"),
        [
            ("PENDING", "QUEUED", ["now"] + ["todo"] * 9),
            ("PROCESSING", "COLMAP_MAP", ["done"] * 4 + ["now"] + ["todo"] * 5),
            ("FAILED", "COLMAP_MAP", ["done"] * 4 + ["failed"] + ["todo"] * 5),
            ("CANCELLED", "COLMAP_MAP", ["done"] * 4 + ["todo"] * 6),
            ("COMPLETED", "DONE", ["done"] * 10),
        ],
    )
    def test_states(self, status: str, step: str, expected: list[str]) -> None:
        assert states(job_of(person(), status=status, step=step)) == expected

    def test_seconds_are_those_of_the_present_attempt(self, running: Job) -> None:
        begin = timezone.now()
        for attempt, seconds in ((1, 99), (2, 7)):
            StageRun.objects.create(
                job=running,
                attempt=attempt,
                step="COLMAP_FEAT",
                outcome="done",
                started_at=begin,
                ended_at=begin + timedelta(seconds=seconds),
            )
        running.attempt = 2
        rows = {row["step"]: row["seconds"] for row in steps_and_log.step_rows(running)}
        assert rows["COLMAP_FEAT"] == 7
        assert rows["GS_TRAIN"] is None


class TestLog:
    def test_there_is_none_before_the_job_begins(self) -> None:
        assert steps_and_log.log_tail(job_of(person())) == []

    def test_the_last_lines_come_last(self, running: Job) -> None:
        report = SiteReporter(running)
        for number in range(2000):
            report.log(f"line {number}")
        tail = steps_and_log.log_tail(running)
        assert len(tail) == 12
        assert tail[-1].endswith("line 1999")

    def test_the_inside_of_a_traceback_is_not_for_the_public(self, running: Job) -> None:
        report = SiteReporter(running)
        for line in (
            "before",
            "Traceback (most recent call last):",
            '  File "/srv/secret/place.py", line 1, in run',
            "    raise ValueError",
            "ValueError: no good",
        ):
            report.log(line)
        assert [line[9:] for line in steps_and_log.log_tail(running)] == [
            "before",
            "ValueError: no good",
        ]
        assert "/srv/secret" in running.workspace.log.read_text()

    def test_it_is_bounded(self, running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reporter, "MAX_LOG_BYTES", 1000)
        report = SiteReporter(running)
        for number in range(500):
            report.log(f"line {number}")
        files = list(running.workspace.log.parent.iterdir())
        assert len(files) == 2
        assert all(file.stat().st_size < 1100 for file in files)
        assert steps_and_log.log_tail(running, 1)[0].endswith("line 499")


class TestReporter:
    def test_steps_leave_rows(self, running: Job) -> None:
        report = SiteReporter(running)
        report.start(Step.PREFLIGHT)
        assert (now(running).step, now(running).percent) == ("PREFLIGHT", 5.0)
        report.finish(Step.PREFLIGHT, 1.0, reused=False)
        report.start(Step.COLMAP_FEAT)
        report.finish(Step.COLMAP_FEAT, 0.0, reused=True)
        rows = running.stage_runs.values_list("step", "outcome")
        assert list(rows) == [("PREFLIGHT", "done"), ("COLMAP_FEAT", "reused")]
        assert all(run.seconds is not None for run in running.stage_runs.all())

    def test_progress_is_written_at_most_twice_a_second(
        self, running: Job, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [100.0]
        monkeypatch.setattr(reporter.time, "monotonic", lambda: clock[0])
        report = SiteReporter(running)
        report.start(Step.GS_TRAIN)
        with django_assert_num_queries(4):
            for number in range(201):  # two seconds in steps of a hundredth
                clock[0] = 100.0 + number / 100
                report(number / 201, "training_step", step=number, total=201)
        assert now(running).percent == pytest.approx(84.9, abs=0.1)
        step = now(running).progress
        assert step["code"] == "training_step"
        assert step["facts"]["step"] >= 150

    def test_warnings_are_kept(self, running: Job) -> None:
        report = SiteReporter(running)
        report.warn("photos_left_out", count=1, total=4, photos=["a.jpg"])
        report.warn("metrics_absent", reason="none.")
        assert [w["code"] for w in now(running).warnings] == ["photos_left_out", "metrics_absent"]
        assert "a.jpg" in now(running).explained_warnings[0].title

    @pytest.mark.parametrize("change", ["cancel", "take over", "delete"])
    def test_it_raises_cancelled_when_nobody_wants_the_attempt(
        self, running: Job, change: str
    ) -> None:
        report = SiteReporter(running)
        report.start(Step.GS_TRAIN)
        if change == "cancel":
            lifecycle.cancel(now(running))
        elif change == "take over":
            attempts.worker_lost(running.pk, 1)
            lifecycle.start(running.pk, 2)
        else:
            Job.objects.filter(pk=running.pk).delete()
        report._written_at = 0.0
        with pytest.raises(Cancelled):
            report(0.5)

    def test_a_lost_pulse_stops_every_call(self, running: Job) -> None:
        lost = threading.Event()
        report = SiteReporter(running, lost)
        report(0.1)
        lost.set()
        with pytest.raises(Cancelled):
            report.log("anything")
        with pytest.raises(Cancelled):
            report(0.2)

    def test_a_machine_that_stops_ends_the_work_between_two_pieces(self, running: Job) -> None:
        stop = threading.Event()
        report = SiteReporter(running, stop=stop)
        report.start(Step.GS_TRAIN)
        stop.set()
        report.log("the last words are still written")
        with pytest.raises(Interrupted):
            report(0.2)
        with pytest.raises(Interrupted):
            report.start(Step.EVALUATION)

    def test_what_was_taken_over_adds_up_and_a_new_start_begins_at_none(self, running: Job) -> None:
        report = SiteReporter(running)
        for taken in ([0.1, 0.5], [0.25]):
            report.start(Step.GS_TRAIN)
            for part in taken:
                report.taken_over(part)
            assert running.stage_runs.get().taken_over == pytest.approx(sum(taken))

    def test_a_database_that_is_away_for_a_moment_does_not_end_the_work(self, running: Job) -> None:
        """A write that fails is skipped; later ones work again."""
        from django.db import OperationalError

        def away(*args: Any) -> None:
            raise OperationalError("the server went away")

        report = SiteReporter(running)
        report.start(Step.COLMAP_UNDIST)
        with connection.execute_wrapper(away):
            report.finish(Step.COLMAP_UNDIST, 1.0, reused=False)
        with connection.execute_wrapper(away):
            report.start(Step.GS_TRAIN)
        report._written_at = 0.0
        with connection.execute_wrapper(away):
            report(0.5)
        report._written_at = 0.0
        report(0.6)
        assert now(running).percent == pytest.approx(77.0)


class TestPulse:
    def test_it_beats_while_the_attempt_is_wanted(self, running: Job) -> None:
        Job.objects.filter(pk=running.pk).update(heartbeat_at=None)
        with Pulse(running) as pulse:
            while now(running).heartbeat_at is None:
                assert not pulse.lost.is_set()

    def test_it_ends_a_process_that_does_not_listen(self, running: Job) -> None:
        ended = threading.Event()
        with Pulse(running, end=ended.set) as pulse:
            lifecycle.cancel(now(running))
            ended.wait()
            assert pulse.lost.is_set()

    def test_it_leaves_one_alone_that_stops_by_itself(self, running: Job) -> None:
        ended = threading.Event()
        with Pulse(running, end=ended.set) as pulse:
            lifecycle.cancel(now(running))
            pulse.lost.wait()
        assert not ended.is_set()
