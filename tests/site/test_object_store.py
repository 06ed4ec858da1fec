"""Web and workers that share a database, Redis and an S3 server, and no folder."""

from __future__ import annotations

import shutil
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from accounts.models import User
from recon.jobs import deletion, heartbeats, reconcile, submit
from recon.jobs.drafts import drafts, known_photos, photo_zips, places
from recon.jobs.folder import data_folder, mirror, unneeded_files
from recon.jobs.folder import object_store as object_store_module
from recon.jobs.run import tasks
from recon.models import Artifact, DataFolder, Job, StoredFile
from recon.pipeline.errors import PipelineError
from recon.pipeline.known_poses.placement import known_names
from tests.s3_server import S3Server
from tests.site import staged_pipeline
from tests.site.making import browser_of, job_of, person, photo, photo_bytes, photos
from tests.site.working import ROOT, kill_all, manage, wait_for_status, worker_environment
from tests.waiting import wait_until
from tests.zips import transforms, zip_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def set_up(object_store: S3Server, data_dir: Path, redis_queue: Redis) -> None:
    """`data_dir` is the web machine's."""


@pytest.fixture
def owner(set_up: None) -> User:
    return person()


def box_in(folder: Path) -> dict[str, str]:
    """The environment of a worker on a machine of its own."""
    folder.mkdir(exist_ok=True)
    return {**worker_environment(), "RECON_TEST_JOBS": str(folder)}


def draft_with_photos(owner: User, play: str = "finish") -> Job:
    draft = drafts.create_draft(owner)
    for one in photos(3):
        drafts.add_photo(draft, one)
    staged_pipeline.play(draft.workspace, play)
    mirror.keep(draft, draft.folder / "play")
    return draft


def objects_of_jobs(server: S3Server) -> list[str]:
    return [key for key in server.objects() if "/" in key]


def test_a_job_goes_from_one_machine_to_another_and_its_scene_comes_back(
    owner: User, tmp_path: Path, object_store: S3Server
) -> None:
    job = draft_with_photos(owner)
    assert drafts.start(job)
    manage("rqworker", "recon", "--burst", environment=box_in(tmp_path / "box"))
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED
    assert not (job.folder / "output").exists(), "this machine has not asked for it yet"
    client = browser_of(owner)
    address = reverse("recon:file", args=(job.pk, Artifact.Kind.SPLAT.value))
    whole = b"".join(client.get(address))
    part = client.get(address, headers={"Range": "bytes=2-5"})
    assert whole
    assert (part.status_code, b"".join(part)) == (206, whole[2:6])
    assert client.get(reverse("recon:job", args=(job.pk,))).status_code == 200
    deletion.delete(job)
    assert objects_of_jobs(object_store) == []


