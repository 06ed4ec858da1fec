"""Backups in a bucket, and of sites whose files are in one, with a real S3 server."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from recon.jobs.backup import backup, restore
from recon.jobs.backup import bucket as bucket_module
from recon.jobs.backup.bucket import LOCK, BucketStore
from recon.jobs.backup.manifest import read_files
from recon.jobs.backup.opening import opened_for_reading
from recon.jobs.backup.stores import StoreError, object_name
from recon.jobs.folder import mirror
from recon.jobs.folder import object_store as site_store
from recon.models import Artifact, Job, StoredFile
from tests.s3_server import BUCKET, S3Server
from tests.site.making import browser_of, finished_job, job_of, person
from tests.site.test_backup import files, rows, site_on

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
    pytest.mark.slow,  # tables of empty sites are made
]


@pytest.fixture
def address(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty folder of the bucket."""
    for name, value in s3_server.environment.items():
        if name != "STORAGE_URL":
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket_module, "PAUSES_S", (0.0,))
    return f"s3://{BUCKET}/backups-{secrets.token_hex(4)}/of the site"


def stored_job(**columns: Any) -> Job:
    """A finished job whose files are in the site's object store."""
    job = finished_job(person(), **columns)
    mirror.keep(job, *mirror.files_in(job))
    return job


@contextmanager
def empty_site(tmp_path: Path, settings: Any, server: S3Server | None) -> Iterator[None]:
    """With an object store of its own, or without one."""
    url, storages = settings.STORAGE_URL, settings.STORAGES
    folder = tmp_path / "fresh"
    folder.mkdir()
    if server is None:
        settings.STORAGE_URL = ""
        settings.STORAGES = {n: one for n, one in storages.items() if n != "jobs"}
    else:
        server.use_empty_folder()
        use_store(server, settings)
    try:
        with site_on(str(tmp_path / "fresh.sqlite3"), folder, settings):
            yield
    finally:
        settings.STORAGE_URL, settings.STORAGES = url, storages


def use_store(server: S3Server, settings: Any) -> None:
    from instarecon_site import env

    os.environ["STORAGE_URL"] = settings.STORAGE_URL = server.environment["STORAGE_URL"]
    settings.STORAGES = {**settings.STORAGES, "jobs": env.storage("STORAGE_URL")}


def splat_of(job: Job) -> bytes:
    page = reverse("recon:file", args=[job.pk, Artifact.Kind.SPLAT.value])
    return b"".join(browser_of(job.owner).get(page))  # type: ignore[arg-type]


