"""Two data folders on one database: the second is refused, and nothing of the first is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from recon.jobs.folder import data_folder
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder.data_folder import ForeignDataFolder
from recon.jobs.reconcile import reconcile
from recon.jobs.run import tasks
from recon.models import DataFolder, Job
from scripts.temporary_site import ROOT, free_port, site_environment
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(data_dir: Path) -> Job:
    """A job that is running in this folder, which the database knows as its own."""
    data_folder.require_own()
    job = job_of(person(), status=Job.Status.PROCESSING)
    job.folder.mkdir(parents=True, exist_ok=True)
    return job


@pytest.fixture
def elsewhere(running: Job, tmp_path: Path, settings: Any) -> Path:
    """The same database, seen from a machine with a data folder of its own."""
    settings.DATA_DIR = tmp_path / "elsewhere"
    settings.DATA_DIR.mkdir()
    return Path(settings.DATA_DIR)


def test_a_new_database_and_a_new_folder_belong_together(data_dir: Path) -> None:
    data_folder.require_own()
    data_folder.require_own()
    assert DataFolder.objects.get().path == str(data_dir)
    assert (data_dir / data_folder.NAME).stat().st_mode & 0o077 == 0


def test_each_round_gives_both_a_new_token(data_dir: Path) -> None:
    seen = set()
    for _ in range(3):
        reconcile()
        seen.add(DataFolder.objects.get().token)
        assert (data_dir / data_folder.NAME).read_text().split() == [DataFolder.objects.get().token]
    assert len(seen) == 3


def test_reconcile_touches_nothing_from_another_folder(running: Job, elsewhere: Path) -> None:
    """It once took a missing folder for a dead worker, and ended what ran elsewhere."""
    for _ in range(4):
        with pytest.raises(ForeignDataFolder, match="belongs to another data folder"):
            reconcile()
    running.refresh_from_db()
    assert (running.status, running.attempt, running.losses) == (Job.Status.PROCESSING, 1, 0)


def test_a_worker_takes_nothing_from_another_folder(running: Job, elsewhere: Path) -> None:
    Job.objects.update(status=Job.Status.PENDING)
    with pytest.raises(ForeignDataFolder):
        tasks.run_job(str(running.pk), 1)
    running.refresh_from_db()
    assert running.status == Job.Status.PENDING


def test_the_sentence_names_both_folders_and_the_ways_out(
    running: Job, data_dir: Path, elsewhere: Path
) -> None:
    with pytest.raises(ForeignDataFolder) as refused:
        data_folder.require_own()
    for part in (str(data_dir), str(elsewhere), "DATABASE_URL", "adopt_data_folder"):
        assert part in str(refused.value)


def test_a_copy_of_the_folder_is_told_from_it_after_one_round(
    running: Job, data_dir: Path, tmp_path: Path, settings: Any
) -> None:
    copy = Path(shutil.copytree(data_dir, tmp_path / "copy"))
    with folder_lock.hold(running.folder):
        reconcile()
    settings.DATA_DIR = copy
    with pytest.raises(ForeignDataFolder):
        reconcile()
    settings.DATA_DIR = data_dir
    data_folder.require_own()


@pytest.mark.parametrize("row_has", ["old", "new"])
def test_a_crash_between_the_two_writes_parts_nobody(data_dir: Path, row_has: str) -> None:
    data_folder.require_own()
    (data_dir / data_folder.NAME).write_text("old\nnew\n")
    DataFolder.objects.update(token=row_has)
    data_folder.require_own()
    data_folder.confirm()
    assert len((data_dir / data_folder.NAME).read_text().split()) == 1


@pytest.mark.sqlite
def test_a_database_that_lies_in_the_folder_is_never_refused(
    running: Job, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp -a data` of a running site may copy the two a moment apart."""
    monkeypatch.setitem(connection.settings_dict, "NAME", str(elsewhere / "db.sqlite3"))
    data_folder.require_own()
    assert DataFolder.objects.get().path == str(elsewhere)


@pytest.mark.parametrize("others", [False, True])
def test_a_database_with_jobs_is_no_new_one_for_a_folder_without_them(
    data_dir: Path, others: bool
) -> None:
    """As when the second machine is the first to start with this version."""
    job_of(person(), status=Job.Status.COMPLETED)
    shutil.rmtree(data_dir / "jobs")
    if others:
        (data_dir / "jobs" / "another-s").mkdir(parents=True)
    with pytest.raises(ForeignDataFolder, match="The database has jobs, but none of them lies in"):
        data_folder.require_own()


def test_a_folder_with_jobs_is_no_new_one_for_an_empty_database(running: Job) -> None:
    (running.folder / "upload").mkdir(exist_ok=True)
    Job.objects.all().delete()
    DataFolder.objects.all().delete()
    with pytest.raises(ForeignDataFolder, match="belongs to another database"):
        data_folder.require_own()


def test_a_folder_is_adopted_only_when_the_other_one_rests(
    running: Job, data_dir: Path, elsewhere: Path, settings: Any
) -> None:
    with pytest.raises(CommandError, match=r"was in use at .* Stop the site there"):
        call_command("adopt_data_folder")
    DataFolder.objects.update(seen_at=timezone.now() - timedelta(minutes=3))
    call_command("adopt_data_folder")
    data_folder.require_own()
    settings.DATA_DIR = data_dir
    with pytest.raises(ForeignDataFolder):
        data_folder.require_own()
    call_command("adopt_data_folder", force=True)
    data_folder.require_own()


@pytest.mark.slow
def test_nothing_that_writes_starts_on_another_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.sqlite3"
    first = site_environment(tmp_path / "first", DATABASE_URL=url)
    second = site_environment(tmp_path / "second", DATABASE_URL=url)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    for command in (["migrate", "--verbosity=0"], ["reconcile"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=first, check=True)
    commands = [
        ["scripts/serve.py"],
        ["scripts/worker.py", "0"],
        ["scripts/worker.py", "checks"],
        ["manage.py", "reconcile", "--every", "30"],
        ["manage.py", "migrate"],
        ["manage.py", "create_first_account"],
        ["manage.py", "queue_sample_job"],
        ["-c", "import instarecon_site.wsgi"],
    ]
    environment = {**second, "STATIC_ROOT": str(tmp_path / "static"), "PORT": str(free_port())}
    for some in (commands[:4], commands[4:]):
        started = [
            subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.PIPE
            )
            for command in some
        ]
        for command, process in zip(some, started, strict=True):
            said = process.communicate()[1].decode()
            assert process.returncode == 1, command
            assert said.startswith("The database belongs to another data folder"), said
    assert not os.path.exists(tmp_path / "second" / "data" / "jobs")
