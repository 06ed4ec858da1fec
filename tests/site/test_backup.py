"""A backup of the whole site, restored to an empty one with the other database."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, User
from recon.jobs import deletion, tags
from recon.jobs.backup import backup, restore, tables
from recon.jobs.backup.manifest import read_files, safe_path
from recon.jobs.backup.opening import opened_for_reading
from recon.jobs.backup.stores import StoreError, object_name
from recon.jobs.folder import lock as folder_lock
from recon.models import Job, Photo
from tests import site_database
from tests.site.databases import connection_to
from tests.site.making import PASSWORD, browser_of, finished_job, job_of, person
from tests.site.working import manage, worker_environment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
    pytest.mark.slow,  # tables of empty sites are made
]


@pytest.fixture
def other_database(database: str, postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of the kind that `database` is not, as workers are told of it."""
    if database.startswith("postgresql:"):
        yield str(tmp_path / "other.sqlite3")
        return
    server = psycopg2.connect(postgres_url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored")
        yield postgres_url.replace("/postgres?", "/restored?")
        cursor.execute("DROP DATABASE restored WITH (FORCE)")
    server.close()


@contextmanager
def site_on(database: str, folder: Path, settings: Any) -> Iterator[None]:
    """This process is the site with that database and data folder."""
    ours = connections["default"]
    connections["default"] = connection_to(database)
    settings.DATA_DIR = folder
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = ours


def rows() -> dict[str, list[dict[str, object]]]:
    found = {model._meta.label: list(tables.rows_of(model)) for model in tables.tables()}
    for label in ("contenttypes.ContentType", "auth.Permission"):  # a test database has no others
        assert found[label]
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "jobs").rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_site_moves_to_the_other_database_and_everything_opens(
    database: str, other_database: str, tmp_path: Path, settings: Any, data_dir: Path
) -> None:
    ann = person(handle="ann", gallery_open=True, started_on=datetime.now(UTC).date())
    staff = Group.objects.create(name="helpers")
    staff.permissions.set(Permission.objects.filter(codename="view_private_scene"))
    person("sue@example.org", is_staff=True).groups.add(staff)
    secret = ApiToken.issue(ann, "a program")[1]
    job = finished_job(ann, shared=True, own_view={"position": [0.1, 0, -3]})
    tags.put(job, ["정원", "ΣΑΣ"])
    (data_dir / "secret_key").write_text("s" * 50)
    before, stored = rows(), files(data_dir)
    call_command("backup", str(tmp_path / "backup"), verbosity=0)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        **worker_environment(database=other_database),
        "RECON_TEST_JOBS": str(elsewhere),
    }
    said = manage("restore", str(tmp_path / "backup"), environment=environment)
    assert "Restored: backup" in said
    with site_on(other_database, elsewhere, settings):
        assert rows() == before
        assert files(elsewhere) == stored
        assert (elsewhere / "secret_key").read_text() == "s" * 50
        assert Client().login(username="ann@example.org", password=PASSWORD)
        owner = browser_of(User.objects.get(pk=ann.pk))
        assert owner.get(reverse("recon:job", args=[job.pk])).status_code == 200
        splat = owner.get(reverse("recon:file", args=[job.pk, "splat"]))
        assert b"".join(splat) == bytes(range(256)) * 4  # type: ignore[arg-type]
        assert Client().get(reverse("recon:public", args=[job.share.key])).status_code == 200
        program = Client(headers={"Authorization": f"Bearer {secret}"})
        assert program.get(reverse("api:job_status", args=[job.pk])).json()["status"] == "COMPLETED"
        assert User.objects.get(email="sue@example.org").has_perm("recon.view_private_scene")
        assert person("new@example.org").pk > User.objects.get(email="sue@example.org").pk
        with pytest.raises(CommandError, match="not empty"):
            call_command("restore", str(tmp_path / "backup"))


def fresh(tmp_path: Path, settings: Any, name: str = "fresh") -> Any:
    """A context with an empty site: SQLite, not migrated."""
    folder = tmp_path / name
    folder.mkdir()
    return site_on(str(tmp_path / f"{name}.sqlite3"), folder, settings)