def test_a_lost_machine_s_job_is_finished_by_another(
    owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = draft_with_photos(owner, "talk")
    assert drafts.start(job)
    lost = psutil.Popen(
        [sys.executable, "manage.py", "rqworker", "recon"],
        cwd=ROOT,
        env=box_in(tmp_path / "lost"),
    )
    try:
        wait_for_status(job, Job.Status.PROCESSING)
    finally:
        kill_all(lost)
    staged_pipeline.play(job.workspace, "finish")
    mirror.keep(job, job.folder / "play")
    assert not reconcile.settle(job), "its heart may still beat: this is the first look"
    monkeypatch.setattr(heartbeats, "LOST_AFTER_S", 0.0)
    job.refresh_from_db()
    wait_until(lambda: reconcile.settle(job), "nobody works on it")
    manage("rqworker", "recon", "--burst", environment=box_in(tmp_path / "other"))
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == (Job.Status.COMPLETED, 2, 1)


def test_a_job_that_begins_while_the_store_is_away_waits_and_does_not_fail(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = draft_with_photos(owner)
    drafts.start(job)

    def away(job: Job, *paths: str) -> None:
        raise object_store_module.NotNow("storage_away")

    monkeypatch.setattr(mirror, "pull_here", away)
    tasks.run_job(str(job.pk), 1)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == (Job.Status.PENDING, 2, 0)
    assert not job.error_code


def test_a_beating_heart_is_left_alone(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "LOST_AFTER_S", 0.0)
    job = job_of(owner, status=Job.Status.PROCESSING, heartbeat_at=timezone.now())
    for second in range(3):
        job.heartbeat_at = timezone.now() + timedelta(seconds=second)
        assert not reconcile.settle(job)


def test_while_the_store_is_away_people_are_told_and_nothing_is_lost(
    owner: User, object_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.jobs.folder.object_store.PAUSES_S", ())
    draft = draft_with_photos(owner)
    client = browser_of(owner)
    object_store.stop()
    refused = client.post(
        reverse("api:add_photo", args=(draft.pk,)), {"file": photo("new.jpg", seed=9)}
    )
    assert refused.status_code == 503
    assert refused["Retry-After"] == "30"
    assert "can't be reached" in refused.json()["detail"]
    assert draft.photos.count() == 3
    shutil.rmtree(draft.folder)  # another web machine, which has to fetch
    thumb = client.get(reverse("recon:thumb", args=(draft.pk, draft.photos.all()[0].name)))
    assert thumb.status_code == 503
    assert client.get(reverse("recon:gallery")).status_code == 200
    object_store.start()
    thumb = client.get(reverse("recon:thumb", args=(draft.pk, draft.photos.all()[0].name)))
    assert thumb.status_code == 200


def test_scenes_with_the_same_photos_share_the_objects_until_the_last_one_goes(
    owner: User, object_store: S3Server
) -> None:
    first = job_with_photos_in_store(owner)
    before = objects_of_jobs(object_store)
    again = submit.run_again(first)
    draft = drafts.draft_from(first)
    assert objects_of_jobs(object_store) == before
    deletion.delete(first)
    assert objects_of_jobs(object_store) == before
    shutil.rmtree(draft.folder)
    mirror.pull(draft)
    assert len(list(draft.workspace.upload.iterdir())) == 3
    deletion.delete(again)
    known, is_new = known_photos.add_known(
        drafts.create_draft(owner), draft.photos.all()[0].sha256, name="known.jpg"
    ) or (None, False)
    assert known is not None
    assert is_new
    deletion.delete(draft)
    assert len(objects_of_jobs(object_store)) == 1
    deletion.delete(known.job)
    assert objects_of_jobs(object_store) == []


def test_photos_that_become_another_draft_leave_the_first(owner: User) -> None:
    draft = draft_with_photos(owner)
    chosen = [one.pk for one in draft.photos.all()[:2]]
    made = places.scene_of(draft, chosen)
    for job, count in ((draft, 1), (made, 2)):
        shutil.rmtree(job.folder)
        mirror.pull(job, "upload")
        assert len(list(job.workspace.upload.iterdir())) == count


def test_camera_positions_reach_every_machine_and_every_job_of_the_photos(owner: User) -> None:
    draft = drafts.create_draft(owner)
    names = [f"scan/{number}.jpg" for number in range(3)]
    content = zip_of(
        {name: photo_bytes(seed) for seed, name in enumerate(names)}
        | {"transforms.json": transforms(*names)}
    )
    photo_zips.add_zip(draft, SimpleUploadedFile("scan.zip", content))
    shutil.rmtree(draft.folder)  # another web machine, which has to fetch
    assert photo_zips.poses_of(draft) == {"found": 3, "total": 3}
    Job.objects.filter(pk=draft.pk).update(status=Job.Status.FAILED)
    draft.refresh_from_db()
    shutil.rmtree(draft.folder)
    again = submit.run_again(draft)
    mirror.pull(again)
    assert photo_zips.poses_of(again) == {"found": 3, "total": 3}
    assert sorted(known_names(again.workspace).values()) == names


def test_objects_that_nobody_listed_go_after_a_day_and_copies_that_nobody_wants(
    owner: User, object_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = draft_with_photos(owner)
    mirror.upload(draft, [draft.folder / "play"])  # and died before its row
    assert unneeded_files.sweep() == 0
    monkeypatch.setattr(unneeded_files, "UNLISTED_FOR", timedelta())
    listed = StoredFile.objects.count()
    assert unneeded_files.sweep() == 1
    assert len(objects_of_jobs(object_store)) == listed
    monkeypatch.setattr(unneeded_files, "UNUSED_FOR_S", -60)
    assert unneeded_files.evict() == 0, "a draft's folder may have what is not sent yet"
    Job.objects.filter(pk=draft.pk).update(status=Job.Status.CANCELLED)
    mirror.pull_here(draft)
    assert unneeded_files.evict() == 1
    assert not draft.folder.exists()


def test_an_object_with_another_content_is_not_taken_for_the_file(
    owner: User, object_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.jobs.folder.object_store.PAUSES_S", ())
    draft = draft_with_photos(owner)
    row = StoredFile.objects.get(job=draft, path="play")
    (object_store.site_folder / row.key).write_bytes(b"changed")
    (draft.folder / "play").unlink()
    with pytest.raises(PipelineError):
        mirror.pull(draft, "play")
    assert not (draft.folder / "play").exists()


def test_files_come_and_go_without_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short of memory, a thread that is started may never say so, and whoever started it waits."""
    sent = tmp_path / "a.bin"
    sent.write_bytes(bytes(9 * 2**20))  # in several parts
    digest = object_store_module.digest_of(sent)

    def fail(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread.name} was started")

    monkeypatch.setattr(threading.Thread, "start", fail)
    object_store_module.upload(sent, "a.bin")
    object_store_module.download("a.bin", tmp_path / "b.bin", sha256=digest)
    object_store_module.write("c.txt", "c")
    assert object_store_module.read("c.txt") == "c"


def test_a_store_belongs_to_one_database(owner: User) -> None:
    data_folder.require_own()
    draft_with_photos(owner)
    DataFolder.objects.update(token="another's")
    with pytest.raises(data_folder.ForeignDataFolder, match="belongs to another database"):
        data_folder.require_own()
    call_command("adopt_data_folder", "--force")
    data_folder.require_own()


def test_a_site_that_gets_a_store_sends_what_it_has(
    owner: User, settings: Any, object_store: S3Server
) -> None:
    with_store = settings.STORAGES
    settings.STORAGES = {name: one for name, one in with_store.items() if name != "jobs"}
    job = submit.create_job(owner, photos(3))
    settings.STORAGES = with_store
    call_command("move_to_object_store")
    names = set(StoredFile.objects.filter(job=job).values_list("path", flat=True))
    assert names == {f"upload/images/{one.name}" for one in job.photos.all()}
    sent = objects_of_jobs(object_store)
    call_command("move_to_object_store")
    assert objects_of_jobs(object_store) == sent, "nothing is sent twice"


def test_a_download_comes_from_the_store_where_that_is_wished_but_not_for_the_viewer(
    owner: User, tmp_path: Path, settings: Any, client: Client
) -> None:
    settings.DOWNLOADS = "signed"
    job = draft_with_photos(owner)
    drafts.start(job)
    manage("rqworker", "recon", "--burst", environment=box_in(tmp_path / "box"))
    address = reverse("recon:file", args=(job.pk, Artifact.Kind.SPLAT.value))
    owners = browser_of(owner)
    redirected = owners.get(address)
    assert redirected.status_code == 302
    assert "X-Amz-Signature" in redirected["Location"]
    assert "Expires=300" in redirected["Location"]
    assert owners.get(address, headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    assert client.get(address).status_code in (302, 404)
    assert "X-Amz" not in client.get(address).headers.get("Location", "")


def test_nginx_is_told_which_file_to_send(owner: User, settings: Any) -> None:
    settings.DOWNLOADS = "x-accel"
    settings.STORAGES = {name: one for name, one in settings.STORAGES.items() if name != "jobs"}
    job = submit.create_job(owner, photos(3))
    (job.workspace.output).mkdir(parents=True)
    (job.workspace.output / "scene.splat").write_bytes(b"splat")
    Artifact.objects.create(job=job, kind="splat", path="output/scene.splat", size=5)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.COMPLETED)
    response = browser_of(owner).get(reverse("recon:file", args=(job.pk, "splat")))
    assert response["X-Accel-Redirect"] == f"/_jobs/{job.pk}/output/scene.splat"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert b"".join(response) == b""


def job_with_photos_in_store(owner: User) -> Job:
    """A job that has ended, with its photos in the store."""
    job = submit.create_job(owner, photos(3))
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED)
    job.refresh_from_db()
    return job
