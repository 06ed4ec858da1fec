"""How a job is made: files, rows and queue, all or nothing."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import transaction
from PIL import Image

from recon.jobs import photo_upload as job_photos
from recon.jobs import queue, submit
from recon.jobs.folder import photo_files, unclaimed
from recon.models import Job, Photo
from recon.pipeline.config import from_dict
from recon.pipeline.decoding.opening import Opener
from recon.pipeline.errors import PipelineError, UserError
from recon.pipeline.wishes import Wishes
from tests.site.making import exif_with_gps, person, photo, photo_bytes, photos

pytestmark = pytest.mark.django_db(transaction=True)


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/jpeg")


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


def test_a_job_is_made_of_rows_files_and_a_place_in_the_queue() -> None:
    job = submit.create_job(person(), photos(3), title="  Fern  ", wishes=Wishes("quick"))
    job.refresh_from_db()
    assert (job.title, job.wishes, job.status) == ("Fern", Wishes("quick"), "PENDING")
    assert job.attempt == 1
    assert [p.path.is_file() for p in job.photos.all()] == [True, True, True]
    assert queue.carried_ids() == {f"{job.pk}-1"}
    assert not (job.folder / unclaimed.MARK).exists()


def test_photos_keep_their_order_under_safe_unique_names() -> None:
    names = ["Zürich am See!.JPG", "../../etc/passwd", "a.jpeg", "a.jpeg", "图.jpg"]
    uploads = [photo("x.jpg", seed=i) for i in range(len(names))]
    for file, name in zip(uploads, names, strict=True):
        file.name = name if "/" not in name else "passwd"  # Django itself strips folders
    job = submit.create_job(person(), uploads)
    assert list(job.photos.values_list("name", flat=True)) == [
        "01_zurich-am-see.jpg",
        "02_passwd.jpg",
        "03_a.jpg",
        "04_a.jpg",
        "05_photo.jpg",
    ]
    assert job.photos.first().original_name == "Zürich am See!.JPG"


def test_a_stored_name_never_leaves_its_folder() -> None:
    assert photo_files.stored_name(1, "..\\..\\boot.ini", "PNG") == "01_boot.png"
    assert photo_files.stored_name(2, "../../.bashrc", "WEBP") == "02_bashrc.webp"
    assert len(photo_files.stored_name(3, "x" * 5000 + ".jpg", "JPEG")) < 100


def test_the_suffix_says_what_the_content_is_and_not_what_the_name_claims() -> None:
    files = [upload(f"{n}.jpg", photo_bytes(n, kind="PNG")) for n in range(3)]
    job = submit.create_job(person(), files)
    assert {p.path.suffix for p in job.photos.all()} == {".png"}


def test_a_photo_row_describes_the_photo_upright() -> None:
    turned = photo_bytes(1, size=(200, 120), exif=exif_with_gps(orientation=6))
    job = submit.create_job(person(), [upload("t.jpg", turned), *photos(2)])
    first = job.photos.first()
    assert (first.width, first.height, first.size) == (120, 200, len(turned))
    assert first.path.read_bytes() == turned


def test_a_large_upload_that_was_spooled_to_disk_is_kept_too() -> None:
    spooled = TemporaryUploadedFile("big.jpg", "image/jpeg", 0, None)
    content = photo_bytes(7)
    spooled.write(content)
    spooled.flush()
    spooled.size = len(content)
    job = submit.create_job(person(), [spooled, *photos(2)])
    spooled.close()
    assert job.photos.first().path.read_bytes() == content


@pytest.mark.parametrize(("count", "code"), [(2, "too_few_photos"), (21, "too_many_photos")])
def test_too_few_or_too_many_photos_are_refused(count: int, code: str) -> None:
    with pytest.raises(UserError) as caught:
        submit.create_job(person(), photos(count))
    assert caught.value.code == code
    assert not Job.objects.exists()


def test_a_broken_photo_leaves_neither_row_nor_folder(data_dir: Path) -> None:
    truncated = upload("half.jpg", photo_bytes(1)[:-2000])
    with pytest.raises(UserError, match=r"half\.jpg"):
        submit.create_job(person(), [*photos(2), truncated])
    assert not Job.objects.exists()
    assert not list(data_dir.glob("jobs/*"))


def test_a_full_disk_leaves_nothing_behind_and_says_so(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(photo_files, "write", full)
    with pytest.raises(PipelineError) as caught:
        submit.create_job(person(), photos(3))
    assert caught.value.code == "disk_full"
    assert not Job.objects.exists()
    assert not list(data_dir.glob("jobs/*"))


def test_too_little_room_is_said_before_anything_is_kept(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = photo_files.shutil.disk_usage(data_dir)._replace(free=3 * 2**20)
    monkeypatch.setattr(photo_files.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(PipelineError, match="3 MB, where 500 MB are needed"):
        submit.create_job(person(), photos(3))
    assert not list(data_dir.glob("jobs/*"))


def test_nothing_is_queued_when_the_transaction_rolls_back() -> None:
    class Oops(Exception):
        pass

    owner = person()
    with pytest.raises(Oops), transaction.atomic():  # noqa: PT012
        job = submit.create_job(owner, photos(3))
        raise Oops
    assert queue.carried_ids() == set()
    assert (job.folder / unclaimed.MARK).exists()
    assert unclaimed.sweep(patience_s=0) == 1
    assert not job.folder.exists()


def test_without_redis_the_job_is_kept_and_waits(no_redis: None) -> None:
    job = submit.create_job(person(), photos(3))
    job.refresh_from_db()
    assert job.status == "PENDING"
    assert queue.position(job) == 1


def test_the_config_is_the_preset_within_the_sites_ceilings(settings: Any) -> None:
    settings.TRAINING_ITERATIONS = 123
    settings.MAX_IMAGE_SIZE = 777
    settings.OUTLIER_K_NEIGHBORS = 9
    settings.MONITOR_GPU = False
    job = submit.create_job(person(), photos(3), wishes=Wishes("high", original_resolution=True))
    config = from_dict(job.config)
    assert config.preset == "high"
    assert config.train.iterations == 123
    assert (config.preflight.max_image_size, config.train.max_image_size) == (777, 777)
    assert config.export.outlier_k_neighbors == 9
    assert config.train.gpu_check_interval == 0


def test_no_preset_means_the_sites_default(settings: Any) -> None:
    settings.DEFAULT_PRESET = "high"
    assert submit.create_job(person(), photos(3)).wishes.preset == "high"


def test_running_again_shares_the_files_and_changes_only_what_is_asked() -> None:
    job = submit.create_job(person(), photos(3), title="Fern", wishes=Wishes("quick"), shared=True)
    again = submit.run_again(job, wishes=Wishes("standard"))
    assert (again.owner, again.title, again.wishes.preset) == (job.owner, "Fern", "standard")
    assert again.photos_from == job
    assert not again.share.is_on
    assert again.share.key != job.share.key
    for old, new in zip(job.photos.all(), again.photos.all(), strict=True):
        assert (old.name, old.sha256) == (new.name, new.sha256)
        assert old.path != new.path
        assert old.path.stat().st_ino == new.path.stat().st_ino
    assert queue.carried_ids() == {job.queue_id, again.queue_id}
    assert Photo.objects.count() == 6


def test_running_again_keeps_how_to_measure_and_what_to_deliver() -> None:
    wishes = Wishes("high", cross_validate=True, final_refine=False, outlier_filter="always")
    again = submit.run_again(submit.create_job(person(), photos(3), wishes=wishes))
    assert again.wishes == wishes
    config = from_dict(again.config)
    assert config.cross_validates(3)
    assert not config.export.final_refine
    assert config.evaluate.outlier_filter == "always"
    plain = submit.run_again(submit.create_job(person("b@example.org"), photos(3)))
    assert not plain.wishes.cross_validate
    assert from_dict(plain.config).export.final_refine
    assert from_dict(plain.config).evaluate.outlier_filter == "auto"


def test_running_again_outlives_the_first_job() -> None:
    from recon.jobs import deletion

    job = submit.create_job(person(), photos(3))
    again = submit.run_again(job)
    deletion.delete(job)
    assert all(p.path.is_file() for p in again.photos.all())


def test_running_again_without_the_files_says_which_photo_is_gone(data_dir: Path) -> None:
    job = submit.create_job(person(), photos(3))
    job.photos.all()[1].path.unlink()
    with pytest.raises(UserError) as caught:
        submit.run_again(job)
    assert caught.value.code == "photo_unreadable"
    assert [folder.name for folder in (data_dir / "jobs").iterdir()] == [str(job.pk)]


def test_half_an_upload_is_swept_later_but_never_a_claimed_folder(data_dir: Path) -> None:
    submitted = submit.create_job(person(), photos(3))
    half = data_dir / "jobs" / "0b0e7a4e-27ad-4f3c-8f0b-6c2f1f3f2a11"
    half.mkdir()
    unclaimed.mark(half)
    unmarked = data_dir / "jobs" / "0b0e7a4e-27ad-4f3c-8f0b-6c2f1f3f2a12"
    unmarked.mkdir()
    unclaimed.mark(submitted.folder)  # a crash before `claim`: the row answers for it
    assert unclaimed.sweep() == 0
    assert unclaimed.sweep(patience_s=0) == 1
    assert (half.exists(), unmarked.exists(), submitted.folder.exists()) == (False, True, True)


class TestCheckUpload:
    def check(self, content: bytes, name: str = "a.jpg") -> job_photos.CheckedPhoto:
        return job_photos.check_upload(upload(name, content))

    def refused(self, content: bytes) -> str:
        with pytest.raises(UserError) as caught:
            self.check(content)
        assert caught.value.facts["name"] == "a.jpg"
        return caught.value.code

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_the_three_formats_pass(self, kind: str) -> None:
        checked = self.check(photo_bytes(1, kind=kind))
        assert (checked.format, checked.width, checked.height) == (kind, 120, 110)

    @pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
    def test_a_disguised_file_is_refused(self, kind: str) -> None:
        assert self.refused(photo_bytes(1, kind=kind)) == "photo_other_kind"

    def test_text_is_refused(self) -> None:
        assert self.refused(b"GIF or not" * 100) == "photo_unreadable"

    def test_a_truncated_photo_is_refused(self) -> None:
        assert self.refused(photo_bytes(1)[:-3000]) == "photo_unreadable"

    def test_a_truncated_png_is_refused(self) -> None:
        assert self.refused(photo_bytes(1, kind="PNG")[:-3000]) == "photo_unreadable"

    def test_a_thumbnail_is_refused(self) -> None:
        assert self.refused(photo_bytes(1, size=(400, 99))) == "photo_too_small"

    @pytest.mark.parametrize("side", [11_000, 19_000])
    def test_a_decompression_bomb_is_refused(self, side: int) -> None:
        file = io.BytesIO()
        Image.new("1", (side, side)).save(file, "PNG")
        assert len(file.getvalue()) < 100_000
        assert self.refused(file.getvalue()) == "photo_too_large"

    def test_a_photo_is_decoded_only_once_and_can_be_read_afterwards(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = photo("a.jpg")
        first = job_photos.check_upload(file)
        monkeypatch.setattr(Opener, "check_photo", lambda *_, **__: pytest.fail("decoded again"))
        assert job_photos.check_upload(file) is first
        assert len(file.read()) == file.size
