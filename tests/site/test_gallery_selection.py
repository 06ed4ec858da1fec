"""Several scenes at once: deleted, shared, downloaded, tagged. Never anybody else's."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from recon.jobs import tags
from recon.models import Artifact, Job
from recon.web.gallery import selection, zips
from tests.site.making import FILES, browser_of, finished_job, job_of, person, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

SELECTED = "/jobs/selected/"


@pytest.fixture
def ann() -> User:
    return person()


def act(browser: Client, what: str, jobs: Iterable[Any], **more: Any) -> Any:
    chosen = [getattr(job, "pk", job) for job in jobs]
    return browser.post(SELECTED, {"act": what, "job": chosen} | more)


def told(browser: Client, answer: Any) -> str:
    """The page that follows, without its tags."""
    page = browser.get(answer["Location"]) if answer.status_code == 302 else answer
    return re.sub(r"<[^>]+>", " ", page.content.decode())


def zipped(answer: Any) -> zipfile.ZipFile:
    content = b"".join(answer.streaming_content)
    assert len(content) == int(answer["Content-Length"])
    return zipfile.ZipFile(io.BytesIO(content))


# --- Deleting ---


def test_nothing_is_deleted_before_it_is_confirmed(ann: User) -> None:
    browser, jobs = browser_of(ann), [finished_job(ann, title=f"Scene {n}") for n in range(3)]
    page = act(browser, "delete", jobs[:2]).content.decode()
    assert "Delete 2 scenes?" in page
    assert "Scene 0" in page
    assert "Scene 2" not in page
    assert Job.objects.count() == 3
    answer = act(browser, "delete-for-good", jobs[:2], back="sort=title&page=1")
    assert answer["Location"] == "/jobs/?sort=title&page=1"
    assert [job.pk for job in Job.objects.all()] == [jobs[2].pk]
    assert not jobs[0].folder.exists()
    assert "2 scenes were deleted, with their photos and files: “Scene" in told(browser, answer)


def test_what_still_runs_is_cancelled_and_named(ann: User) -> None:
    browser, done = browser_of(ann), finished_job(ann, title="Done")
    waiting = job_of(ann, title="Waiting")
    assert "1 of them is not finished" in told(browser, act(browser, "delete", [done, waiting]))
    said = told(browser, act(browser, "delete-for-good", [done, waiting]))
    assert "Cancelled before they were finished: “Waiting”." in said
    assert not Job.objects.exists()


# --- Sharing ---


def test_links_are_switched_on_and_shown_together(ann: User) -> None:
    browser = browser_of(ann)
    over = finished_job(ann, title="Over", shared=True, share_until=timezone.now())
    locked = finished_job(ann, title="Locked", share_password="hash")
    jobs = [over, locked]
    answer = act(browser, "share", jobs)
    assert answer["Location"].startswith("/jobs/selected/links/?job=")
    page = browser.get(answer["Location"]).content.decode()
    for job in jobs:
        job.refresh_from_db()
        assert job.share.is_on
        assert not job.share.is_over
        assert f"{job.name}\nhttp://localhost:8000/v/{job.share.key}" in page
    assert locked.share.password == "hash", "nothing else is changed"
    assert page.count("Asks for a password") == 1
    act(browser, "unshare", jobs)
    assert not Job.objects.filter(share__is_on=True).exists()


def test_what_has_nothing_to_show_is_named_and_stays_private(ann: User) -> None:
    browser = browser_of(ann)
    draft = job_of(ann, title="Draft", status=Job.Status.DRAFT)
    failed = job_of(ann, title="Failed", status=Job.Status.FAILED, error_code="no_features")
    running = job_of(ann, title="Running", status=Job.Status.PROCESSING, step="GS_TRAIN")
    said = told(browser, act(browser, "share", [draft, failed, running]))
    assert re.search("no scene to show: “(Draft|Failed)”, “(Draft|Failed)”", said)
    assert list(Job.objects.filter(share__is_on=True)) == [running]
    assert "no scene to show" in told(browser, act(browser, "share", [draft]))


def test_the_page_of_links_says_which_have_none_any_more(ann: User) -> None:
    private = finished_job(ann, title="Switched off meanwhile")
    over = finished_job(ann, title="Over", shared=True, share_until=timezone.now())
    for job in (private, over):
        page = browser_of(ann).get("/jobs/selected/links/", {"job": str(job.pk)})
        assert "Nobody can open these" in page.content.decode()
        assert job.title in page.content.decode()
        assert job.share.key not in page.content.decode()


# --- Downloading ---


def test_one_zip_has_a_folder_for_each_scene(ann: User) -> None:
    jobs = [finished_job(ann, title="Fern"), finished_job(ann, title="Fern"), finished_job(ann)]
    answer = act(browser_of(ann), "download", jobs)
    assert answer["Content-Disposition"] == 'attachment; filename="scenes.zip"'
    archive = zipped(answer)
    assert archive.testzip() is None
    names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"fern", "fern-2", "fern-in-the-hall"}
    assert archive.read("fern-2/fern-2.splat") == FILES["splat"][1]
    assert len(names) == 3 * len(zips.PARTS)


def test_no_photo_is_in_it(ann: User) -> None:
    archive = zipped(act(browser_of(ann), "download", [finished_job(ann)]))
    assert not [name for name in archive.namelist() if "garden" in name or "000.jpg" in name]


def test_what_can_t_be_downloaded_is_named_before(ann: User) -> None:
    browser = browser_of(ann)
    done, waiting = finished_job(ann, title="Done"), job_of(ann, title="Waiting")
    emptied = finished_job(ann, title="Emptied")
    emptied.artifacts.all().delete()
    page = act(browser, "download", [done, waiting, emptied])
    assert page["Content-Type"].startswith("text/html")
    said = told(browser, page)
    assert "Waiting" in said
    assert "Emptied" in said
    assert "This one can be downloaded" in said
    assert page.content.decode().count('name="job"') == 1
    assert "no file of “Waiting” is there" in told(browser, act(browser, "download", [waiting]))


def test_too_much_for_one_zip_is_said(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MOST_BYTES", 1000)
    browser = browser_of(ann)
    said = told(browser, act(browser, "download", [finished_job(ann)]))
    assert "Together these are" in said
    assert "one download can be 1 kB at most. Choose fewer." in said


def test_a_path_out_of_the_folder_is_never_in_it(ann: User, tmp_path: Any) -> None:
    job, outside = finished_job(ann), tmp_path / "secret"
    outside.write_text("secret")
    Artifact.objects.filter(job=job, kind="results").update(path="../../../secret")
    names = zipped(act(browser_of(ann), "download", [job])).namelist()
    assert not [name for name in names if name.endswith("results.json")]


def test_files_have_the_time_that_the_clock_showed(ann: User) -> None:
    job, noon = finished_job(ann), datetime(2026, 11, 30, 12, tzinfo=UTC)
    Job.objects.filter(pk=job.pk).update(completed_at=noon)
    User.objects.filter(pk=ann.pk).update(time_zone="Asia/Seoul")
    archive = zipped(act(browser_of(ann), "download", [job]))
    assert {one.date_time for one in archive.infolist()} == {(2026, 11, 30, 21, 0, 0)}


# --- Tagging ---


def test_tags_are_added_and_taken_off(ann: User) -> None:
    browser, jobs = browser_of(ann), [finished_job(ann, title=f"Scene {n}") for n in range(2)]
    act(browser, "tag", jobs, tags="garden, summer")
    assert [tags.names_of(job) for job in Job.objects.all()] == [["garden", "summer"]] * 2
    act(browser, "tag", jobs, tags="Garden")
    said = told(browser, act(browser, "untag", jobs, tags="SUMMER"))
    assert "Removed from 2 scenes" in said
    assert [tags.names_of(job) for job in Job.objects.all()] == [["garden"]] * 2
    assert "None of these scenes has that tag" in told(
        browser, act(browser, "untag", jobs, tags="castle")
    )


def test_a_scene_with_too_many_is_named_and_left_as_it_is(ann: User) -> None:
    browser, full = browser_of(ann), finished_job(ann, title="Full")
    tags.put(full, [f"tag {n}" for n in range(10)])
    other = finished_job(ann, title="Other")
    said = told(browser, act(browser, "tag", [full, other], tags="tag 3, new"))
    assert "left as they were: “Full”" in said
    assert "Tagged: “Other”." in said
    assert len(tags.names_of(full)) == 10
    assert tags.names_of(other) == ["new", "tag 3"]


def test_a_scene_that_is_deleted_meanwhile_is_not_called_tagged(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, real = browser_of(ann), tags.add
    gone, there = finished_job(ann, title="Gone"), finished_job(ann, title="There")

    def add(jobs: Any, names: Any) -> Any:
        Job.objects.filter(pk=gone.pk).delete()
        return real(jobs, names)

    monkeypatch.setattr(tags, "add", add)
    said = told(browser, act(browser, "tag", [gone, there], tags="garden"))
    assert "Tagged: “There”." in said
    assert "1 of the scenes that you chose is not there any more." in said
    alone = told(browser, act(browser, "tag", [there], tags="garden"))
    assert "not there any more" not in alone


@pytest.mark.parametrize(("text", "said"), [("", "Write the tag first"), ("x" * 31, "at most 30")])
def test_what_is_no_tag_is_said(ann: User, text: str, said: str) -> None:
    browser = browser_of(ann)
    assert said in told(browser, act(browser, "tag", [finished_job(ann)], tags=text))


# --- Which scenes ---


ALL = ("delete", "delete-for-good", "share", "unshare", "download", "tag", "untag")


@pytest.mark.parametrize("what", ALL)
def test_another_person_s_scene_is_never_touched_nor_named(ann: User, what: str) -> None:
    theirs = finished_job(ann, title="Secret title")
    tags.put(theirs, ["garden"])
    for other in (person("bob@example.org"), supporter("s@example.org", "delete_job")):
        browser, own = browser_of(other), finished_job(other, title="Own")
        alone = told(browser, act(browser, what, [theirs], tags="garden"))
        assert "1 of the scenes that you chose is not there any more." in alone
        both = act(browser, what, [own, theirs], tags="garden")
        said = told(browser, both)
        assert "Secret title" not in said
        assert "1 of the scenes that you chose is not there any more." in said, "nor left unsaid"
        assert str(theirs.pk) not in both.content.decode()
    theirs.refresh_from_db()
    assert (theirs.share.is_on, tags.names_of(theirs)) == (False, ["garden"])
    assert theirs.folder.is_dir()


@pytest.mark.parametrize("what", ["", "explode", "delete-all"])
def test_an_unknown_wish_does_nothing(ann: User, what: str) -> None:
    browser = browser_of(ann)
    assert "Choose what to do" in told(browser, act(browser, what, [finished_job(ann)]))
    assert Job.objects.count() == 1


@pytest.mark.parametrize("job", ["", "x", "\0", "9" * 5000])
def test_odd_choices_are_no_error(ann: User, job: str) -> None:
    answer = act(browser_of(ann), "delete-for-good", [job], back="\0q=\0&page=x&evil=//e")
    assert answer["Location"] == "/jobs/?page=x"


def test_nothing_ticked_and_too_many_are_said(ann: User) -> None:
    browser = browser_of(ann)
    assert "Tick the scenes first." in told(browser, act(browser, "delete", []))
    many = [f"{number:032x}" for number in range(selection.MOST + 1)]
    assert "At most 50 scenes" in told(browser, act(browser, "delete", many))


def test_one_scene_in_two_spellings_is_one(ann: User) -> None:
    job, browser = finished_job(ann), browser_of(ann)
    twice = [str(job.pk), str(job.pk).upper(), job.pk.hex]
    assert "not there any more" not in told(browser, act(browser, "share", twice))


@pytest.mark.parametrize("what", ["delete", "share", "download", "tag", "untag"])
def test_more_scenes_ask_the_database_no_more_often(ann: User, what: str) -> None:
    """Only the final deletion handles each scene by itself, as it must."""
    browser, jobs = browser_of(ann), [finished_job(ann) for _ in range(8)]

    def costs(count: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            act(browser, what, jobs[:count], tags="garden")
        return len(asked)

    costs(8)
    assert costs(2) == costs(8) <= 15
