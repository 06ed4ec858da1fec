"""What killed processes leave behind is removed, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile

from recon.jobs.folder import leftovers
from recon.jobs.folder import lock as folder_lock
from recon.jobs.reconcile import reconcile
from recon.models import Job
from recon.pipeline.workspace import scratch_folder
from recon.web import files_on_demand
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def incoming(data_dir: Path, settings: Any) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = data_dir / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def age(path: Path, hours: float = 2) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def test_spooled_uploads_of_a_killed_process_go_after_an_hour(incoming: Path) -> None:
    left = TemporaryUploadedFile("a photo.jpg", "image/jpeg", 5, None)
    path = Path(left.temporary_file_path())
    left.file.delete = left.file._closer.delete = False  # as kill -9 leaves it
    assert path.parent == incoming
    assert reconcile().leftovers == 0  # a request may be reading it
    age(path)
    assert reconcile().leftovers == 1
    assert not path.exists()


def test_what_is_not_ours_stays(incoming: Path, data_dir: Path) -> None:
    others = [incoming / "notes.txt", incoming / "tmpnotes", data_dir / "my.upload.jpg"]
    for path in others:
        path.touch()
        age(path)
    (incoming / "tmpabcdefgh.upload.jpg").symlink_to(others[0])
    assert leftovers.sweep() == 0
    assert all(path.exists() for path in others)


def test_half_made_secrets_and_small_pictures_go_too(data_dir: Path) -> None:
    secret = data_dir / ".secret_key.4711.0a1b2c3d"
    secret.touch()
    folder = data_dir / "jobs" / "some-job" / "thumbs"
    folder.mkdir(parents=True)
    left: list[Path] = []

    def write(place: Path) -> None:
        place.touch()
        os.link(place, place.with_name(place.name + "x"))  # as if it had been killed here
        left.append(place.with_name(place.name + "x"))

    picture = files_on_demand.put(folder / "a.jpg", write)
    for path in (secret, *left, picture):
        age(path)
    assert leftovers.sweep() == 1
    assert leftovers.sweep_pictures() == 1
    assert list(folder.iterdir()) == [picture]


def test_a_lost_worker_s_scratch_folders_go_with_its_attempt(data_dir: Path) -> None:
    job = job_of(person(), status=Job.Status.PROCESSING)
    job.workspace.colmap.mkdir(parents=True, exist_ok=True)
    with scratch_folder(job.workspace.colmap) as place:
        (place / "database.db").touch()
        (place / ".a.jpg.partial").touch()
        (job.workspace.colmap / ".pairs.json.partial").touch()
        (job.workspace.colmap / "database.db").touch()
        with folder_lock.hold(job.folder):
            reconcile()
        assert place.exists()  # its worker is alive
        reconcile()
        names = sorted(path.name for path in job.workspace.colmap.iterdir())
        assert names == ["database.db"]
        place.mkdir()  # so that the block can end


def test_what_a_killed_backup_left_goes_after_a_day_in_which_nothing_was_written(
    data_dir: Path,
) -> None:
    """Rows of the whole site lie there."""
    folders = [data_dir / ".backup-ab12cd_e", data_dir / ".restore-ab12cd_e"]
    for folder in folders:
        folder.mkdir()
        (folder / "files.jsonl.gz").touch()
        age(folder, hours=25)
    assert reconcile().leftovers == 0, "a file in it is new"
    for folder in folders:
        age(folder / "files.jsonl.gz", hours=25)
    assert reconcile().leftovers == 2
    assert not any(folder.exists() for folder in folders)
