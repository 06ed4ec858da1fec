"""The time left, and when waiting jobs start, from the rows of past runs."""

from __future__ import annotations

import math
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from recon.jobs import attempts, lifecycle, steps_and_log
from recon.jobs.time_left import outlook
from recon.models import Job, Photo, StageRun
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.web.running.poll_answers import moving_parts
from tests.site.making import browser_of, job_of, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def running() -> Job:
    job = lifecycle.start(job_of(person()).pk, 1)
    assert job is not None
    return job


def past(owner: Any, seconds: float, outcome: str = "done", **fields: Any) -> Job:
    """A finished job, each of whose steps took `seconds`."""
    fields = {"status": Job.Status.COMPLETED} | fields
    job = job_of(owner, **fields)
    for step in WORKING_STEPS:
        row(job, step, seconds, outcome)
    return job


def row(job: Job, step: Step, seconds: float, outcome: str = "done", attempt: int = 1) -> None:
    now = timezone.now()
    began = now - timedelta(seconds=seconds)
    ended = None if outcome == "running" else now
    StageRun.objects.create(
        job=job,
        attempt=attempt,
        step=step.value,
        outcome=outcome,
        started_at=began,
        ended_at=ended,
    )


def left(job: Job) -> tuple[float, float]:
    told = outlook.outlook_of(job).told
    assert told is not None
    return told.left


def middle(job: Job) -> float:
    low, high = left(job)
    return (low * high) ** 0.5


def test_a_fresh_machine_has_a_built_in_guess(running: Job) -> None:
    low, high = left(running)
    assert 0 < low < high < 600


def test_past_runs_make_the_range_right_and_narrow(running: Job) -> None:
    for _ in range(4):
        past(running.owner, 10)
    running.step = "PREFLIGHT"
    low, high = left(running)
    assert low < 80 < high <= 1.6 * low


def test_it_shrinks_as_the_job_goes_on(running: Job) -> None:
    for _ in range(4):
        past(running.owner, 10)
    running.step, running.percent = "GS_TRAIN", 75.0  # halfway through training
    row(running, Step.GS_TRAIN, 5, "running")
    low, high = left(running)
    assert low < 25 < high


def test_new_rows_are_learnt_from_at_once(running: Job) -> None:
    past(running.owner, 5)
    before = middle(running)
    past(running.owner, 50)
    assert middle(running) > 1.5 * before


def test_steps_whose_results_were_reused_teach_nothing(running: Job) -> None:
    before = middle(running)
    past(running.owner, 500, outcome="reused")
    assert middle(running) == pytest.approx(before)


def test_steps_that_a_failed_job_finished_teach(running: Job) -> None:
    before = middle(running)
    failed = job_of(running.owner, status=Job.Status.FAILED)
    row(failed, Step.COLMAP_FEAT, 200)
    row(failed, Step.COLMAP_MAP, 300, "failed")
    assert middle(running) > before + 50


def test_a_new_attempt_does_not_wait_for_steps_that_are_kept(running: Job) -> None:
    for _ in range(4):
        past(running.owner, 10)
    row(running, Step.COLMAP_FEAT, 10)
    attempts.worker_lost(running.pk, 1)
    again = lifecycle.start(running.pk, 2)
    assert again is not None
    again.step = "PREFLIGHT"
    told = outlook.outlook_of(again).told
    assert told is not None
    assert Step.COLMAP_FEAT not in told.steps
    assert Step.COLMAP_MATCH in told.steps


def test_an_ended_job_and_a_draft_have_none(running: Job) -> None:
    for status in (*Job.ENDED, Job.Status.DRAFT):
        assert outlook.outlook_of(job_of(running.owner, status=status)).told is None


def test_a_job_whose_photos_are_gone_has_none_and_breaks_nothing(running: Job) -> None:
    gone = past(running.owner, 10)
    gone.photos.all().delete()
    assert left(running)[0] > 0
    running.photos.all().delete()
    assert outlook.outlook_of(running).told is None