def test_a_second_backup_copies_only_what_has_changed(tmp_path: Path) -> None:
    ann = person()
    job = finished_job(ann)
    first = backup.make(tmp_path / "b")
    assert first.new == first.files > 10
    (job.folder / "output" / "poster.jpg").write_bytes(b"another poster")
    job_of(ann)
    second = backup.make(tmp_path / "b")
    assert (second.files, second.new) == (first.files + 3, 4)
    assert backup.make(tmp_path / "b").new == 0


def test_old_backups_go_and_what_the_others_need_stays(tmp_path: Path) -> None:
    job = finished_job(person())
    for number in range(3):
        (job.folder / "output" / "poster.jpg").write_bytes(b"poster %d" % number)
        call_command("backup", str(tmp_path / "b"), keep=2, verbosity=0)
    with opened_for_reading(tmp_path / "b") as store:
        names = store.snapshots()
    assert len(names) == 2
    posters = [path.read_bytes() for path in (tmp_path / "b" / "objects").glob("*/*")]
    assert b"poster 0" not in posters
    assert {b"poster 1", b"poster 2"} <= set(posters)
    for name in names:
        restore.check(tmp_path / "b", name)


def test_a_tar_file_holds_the_same(tmp_path: Path, settings: Any) -> None:
    job = finished_job(person())
    stored = files(settings.DATA_DIR)
    call_command("backup", str(tmp_path / "b.tar"), verbosity=0)
    with pytest.raises(CommandError, match="there already"):
        call_command("backup", str(tmp_path / "b.tar"))
    call_command("restore", str(tmp_path / "b.tar"), check=True, verbosity=0)
    with tarfile.open(tmp_path / "b.tar") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    restore.check(tmp_path / "unpacked")
    with fresh(tmp_path, settings):
        call_command("restore", str(tmp_path / "b.tar"), verbosity=0)
        assert Job.objects.get() == job
        assert files(settings.DATA_DIR) == stored


def test_of_a_running_job_only_the_photos_are_copied_and_it_waits_again(
    tmp_path: Path, settings: Any
) -> None:
    job = job_of(person(), status=Job.Status.PROCESSING, step="GS_TRAIN", losses=1)
    waiting = job_of(job.owner)  # and a worker takes it while we copy
    for one in (job, waiting):
        (one.folder / "work").mkdir()
        (one.folder / "work" / "half.bin").write_bytes(b"half")
    with folder_lock.hold(waiting.folder):
        made = backup.make(tmp_path / "b")
    assert (made.running, made.files) == (2, 6)
    with fresh(tmp_path, settings):
        restore.restore(tmp_path / "b")
        again = Job.objects.get(pk=job.pk)
        assert (again.status, again.attempt, again.losses) == ("PENDING", 2, 1)
        assert len(list(again.workspace.upload.iterdir())) == 3


