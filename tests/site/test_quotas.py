"""What one person may store and start: on the page, in the API, and to the byte."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts.models import User
from recon.jobs import attempts, deletion, submit
from recon.jobs.drafts import drafts
from recon.jobs.people import quotas
from recon.jobs.reconcile import reconcile
from recon.models import Job
from recon.pipeline.errors import UserError
from tests.site.making import browser_of, finished_job, job_of, person, photo, photos, token_of

pytestmark = pytest.mark.django_db(transaction=True)

MB = 2**20


@pytest.fixture(autouse=True)
def _site(data_dir: Any, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def ann() -> User:
    return person()


def limit(user: User, **limits: int) -> None:
    for name, value in limits.items():
        setattr(user, f"quota_{name}", value)
    user.save()


def big(owner: User, megabytes: int, **fields: Any) -> Job:
    return job_of(owner, **({"status": Job.Status.FAILED, "stored_bytes": megabytes * MB} | fields))


def refused(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    return caught.value.code


# --- What counts ---


def measure(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(stored_bytes=None)
    assert quotas.measure_ended(Job.objects.filter(pk=job.pk)) == 1


def test_a_scene_counts_with_its_photos_and_all_that_was_made(ann: User) -> None:
    job = finished_job(ann)
    job.photos.update(size=1000)
    measure(job)
    job.refresh_from_db()
    made = sum(f.stat().st_size for f in job.folder.rglob("*") if f.is_file())
    sent = sum(f.stat().st_size for f in job.workspace.upload.iterdir())
    assert job.stored_bytes == made - sent > 0
    assert quotas.stored_bytes(ann) == 3000 + job.stored_bytes
    finished_job(person("bob@example.org"))
    assert quotas.stored_bytes(ann) == 3000 + job.stored_bytes


def test_a_file_with_two_names_counts_once(ann: User) -> None:
    job = finished_job(ann)
    measure(job)
    before = Job.objects.get().stored_bytes
    (job.folder / "twin.splat").hardlink_to(job.workspace.output / "poster.jpg")
    measure(job)
    assert Job.objects.get().stored_bytes == before


def test_deleted_files_count_no_more(ann: User) -> None:
    job = finished_job(ann)
    measure(job)
    assert deletion.delete_files(job)
    assert Job.objects.get().stored_bytes == 0


def test_scenes_from_before_are_measured_by_and_by(ann: User) -> None:
    finished_job(ann)
    job_of(ann)
    reconcile()
    assert [job.stored_bytes is None for job in Job.objects.order_by("status")] == [False, True]


def test_staff_give_somebody_limits_of_their_own(ann: User, settings: SettingsWrapper) -> None:
    settings.QUOTA_STORED_MB, settings.QUOTA_ACTIVE_JOBS, settings.QUOTA_JOBS_A_DAY = 7, 8, 9
    used = quotas.usage(ann)
    assert (used.stored.most, used.active.most, used.today.most) == (7 * MB, 8, 9)
    boss = browser_of(person("boss@example.org", is_staff=True, is_superuser=True))
    address = reverse("admin:accounts_user_change", args=[ann.pk])
    form = boss.get(address).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value not in (None, False)}
    joined = timezone.localtime(ann.date_joined)
    data |= {"date_joined_0": joined.date(), "date_joined_1": joined.time()}
    data |= {"quota_stored_mb": 1, "quota_active_jobs": 0}
    assert boss.post(address, data).status_code == 302
    ann.refresh_from_db()
    used = quotas.usage(ann)
    assert (used.stored.most, used.active.most, used.today.most) == (MB, 0, 9)


# --- Scenes at a time ---


def test_so_many_scenes_may_wait_or_run(ann: User) -> None:
    limit(ann, active_jobs=2)
    job_of(ann)
    job_of(ann, status=Job.Status.PROCESSING)
    waiting = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    ended = finished_job(ann)
    assert refused(submit.create_job, ann, photos(3)) == "quota_active_jobs"
    assert refused(submit.run_again, ended) == "quota_active_jobs"
    assert refused(drafts.start, waiting) == "quota_active_jobs"
    waiting.refresh_from_db()
    assert waiting.is_draft
    assert not any((path / ".unclaimed").exists() for path in waiting.folder.parent.iterdir())
    Job.objects.filter(status=Job.Status.PROCESSING).update(status=Job.Status.CANCELLED)
    assert drafts.start(waiting)


# --- Scenes a day ---


def test_so_many_scenes_may_be_started_a_day_and_deleting_gives_none_back(ann: User) -> None:
    limit(ann, jobs_a_day=2)
    for _ in range(2):
        job = submit.create_job(ann, photos(3))
        Job.objects.filter(pk=job.pk).delete()
    assert refused(submit.create_job, ann, photos(3)) == "quota_jobs_a_day"
    User.objects.update(started_on=timezone.localdate() - timedelta(days=1))
    submit.create_job(ann, photos(3))
    ann.refresh_from_db()
    assert (ann.started_on, ann.started_that_day) == (timezone.localdate(), 1)


def test_the_day_is_the_site_s_whatever_zone_somebody_chooses(ann: User) -> None:
    limit(ann, jobs_a_day=1)
    submit.create_job(ann, photos(3))
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        with timezone.override(zone):
            assert refused(submit.create_job, ann, photos(3)) == "quota_jobs_a_day"


def test_a_start_that_fails_is_not_counted(ann: User) -> None:
    limit(ann, stored_mb=1)
    big(ann, 2)
    assert refused(submit.create_job, ann, photos(3)) == "quota_stored"
    ann.refresh_from_db()
    assert ann.started_that_day == 0


# --- Bytes ---


def test_what_does_not_fit_is_refused_wherever_it_comes_in(ann: User) -> None:
    ended = big(ann, 0)
    ended.photos.update(size=MB)
    draft = drafts.create_draft(ann)
    limit(ann, stored_mb=3)
    assert refused(drafts.add_photo, draft, photo("a.jpg")) == "quota_stored"
    assert refused(drafts.draft_from, ended) == "quota_stored"
    assert refused(submit.run_again, ended) == "quota_stored"
    assert refused(submit.create_job, ann, photos(3)) == "quota_stored"
    assert draft.photos.count() == 0
    assert [path.name for path in draft.workspace.upload.iterdir()] == []
    limit(ann, stored_mb=4)
    drafts.add_photo(draft, photo("a.jpg"))


def test_the_last_byte_fits(ann: User) -> None:
    limit(ann, stored_mb=1)
    size = photo("a.jpg").size or 0
    job = big(ann, 0)
    job.photos.all().delete()
    draft = drafts.create_draft(ann)
    Job.objects.filter(pk=job.pk).update(stored_bytes=MB - size + 1)
    assert refused(drafts.add_photo, draft, photo("a.jpg")) == "quota_stored"
    Job.objects.filter(pk=job.pk).update(stored_bytes=MB - size)
    drafts.add_photo(draft, photo("a.jpg"))
    assert quotas.stored_bytes(ann) == MB
    assert quotas.usage(ann).stored.is_reached


# --- What people and programs are told ---


@pytest.mark.parametrize(
    ("limits", "status", "said"),
    [
        ({"active_jobs": 0}, 429, "You can have 0 scenes waiting or running at a time"),
        ({"jobs_a_day": 0}, 429, "You can start 0 scenes a day"),
        ({"stored_mb": 0}, 413, "you can store 0 kB, and have 0 kB left"),
    ],
)
def test_a_limit_is_said_with_its_status(
    ann: User, limits: dict[str, int], status: int, said: str
) -> None:
    limit(ann, **limits)
    form = {"photos": photos(3), "preset": "quick"}
    page = browser_of(ann).post(reverse("recon:upload"), form)
    assert page.status_code == status
    assert said in page.content.decode()
    bearer = {"Authorization": f"Bearer {token_of(ann)}"}
    answer = Client().post("/recon/jobs", {"files": photos(3)}, headers=bearer)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert not Job.objects.exists()


def test_a_draft_that_may_not_start_says_so_and_stays(ann: User) -> None:
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    limit(ann, jobs_a_day=0)
    page = browser_of(ann).post(reverse("recon:start", args=(draft.pk,)), {"preset": "quick"})
    assert page.status_code == 429
    assert "You can start 0 scenes a day" in page.content.decode()
    bearer = {"Authorization": f"Bearer {token_of(ann)}"}
    answer = Client().post(f"/recon/jobs/{draft.pk}/start", headers=bearer)
    assert answer.status_code == 429


def test_a_photo_that_does_not_fit_is_refused_for_good(ann: User) -> None:
    """With 413: scripts try again after a 429 or a 5xx, which would be useless here."""
    draft = drafts.create_draft(ann)
    limit(ann, stored_mb=0)
    address = reverse("recon:add_photos", args=(draft.pk,))
    answer = browser_of(ann).post(
        address, {"photos": photo("a.jpg")}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 413
    assert "0 kB left" in answer.json()["errors"][0]


def test_running_again_and_the_sample_say_it_too(ann: User) -> None:
    job = finished_job(ann)
    limit(ann, active_jobs=0)
    page = browser_of(ann).post(reverse("recon:again", args=(job.pk,)), follow=True)
    assert "You can have 0 scenes waiting" in page.content.decode()


# --- The page ---


def test_the_page_shows_what_is_used_and_the_biggest_scene_first(ann: User) -> None:
    limit(ann, stored_mb=10, active_jobs=3, jobs_a_day=4)
    submit.create_job(ann, photos(3), title="waiting")
    big(ann, 2, title="small")
    big(ann, 5, title="large")
    big(person("bob@example.org"), 9, title="not mine")
    page = browser_of(ann).get(reverse("recon:usage"))
    text = page.content.decode()
    assert [job.title for job in page.context["page"]] == ["large", "small", "waiting"]
    assert "7 MB of 10 MB" in text
    assert "1 of 3 scenes" in text
    assert "1 of 4 scenes" in text
    assert "not mine" not in text
    assert page.context["page"][0].size == 5 * MB + 3


def test_a_scene_is_deleted_from_the_page_and_room_is_there_again(ann: User) -> None:
    limit(ann, stored_mb=1)
    job = big(ann, 1)
    browser = browser_of(ann)
    assert "Full: photos and scenes" in browser.get(reverse("recon:usage")).content.decode()
    answer = browser.post(reverse("recon:delete", args=(job.pk,)), {"from": "usage"})
    assert answer["Location"] == reverse("recon:usage")
    assert quotas.stored_bytes(ann) == 0
    assert not job.folder.exists()


def test_what_nobody_has_measured_is_measured_in_the_next_round(ann: User) -> None:
    finished_job(ann)
    browser = browser_of(ann)
    assert browser.get(reverse("recon:usage")).context["page"][0].size == 3, "the photos' rows"
    reconcile()
    assert browser.get(reverse("recon:usage")).context["page"][0].size > 3


def test_an_empty_account_uses_nothing(ann: User) -> None:
    text = browser_of(ann).get(reverse("recon:usage")).content.decode()
    assert "None yet." in text
    assert "0 kB of 20 GB" in text


@pytest.mark.parametrize(("status", "stays"), [("CANCELLED", False), ("FAILED", True)])
def test_what_is_half_done_stays_only_where_staff_may_let_the_job_go_on(
    ann: User, status: str, stays: bool
) -> None:
    job = job_of(ann, status=status)
    state = job.workspace.checkpoint / "state.pt"
    features = job.workspace.colmap / ".unfinished-features-0a" / "database.db"
    for file in (state, features):
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(10_000))
    reconcile()
    job.refresh_from_db()
    assert job.stored_bytes is not None
    assert state.exists() == features.exists() == stays == (job.stored_bytes >= 20_000)


def test_a_new_attempt_is_measured_at_its_end_and_not_as_the_one_before(ann: User) -> None:
    job = job_of(ann, status=Job.Status.FAILED, stored_bytes=77)
    assert attempts.retry(job)
    assert Job.objects.get().stored_bytes is None
