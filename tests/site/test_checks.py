"""Photo checks of drafts: every change asks for one, and a separate worker does them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import letters
from recon.jobs import deletion, queue
from recon.jobs.drafts import checks, drafts, frames
from recon.jobs.drafts.checks import State
from recon.jobs.folder import lock as folder_lock
from recon.jobs.reconcile import Mended, reconcile
from recon.models import Job
from recon.pipeline.photo_check import check
from tests.site.making import person, photo, photos
from tests.site.working import ROOT, work_off, worker, worker_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft(data_dir: Path, redis_queue: Any) -> Job:
    """A draft with three photos and a waiting check."""
    made = drafts.create_draft(person())
    for upload in photos(3):
        drafts.add_photo(made, upload)
    return made


def waiting() -> int:
    return len(queue.rq_queue(checks.QUEUE).job_ids)


def running() -> int:
    return len(queue.running_ids(checks.QUEUE))


def names(draft: Job) -> list[str]:
    return [photo.name for photo in draft.photos.all()]


def test_every_change_asks_for_a_check_and_only_one_waits(draft: Job) -> None:
    assert waiting() == 1
    queue.rq_queue(checks.QUEUE).empty()
    drafts.drop_photo(draft, draft.photos.first().pk)
    assert waiting() == 1
    drafts.add_photo(draft, photo("another.jpg"))
    assert waiting() == 1
    assert queue.rq_queue().job_ids == [], "checks never queue behind jobs"


def test_another_draft_has_a_check_of_its_own(draft: Job) -> None:
    other = drafts.create_draft(draft.owner)
    assert waiting() == 1, "without photos there is nothing to check"
    drafts.add_photo(other, photo("a.jpg"))
    assert waiting() == 2


def test_one_person_s_many_checks_do_not_keep_another_s_waiting(draft: Job) -> None:
    others = [drafts.create_draft(draft.owner) for _ in range(3)]
    for other in others:
        drafts.add_photo(other, photo("a.jpg"))
    of_bob = drafts.create_draft(person("bob@example.org"))
    drafts.add_photo(of_bob, photo("a.jpg"))
    ids = queue.rq_queue(checks.QUEUE).job_ids
    assert ids[0].startswith(f"check-{draft.pk}"), "ann's first came first"
    assert ids[1].startswith(f"check-{of_bob.pk}")
    assert [one.split("-", 1)[1][:36] for one in ids[2:]] == [str(other.pk) for other in others]


@pytest.mark.slow
def test_a_worker_of_the_queue_leaves_a_report(draft: Job) -> None:
    assert checks.state_of(draft).state is State.ABSENT, "nobody works on checks"
    work_off(queue=checks.QUEUE)
    check = checks.state_of(draft)
    assert check.state is State.CURRENT
    assert check.report is not None
    assert [entry.name for entry in check.report.photos] == names(draft)
    assert waiting() == running() == 0
    drafts.drop_photo(draft, draft.photos.first().pk)
    assert checks.state_of(draft).state is State.ABSENT
    assert checks.state_of(draft).report == check.report, "the old one is better than none"


@pytest.mark.slow
def test_photos_that_arrive_during_a_check_lead_to_another(draft: Job) -> None:
    with worker(queue=checks.QUEUE):
        with folder_lock.hold(draft.folder):
            wait_until(lambda: (waiting(), running()) == (0, 1), "the check waits for the folder")
            assert checks.state_of(draft).state is State.COMING
            for name in ("late.jpg", "later.jpg"):
                drafts.add_photo(draft, photo(name))
                assert (waiting(), running()) == (1, 1)
        wait_until(lambda: (waiting(), running()) == (0, 0), "both checks are done")
    check = checks.state_of(draft)
    assert check.state is State.CURRENT
    assert len(check.report.photos) == 5


@pytest.mark.slow
def test_a_killed_check_is_asked_for_again_and_not_for_ever(draft: Job) -> None:
    with worker(queue=checks.QUEUE) as process:
        with folder_lock.hold(draft.folder):
            # Wait until a horse has taken it: a starting worker has other children, such as
            # platform's `file`.
            wait_until(lambda: running() == 1 and bool(process.children()), "it waits")
            for horse in process.children():
                horse.kill()
            wait_until(lambda: running() == 0, "the worker noticed")
        assert process.is_running()
        assert reconcile() == Mended(checks=1)
        wait_until(lambda: checks.state_of(draft).state is State.CURRENT, "the second check")
    (draft.workspace.check / "report.json").unlink()
    for tried in (2, 3):
        assert checks.tries_of(draft) == tried - 1
        checks.check_photos(str(draft.pk))
        (draft.workspace.check / "report.json").unlink()
    assert reconcile() == Mended(), "three times is enough"
    drafts.add_photo(draft, photo("new.jpg"))
    assert checks.tries_of(draft) == 0
    assert waiting() == 1


def test_reconcile_asks_for_what_redis_forgot_once(draft: Job, redis_queue: Any) -> None:
    assert reconcile() == Mended()
    redis_queue.flushall()
    assert reconcile() == Mended(checks=1)
    assert reconcile() == Mended()
    assert waiting() == 1


def test_a_draft_that_was_started_or_deleted_is_not_checked(draft: Job) -> None:
    assert drafts.start(draft)
    checks.check_photos(str(draft.pk))
    assert not draft.workspace.check.exists()
    other = drafts.create_draft(draft.owner)
    drafts.add_photo(other, photo("a.jpg"))
    folder, key = other.folder, str(other.pk)
    deletion.delete(other)
    checks.check_photos(key)
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["start", "delete"])
def test_a_check_ends_quietly_when_its_draft_does(
    end: str, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_at = check.look_at

    def look_and_end(path: Path) -> Any:
        """As if somebody pressed the button at this moment, in another process."""
        program = (
            "import django; django.setup(); from recon.models import Job\n"
            f"job = Job.objects.get(pk='{draft.pk}')\n"
            + ("job.status = 'PENDING'; job.save()" if end == "start" else "job.delete()")
        )
        if path.name == names_before[0]:
            run_beside(program)
        return look_at(path)

    names_before = names(draft)
    monkeypatch.setattr(check, "look_at", look_and_end)
    checks.check_photos(str(draft.pk))
    assert not (draft.workspace.check / "report.json").exists()


def run_beside(program: str) -> None:
    """Runs a program in its own process, on the test's database."""
    environment = worker_environment()
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def test_without_redis_photos_arrive_and_the_check_is_absent(
    data_dir: Path, no_redis: None
) -> None:
    draft = drafts.create_draft(person())
    drafts.add_photo(draft, photo("a.jpg"))
    assert draft.photos.count() == 1
    assert checks.state_of(draft).state is State.ABSENT
    assert reconcile() == Mended()


@pytest.mark.slow
def test_the_web_process_never_loads_pycolmap_or_torch() -> None:
    program = (
        "import sys, django; django.setup()\n"
        "import recon.jobs.drafts.checks, recon.web.job.photo_check, instarecon_site.urls\n"
        "assert not {'pycolmap', 'torch'} & set(sys.modules), 'heavy'\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def test_all_queues_speak_json() -> None:
    serializers = {options["SERIALIZER"] for options in settings.RQ_QUEUES.values()}
    assert serializers == {"rq.serializers.JSONSerializer"}
    assert set(settings.RQ_QUEUES) == {queue.QUEUE, checks.QUEUE, frames.QUEUE, letters.QUEUE}