def test_settings_of_an_older_version_are_read_as_the_preset(running: Job) -> None:
    running.config = {"train": {"a_setting_that_was": 1}}
    assert left(running)[0] > 0


def test_the_steps_show_what_they_took_and_what_they_should_take(running: Job) -> None:
    for _ in range(4):
        past(running.owner, 10)
    row(running, Step.PREFLIGHT, 7)
    running.step, running.percent = "COLMAP_FEAT", 15.0
    told = outlook.outlook_of(running).told
    rows = {r["step"]: r for r in steps_and_log.step_rows(running, told)}
    assert round(rows["PREFLIGHT"]["seconds"] or 0) == 7
    assert rows["PREFLIGHT"]["expected"] is None
    assert rows["GS_TRAIN"]["expected"] == pytest.approx(10, rel=0.4)


class TestQueue:
    def test_the_next_in_line_starts_after_the_running_one(
        self, running: Job, settings: Any
    ) -> None:
        settings.MAX_CONCURRENT_JOBS = 1
        for _ in range(4):
            past(running.owner, 10)
        waiting = job_of(running.owner)
        start = outlook.outlook_of(waiting).starts_in
        assert start is not None
        assert start == pytest.approx(left(running), rel=0.05)
        later = job_of(running.owner)
        assert outlook.outlook_of(later).starts_in.low > 1.8 * start.low  # type: ignore[union-attr]

    def test_with_a_free_worker_it_starts_at_once(self, running: Job, settings: Any) -> None:
        settings.MAX_CONCURRENT_JOBS = 2
        assert outlook.outlook_of(job_of(running.owner)).starts_in == (0, 0)

    def test_a_running_job_waits_for_nothing(self, running: Job) -> None:
        assert outlook.outlook_of(running).starts_in is None

    def test_it_is_ready_after_its_start_and_its_own_time(
        self, running: Job, settings: Any
    ) -> None:
        settings.MAX_CONCURRENT_JOBS = 1
        waiting = job_of(running.owner)
        parts = moving_parts(waiting)
        assert parts["queue_position"] == 1
        assert parts["eta"].low == pytest.approx(
            parts["starts_in"].low + left(waiting)[0], rel=0.05
        )

    def test_the_page_says_the_place_and_when_it_should_start(
        self, running: Job, settings: Any
    ) -> None:
        settings.MAX_CONCURRENT_JOBS = 1
        for _ in range(4):
            past(running.owner, 60)
        first, second = job_of(running.owner), job_of(running.owner)
        pages = [
            browser_of(running.owner).get(job.get_absolute_url()).content.decode()
            for job in (first, second)
        ]
        assert "Next in line." in pages[0]
        assert "1 ahead of this one." in pages[1]
        for page in pages:
            assert re.search(r"Starts in</dt><dd>[\d½]+ to [\d½]+ min<", page)


def test_a_step_that_went_on_is_not_taken_for_a_fast_one(running: Job) -> None:
    """At 80% after 10 seconds, of which an earlier attempt had done 60%."""
    for _ in range(4):
        past(running.owner, 50)
    Job.objects.filter(pk=running.pk).update(step="GS_TRAIN", percent=65 + 0.8 * 20)
    row(running, Step.GS_TRAIN, 10, "running")
    job = Job.objects.get(pk=running.pk)

    def rest() -> float:
        told = outlook.outlook_of(job).told
        assert told is not None
        return told.steps[Step.GS_TRAIN]

    wrong = rest()
    running.stage_runs.update(taken_over=0.6)
    assert rest() == pytest.approx(10, rel=0.2)
    assert wrong < 0.6 * rest()