def test_what_is_deleted_meanwhile_is_not_there_afterwards(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = person()
    gone, draft = finished_job(ann), job_of(ann, status=Job.Status.DRAFT)
    empty = job_of(ann, status=Job.Status.DRAFT)
    Photo.objects.filter(job=empty).delete()
    for path in empty.workspace.upload.iterdir():
        path.unlink()
    copy = backup.job_files.copy_all

    def delete_first(*args: Any) -> Any:
        deletion.delete(Job.objects.get(pk=gone.pk))
        photo = draft.photos.first()
        assert photo
        photo.path.unlink()
        return copy(*args)

    monkeypatch.setattr(backup.job_files, "copy_all", delete_first)
    backup.make(tmp_path / "b")
    with fresh(tmp_path, settings):
        restore.restore(tmp_path / "b")
        assert set(Job.objects.values_list("pk", flat=True)) == {draft.pk, empty.pk}
        assert draft.photos.count() == 2
        assert Job.objects.get(pk=empty.pk).workspace.upload.is_dir()


def test_scenes_of_the_same_photos_share_their_files_again(tmp_path: Path, settings: Any) -> None:
    ann = person()
    jobs = [job_of(ann), job_of(ann)]  # with the same three pictures
    backup.make(tmp_path / "b")
    with fresh(tmp_path, settings):
        restore.restore(tmp_path / "b")
        places = [Job.objects.get(pk=job.pk).workspace.upload / "000.jpg" for job in jobs]
        assert places[0].samefile(places[1])


@pytest.mark.parametrize("fault", ["content", "missing", "table", "list", "manifest"])
def test_a_damaged_backup_is_refused_and_leaves_the_site_empty(
    tmp_path: Path, settings: Any, fault: str
) -> None:
    finished_job(person())
    backup.make(tmp_path / "b")
    snapshot = next((tmp_path / "b" / "snapshots").iterdir())
    with opened_for_reading(tmp_path / "b") as store:
        last = [file.sha256 for file in read_files(store, snapshot.name)][-1]
    broken = {
        "content": tmp_path / "b" / object_name(last),
        "missing": next((tmp_path / "b" / "objects").glob("*/*")),
        "table": snapshot / "tables" / "recon.Job.jsonl.gz",
        "list": snapshot / "files.jsonl.gz",
        "manifest": snapshot / "manifest.json",
    }[fault]
    content = bytearray(broken.read_bytes())
    content[len(content) // 2] ^= 1
    if fault == "manifest":
        content[:2] = b"no"
    broken.write_bytes(content)
    if fault == "missing":
        broken.unlink()
    with pytest.raises(StoreError):
        restore.check(tmp_path / "b")
    with fresh(tmp_path, settings):
        with pytest.raises(StoreError):
            restore.restore(tmp_path / "b")
        restore.require_empty()
        assert not (settings.DATA_DIR / "jobs").exists()


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(
    tmp_path: Path, settings: Any
) -> None:
    job = finished_job(person())
    backup.make(tmp_path / "b")
    change_migrations(tmp_path / "b", lambda applied: applied["admin"].__delitem__(slice(1, 9)))
    with fresh(tmp_path, settings):
        restore.restore(tmp_path / "b")
        assert Job.objects.get() == job
        call_command("migrate", check_unapplied=True, verbosity=0)


def test_a_backup_of_a_later_version_is_refused(tmp_path: Path, settings: Any) -> None:
    person()
    backup.make(tmp_path / "b")
    change_migrations(tmp_path / "b", lambda applied: applied["recon"].append("0999_later"))
    with fresh(tmp_path, settings), pytest.raises(StoreError, match=r"recon\.0999_later"):
        restore.restore(tmp_path / "b")


def test_a_file_that_leads_out_of_the_data_folder_is_refused(tmp_path: Path, settings: Any) -> None:
    for path in ("jobs/../../etc/passwd", "/etc/passwd", "db.sqlite3"):
        with pytest.raises(StoreError, match="none of a site"):
            safe_path(path)


def test_two_backups_to_one_folder_take_turns(tmp_path: Path) -> None:
    with backup.opened_for_writing(tmp_path / "b"), pytest.raises(CommandError, match="Another"):
        call_command("backup", str(tmp_path / "b"))


def test_nobody_who_writes_waits_for_a_backup(tmp_path: Path) -> None:
    """And what is written meanwhile is not in it: all tables are of one moment."""
    ann = person()
    with tables.one_moment():
        assert len(list(tables.rows_of(User))) == 1
        other = connection_to(site_database.address())
        with other.cursor() as cursor:
            cursor.execute("UPDATE accounts_user SET public_name = 'Ann'")
        other.close()
        assert [row["public_name"] for row in tables.rows_of(User)] == [""]
    ann.refresh_from_db()
    assert ann.public_name == "Ann"


def change_migrations(folder: Path, change: Any) -> None:
    manifest = next((folder / "snapshots").glob("*/manifest.json"))
    content = json.loads(manifest.read_text())
    change(content["migrations"])
    manifest.write_text(json.dumps(content))