def test_a_site_with_a_folder_becomes_one_with_an_object_store(
    address: str, object_store: S3Server, tmp_path: Path, settings: Any, data_dir: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By way of a bucket."""
    settings.STORAGE_URL, settings.STORAGES = "", {
        name: one for name, one in settings.STORAGES.items() if name != "jobs"
    }  # fmt: skip
    ann = person()
    job, twin = finished_job(ann, shared=True), job_of(ann)  # of the same photos
    draft = job_of(ann, status=Job.Status.DRAFT)
    (data_dir / "secret_key").write_text("s" * 50)
    splat, before, stored = splat_of(job), rows(), files(data_dir)
    call_command("backup", address)
    assert "new or changed" in capsys.readouterr().out
    call_command("restore", address, check=True)
    with empty_site(tmp_path, settings, object_store):
        call_command("restore", address)
        after = rows()
        assert len(after.pop("recon.StoredFile")) == len(stored)
        assert after == {name: one for name, one in before.items() if name != "recon.StoredFile"}
        assert splat_of(job) == splat
        assert draft.photos.count() == 3
        photos = StoredFile.objects.filter(path="upload/images/000.jpg", job__in=[job, twin])
        assert len({row.key for row in photos}) == 1, "scenes of the same photos share them"
        mirror.pull(job, exactly=True)
        assert files(settings.DATA_DIR).items() <= stored.items()
        assert (settings.DATA_DIR / "secret_key").read_text() == "s" * 50
        with pytest.raises(CommandError, match="not empty"):
            call_command("restore", address)


def test_a_site_with_an_object_store_becomes_one_with_a_folder(
    address: str, object_store: S3Server, tmp_path: Path, settings: Any
) -> None:
    job = stored_job()
    stored = files(settings.DATA_DIR)
    for path in (job.folder / "output").iterdir():
        path.unlink() if path.is_file() else None  # this machine need not have them
    made = backup.make(address)
    assert (made.files, made.lost) == (len(stored), 0)
    assert backup.make(address).new == 0
    with empty_site(tmp_path, settings, None):
        restore.restore(address)
        assert files(settings.DATA_DIR) == stored
        assert not StoredFile.objects.exists()


def test_what_a_backup_that_was_broken_off_has_sent_is_not_sent_again(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_job(person())
    sent: list[str] = []
    add = BucketStore.add

    def add_some(store: BucketStore, name: str, source: Path) -> None:
        if len(sent) == 40:
            raise KeyboardInterrupt
        add(store, name, source)
        sent.append(name)

    monkeypatch.setattr(BucketStore, "add", add_some)
    with pytest.raises(KeyboardInterrupt):
        backup.make(address)
    with opened_for_reading(address) as store:
        assert store.snapshots() == [], "nothing counts before its manifest is there"
    there = {name for name in sent if name.startswith("objects/")}
    assert there
    sent.clear()
    monkeypatch.setattr(BucketStore, "add", lambda *one: (sent.append(one[1]), add(*one)))
    backup.make(address)
    assert not there & set(sent)
    restore.check(address)


def test_a_store_that_is_away_is_said_to_be(
    address: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_server.stop()
    try:
        with pytest.raises(CommandError, match="s3://"):
            call_command("backup", address)
    finally:
        s3_server.start()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(CommandError, match="s3://"):
        call_command("backup", address)


@pytest.mark.parametrize("address", ["s3:///folder", "s3://"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(CommandError, match="names no bucket"):
        call_command("backup", address)


def test_the_site_s_own_store_is_no_place_for_backups(object_store: S3Server) -> None:
    """It deletes what it does not know."""
    own = object_store.environment["STORAGE_URL"]
    for place in (own, f"{own}/backups", f"s3://{BUCKET}"):
        with pytest.raises(CommandError, match="own store"):
            call_command("backup", place)


def test_damage_is_found_and_leaves_the_site_empty(
    address: str, object_store: S3Server, tmp_path: Path, settings: Any
) -> None:
    stored_job()
    backup.make(address)
    with opened_for_reading(address) as store:
        assert isinstance(store, BucketStore)
        last = list(read_files(store, store.snapshots()[0]))[-1]
        broken = tmp_path / "broken"
        broken.write_bytes(bytes(last.size))
        store.add(object_name(last.sha256), broken)
    with pytest.raises(StoreError, match="damaged"):
        restore.check(address)
    with empty_site(tmp_path, settings, object_store):
        with pytest.raises(StoreError, match="damaged"):
            restore.restore(address)
        assert [key for key in site_store.all_keys() if "/" in key] == []
        restore.require_empty()


def test_old_backups_go_and_what_the_others_need_stays(address: str, s3_server: S3Server) -> None:
    job = finished_job(person())
    for number in range(3):
        (job.folder / "output" / "poster.jpg").write_bytes(b"poster %d" % number)
        call_command("backup", address, keep=2, verbosity=0)
    with opened_for_reading(address) as store:
        names = store.snapshots()
    assert len(names) == 2
    folder = s3_server.folder / address.removeprefix("s3://") / "objects"
    posters = [path.read_bytes() for path in folder.glob("*/*")]
    assert b"poster 0" not in posters
    assert {b"poster 1", b"poster 2"} <= set(posters)
    for name in names:
        restore.check(address, name)


def say_at_work(store: BucketStore, **said: Any) -> None:
    facts = {"writer": "a", "host": "elsewhere", "pid": 1, "at": datetime.now(UTC).isoformat()}
    body = json.dumps({**facts, **said}).encode()
    store._client.put_object(Bucket=store.bucket, Key=store._prefix + LOCK, Body=body)


@pytest.mark.parametrize(
    ("said", "is_refused"),
    [
        ({}, True),
        ({"host": socket.gethostname(), "pid": os.getpid()}, True),
        ({"host": socket.gethostname(), "pid": 2**22 + 1}, False),
        ({"at": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}, False),
    ],
)
def test_two_backups_to_one_place_take_turns(
    address: str, said: dict[str, Any], is_refused: bool
) -> None:
    """One that was broken off is followed: at once on its own machine, after an hour elsewhere."""
    store = BucketStore(address)
    say_at_work(store, **said)
    if is_refused:
        with pytest.raises(StoreError, match="Another backup"), store.only_writer():
            pass
        return
    with store.only_writer():
        with pytest.raises(StoreError, match="Another backup"), BucketStore(address).only_writer():
            pass
        assert store._read_lock()
    assert store._read_lock() is None


def test_a_file_is_read_in_pieces_and_a_piece_that_is_lost_again(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "PIECE", 1000)
    content = os.urandom(10_500)
    (tmp_path / "file").write_bytes(content)
    store = BucketStore(address)
    store.add("a", tmp_path / "file")
    get, asked = store._client.get_object, []

    def get_sometimes(**what: str) -> Any:
        asked.append(what["Range"])
        if len(asked) % 3 == 0:
            raise ConnectionResetError
        return get(**what)

    monkeypatch.setattr(store._client, "get_object", get_sometimes)
    with store.open("a") as file:
        assert file.read() == content
    assert len(asked) > 10


def test_a_file_that_the_site_s_store_has_lost_is_named_and_the_rest_is_saved(
    address: str, object_store: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    job = stored_job()
    row = StoredFile.objects.filter(job=job, path="output/poster.jpg").get()
    site_store.remove([row.key])
    call_command("backup", address)
    assert "lost 1 files" in capsys.readouterr().err
    assert "output/poster.jpg" in caplog.text
    restore.check(address)


def test_a_file_that_is_replaced_meanwhile_is_copied_as_it_is_then(
    address: str, object_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stored_job()
    poster, download = job.folder / "output" / "poster.jpg", site_store.download
    poster.write_bytes(b"first")
    mirror.keep(job, poster)

    def replace_first(key: str, path: Path, *, sha256: str) -> None:
        if poster.read_bytes() == b"first" and sha256 == site_store.digest_of(poster):
            poster.write_bytes(b"second")
            mirror.keep(job, poster)
        download(key, path, sha256=sha256)

    monkeypatch.setattr(site_store, "download", replace_first)
    assert backup.make(address).lost == 0
    with opened_for_reading(address) as store:
        found = {file.path: file.sha256 for file in read_files(store, store.snapshots()[0])}
        with store.open(object_name(found[f"jobs/{job.pk}/output/poster.jpg"])) as file:
            assert file.read() == b"second"
