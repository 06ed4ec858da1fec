"""Jobs live the same life on a real PostgreSQL and on SQLite: processes race, exactly one wins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Model

from accounts.models import User
from recon.jobs import attempts, deletion, lifecycle, queue
from recon.jobs.drafts import drafts
from recon.jobs.reconcile import reconcile
from recon.models import Job, Membership
from tests.site.making import job_of, person, team_of
from tests.site.racing import RACERS, Order
from tests.site.staged_pipeline import play
from tests.site.working import ROOT, work_off, worker_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

JOBS = 25
#: By database: the process that starts racers on it.
STARTERS: dict[str, subprocess.Popen[str]] = {}


@pytest.fixture(scope="module", autouse=True)
def starters_end() -> Iterator[None]:
    yield
    while STARTERS:
        _, starter = STARTERS.popitem()
        starter.communicate()
        assert starter.returncode == 0


def starter_on(database: str) -> subprocess.Popen[str]:
    if database not in STARTERS:
        STARTERS[database] = subprocess.Popen(
            [sys.executable, "-m", "tests.site.racing"],
            cwd=ROOT,
            env=worker_environment(database=database),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    return STARTERS[database]


def race(folder: Path, database: str, action: str, jobs: Sequence[Model]) -> Counter[str]:
    """How often each job was won by processes that all do `action` to it at the same time."""
    starter = starter_on(database)
    assert starter.stdin
    assert starter.stdout
    keys = [str(job.pk) for job in jobs]
    order = Order(str(folder), str(settings.DATA_DIR), action, keys)
    starter.stdin.write(order.written() + "\n")
    starter.stdin.flush()
    wait_until(lambda: len(list(folder.glob("ready-*"))) == RACERS, "all racers are ready")
    (folder / "go").touch()
    results = json.loads(starter.stdout.readline())
    assert None not in results
    won: Counter[str] = Counter()
    for result in results:
        won.update(result)
    return won


@pytest.mark.parametrize("action", ["start", "worker_lost", "cancel"])
def test_of_many_workers_exactly_one_wins(database: str, action: str, tmp_path: Path) -> None:
    owner = person()
    jobs = [Job.objects.create(owner=owner) for _ in range(JOBS)]
    won = race(tmp_path, database, action, jobs)
    assert won == {str(job.pk): 1 for job in jobs}
    expected = {"start": "PROCESSING", "worker_lost": "PENDING", "cancel": "CANCELLED"}[action]
    assert set(Job.objects.values_list("status", flat=True)) == {expected}
    attempts = {2} if action == "worker_lost" else {1}
    assert set(Job.objects.values_list("attempt", flat=True)) == attempts


def test_a_draft_that_many_start_is_queued_once(database: str, tmp_path: Path) -> None:
    owner = person(quota_active_jobs=JOBS)
    jobs = [job_of(owner, status=Job.Status.DRAFT) for _ in range(JOBS)]
    assert race(tmp_path, database, "submit", jobs) == {str(job.pk): 1 for job in jobs}
    assert queue.carried_ids() == {job.queue_id for job in jobs}


def test_photos_that_come_at_once_keep_to_the_limit_and_get_numbers_of_their_own(
    database: str, tmp_path: Path
) -> None:
    draft = drafts.create_draft(person())
    won = race(tmp_path, database, "add", [draft] * 3)  # by 12 threads
    assert won == {str(draft.pk): 20}
    names = [f"{number:02}_a.jpg" for number in range(1, 21)]
    assert [photo.name for photo in draft.photos.all()] == names
    assert sorted(path.name for path in draft.workspace.upload.iterdir()) == names


def test_visits_at_once_are_all_counted(database: str, tmp_path: Path) -> None:
    job = job_of(person())
    race(tmp_path, database, "view", [job] * JOBS)  # by 12 threads
    job.refresh_from_db()
    assert job.share.views == 12 * JOBS


@pytest.mark.parametrize("limit", ["quota_active_jobs", "quota_jobs_a_day"])
def test_starts_at_once_keep_to_the_limits(database: str, tmp_path: Path, limit: str) -> None:
    owner = person(**{limit: 7})
    jobs = [job_of(owner, status=Job.Status.DRAFT) for _ in range(JOBS)]
    won = race(tmp_path, database, "start in turn", jobs)
    started = Job.objects.filter(status=Job.Status.PENDING)
    assert started.count() == 7
    assert {key for key, count in won.items() if count} >= {str(job.pk) for job in started}
    owner.refresh_from_db()
    assert owner.started_that_day == 7


def test_photos_at_once_in_several_drafts_keep_to_the_room(database: str, tmp_path: Path) -> None:
    owner = person(quota_stored_mb=1)
    jobs = [drafts.create_draft(owner) for _ in range(5)]
    filler = job_of(owner, status=Job.Status.FAILED, stored_bytes=2**20 - 150_000)
    won = race(tmp_path, database, "add", jobs)
    stored = sum(photo.size for job in jobs for photo in job.photos.all())
    assert 0 < sum(won.values()) == sum(job.photos.count() for job in jobs) < 60
    assert stored <= 150_000 - filler.photos.count()
    files = [path for job in jobs for path in job.workspace.upload.iterdir()]
    assert len(files) == sum(won.values()), "what was refused left no file"


def test_the_last_two_superusers_or_owners_of_a_team_do_not_both_leave(
    database: str, tmp_path: Path
) -> None:
    bosses = [person(f"{name}@example.org", is_superuser=True) for name in "ab"]
    owners = [person(f"{name}@example.org") for name in "cd"]
    team = team_of(owners[0])
    Membership.objects.create(team=team, user=owners[1], role=Membership.Role.OWNER)
    for owner in owners:
        job_of(owner, team=team, status=Job.Status.FAILED)
    race(tmp_path, database, "leave", [*bosses, *owners])
    assert User.objects.filter(is_superuser=True).count() == 1
    left = User.objects.get(is_superuser=False)
    assert team.memberships.get().user == left
    assert [job.owner for job in Job.objects.filter(team=team)] == [left, left]


def test_a_job_lives_its_life(database: str) -> None:
    """Queued, its first horse killed, tried again, completed; by a real worker."""
    job = job_of(person())
    play(job.workspace, "die once")
    assert reconcile().queued == 1
    work_off(database=database)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("COMPLETED", 2, 1)
    assert job.figures.psnr == 21.5
    assert job.artifacts.get().kind == "splat"


def test_cancel_retry_and_delete(database: str) -> None:
    owner = person()
    job, failed = job_of(owner), job_of(owner)
    queue.enqueue(str(job.pk), 1)
    assert queue.position(failed) == 2
    assert lifecycle.cancel(job)
    assert lifecycle.start(failed.pk, 1)
    assert lifecycle.fail(failed.pk, 1, "too_few_registered", {"registered": 1, "total": 4})
    failed.refresh_from_db()
    assert failed.error is not None
    assert "1 of 4" in failed.error.title
    assert attempts.retry(failed)
    assert queue.carried_ids() == {f"{failed.pk}-2"}
    for each in (job, failed):
        folder = each.folder
        deletion.delete(each)
        assert not folder.exists()
    assert not Job.objects.exists()