def test_the_rest_of_a_step_teaches_what_all_of_it_takes(running: Job) -> None:
    for _ in range(4):
        past(running.owner, 50)
    before = middle(running)
    StageRun.objects.update(ended_at=F("started_at") + timedelta(seconds=30), taken_over=0.4)
    assert middle(running) == pytest.approx(before, rel=0.02)
    StageRun.objects.update(ended_at=F("started_at") + timedelta(seconds=1), taken_over=0.98)
    fresh = job_of(running.owner)
    assert middle(fresh) > 10  # a tiny rest, done at once, teaches nothing


# --- Before the start ---


def said_of_presets(browser: Any, address: str) -> dict[str, str]:
    page = browser.get(address).content.decode()
    said = r'value="(\w+)"[^>]*>\s*<span>.*?class="helptext"[^>]*>([^<]+)<'
    found = re.findall(said, page, re.DOTALL)
    assert "graphics card" not in page
    return dict(found)


def test_each_preset_says_what_it_takes_on_this_machine(
    running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))  # the times on an idle machine
    browser = browser_of(running.owner)
    guessed = said_of_presets(browser, "/jobs/new/")
    assert guessed.keys() == {"quick", "standard", "high"}
    time = r"[\d½]+( s| min| h)?( [\d½]+ min)?"
    took = re.compile(rf": {time} to {time} here with 10 photos\.$")
    assert all(took.search(said) for said in guessed.values()), guessed
    assert len(set(guessed.values())) == 3
    for _ in range(4):
        past(running.owner, seconds=900.0)  # a slow machine
    Photo.objects.update(width=4000, height=3000)
    learnt = said_of_presets(browser, "/jobs/new/")
    assert re.search(r"\d h( \d+ min)? to \d h", learnt["quick"]), learnt
    assert learnt != guessed


def test_a_draft_says_what_its_own_photos_take(running: Job) -> None:
    draft = job_of(running.owner, status=Job.Status.DRAFT, edited_at=timezone.now())
    count = draft.photos.count()
    assert count >= 3
    said = said_of_presets(browser_of(running.owner), draft.get_absolute_url())
    assert all(f"here with {count} photos." in one for one in said.values()), said


def test_the_home_page_says_what_a_scene_takes_here() -> None:
    page = Client().get("/").content.decode()
    assert re.search(r">[\d½]+ to [\d½]+ (s|min) here with 10 photos\.", page)
    assert "graphics card" not in page


def test_a_busy_machine_may_take_longer_than_it_usually_does(
    running: Job, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promised "About 40 s" became 109 s, because other programs were using the processors."""
    settings.GPU_COUNT = 0
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (2.0, 0.0, 0.0))  # what the running job takes
    assert outlook.busy_with_others() == 1.0
    usual = outlook.preset_times([(4000, 3000)] * 10)
    monkeypatch.setattr(os, "getloadavg", lambda: (4.0, 0.0, 0.0))
    busy, start = outlook.times_from_now([(4000, 3000)] * 10)
    assert start.high > 0, "it waits for the one that runs"
    for preset, (low, high) in usual.items():
        assert busy[preset] == pytest.approx((low * math.sqrt(2), high * 2))
    monkeypatch.setattr(os, "getloadavg", lambda: (90.0, 0.0, 0.0))
    assert outlook.busy_with_others() == 3.0
    settings.GPU_COUNT = 1
    assert outlook.busy_with_others() == 1.0


def test_whoever_starts_a_scene_is_told_of_those_that_come_first(running: Job) -> None:
    draft = job_of(running.owner, status=Job.Status.DRAFT, edited_at=timezone.now())
    browser = browser_of(running.owner)
    pages = ("/jobs/new/", draft.get_absolute_url(), f"{draft.get_absolute_url()}check/")
    waits = re.compile(r'id="line-said"[^>]*>Other scenes are made first: yours starts in [\d½]+')
    for page in pages:
        assert waits.search(browser.get(page).content.decode()), page
    Job.objects.filter(pk=running.pk).update(gives_way=True)
    for page in pages:
        assert "Other scenes are made first" not in browser.get(page).content.decode(), page
