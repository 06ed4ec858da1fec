"""A refused action is answered with its status, and with the page where it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.urls import reverse

from recon.jobs.drafts import drafts
from recon.jobs.folder import photo_files
from recon.models import Job
from recon.pipeline.errors import PipelineError
from recon.web import access
from tests.site.making import browser_of, finished_job, job_of, measured_job, person, photo_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture(autouse=True)
def _sample_photos(data_dir: Path) -> None:
    """Blank photos in their place: rendering takes half a minute, and none is used."""
    folder = data_dir / "samples"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(photo_bytes(number))


def draft() -> Job:
    return drafts.create_draft(person(), title="Fern in the hall")


def running() -> Job:
    return job_of(person(), status=Job.Status.PROCESSING, step="GS_TRAIN")


def failed() -> Job:
    return job_of(person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="no_features")


def finished() -> Job:
    return finished_job(person())


def without_photos() -> Job:
    job = finished()
    for photo in job.photos.all():
        photo.path.unlink()
    return job


@dataclass(frozen=True)
class Refusal:
    job: Callable[[], Job]
    view: str
    status: int
    sentence: str
    sent: dict[str, str] = field(default_factory=dict)
    rest: tuple[int, ...] = ()  # the rest of the address
    form_keeps: str = ""  # what was sent and is still in the page


WISHES = {"all": "yes", "outlier_filter": "never", "preset": "high", "cross_validate": "on"}
NEVER_FILTER = '<option value="never" selected>'
NOT_YET = "A scene can be shared once it has been started."
NO_PHOTO = "can&#x27;t be read as a photo."
REFUSALS = {
    "a run of a draft": Refusal(draft, "again", 409, "has not been started yet."),
    "a preset that there is not": Refusal(
        failed, "again", 400, "Preset: Select a valid choice.", {"preset": "ultra"}
    ),
    "a filter that there is not": Refusal(
        finished, "again", 400, "Select a valid choice.", WISHES | {"outlier_filter": "some"},
        form_keeps='<option value="high" selected>',
    ),
    "a run without photos": Refusal(
        without_photos, "again", 400, NO_PHOTO, WISHES, form_keeps=NEVER_FILTER
    ),
    "one run too many": Refusal(
        finished, "again", 429, "You can start 0 scenes a day", WISHES, form_keeps=NEVER_FILTER
    ),
    "its preset": Refusal(
        failed, "again", 429, "You can start 0 scenes a day", {"preset": "high"},
        form_keeps='<option value="high" selected>',
    ),
    "a sample too many": Refusal(failed, "sample", 429, "You can start 0 scenes a day"),
    "cancelling a draft": Refusal(draft, "cancel", 409, "has not been started yet."),
    "cancelling what is done": Refusal(finished, "cancel", 409, "had already finished."),
    "cancelling what failed": Refusal(failed, "cancel", 409, "had already finished."),
    "more photos for what runs": Refusal(running, "draft_from", 409, "This scene is not done yet."),
    "a place of what runs": Refusal(
        running, "scene_of", 409, "This scene is not done yet.", {"photos": "1"}, (1,)
    ),
    "a place of nothing": Refusal(
        failed, "scene_of", 409, "These photos are not in this scene any more.", {}, (1,)
    ),
    "a place of an empty draft": Refusal(
        draft, "scene_of", 409, "These photos are not in this scene any more.", {}, (1,)
    ),
    "a cover of what runs": Refusal(running, "cover", 409, "once the scene is finished."),
    "a cover of nothing": Refusal(
        finished, "cover", 400, "This view can’t be used as the start.", {"view": "{}"}
    ),
    "sharing a draft": Refusal(draft, "share", 409, NOT_YET, {"shared": "on"}),
    "sharing in a way that there is not": Refusal(
        finished, "share", 400, "Sharing can be switched on or off.", {"shared": "perhaps"}
    ),
    "a password for a draft": Refusal(draft, "share_settings", 409, NOT_YET),
    "an offer of a draft": Refusal(draft, "share_offer", 409, NOT_YET),
    "a title for a draft": Refusal(
        draft, "about", 400, "Ensure this value has at most", {"title": "x" * 200}
    ),
    "photos for what is done": Refusal(
        finished, "order_photos", 409, "This scene has already been started", {"photo": "1"}
    ),
}  # fmt: skip


def at(name: str, job: Job, *rest: int) -> str:
    return reverse(f"recon:{name}", args=() if name == "sample" else (job.pk, *rest))


@pytest.mark.parametrize("by_htmx", [False, True])
@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_the_page_with_its_status(
    what: str, by_htmx: bool, settings: LazySettings
) -> None:
    wanted = REFUSALS[what]
    job = wanted.job()
    if wanted.status == 429:
        settings.QUOTA_JOBS_A_DAY = 0
    before = list(Job.objects.values())
    headers = {"HX-Request": "true"} if by_htmx else {}
    address = at(wanted.view, job, *wanted.rest)
    answer = browser_of(job.owner).post(address, wanted.sent, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == wanted.status
    assert wanted.sentence in page
    assert wanted.form_keeps in page
    assert 'id="main"' in page, "a whole page, with what can be done instead"
    assert job.name in page or wanted.view == "sample"
    assert list(Job.objects.values()) == before


@pytest.mark.parametrize("what", sorted(REFUSALS))
def test_for_scripts_it_is_the_sentence(what: str, settings: LazySettings) -> None:
    wanted = REFUSALS[what]
    job = wanted.job()
    if wanted.status == 429:
        settings.QUOTA_JOBS_A_DAY = 0
    address = at(wanted.view, job, *wanted.rest)
    answer = browser_of(job.owner).post(
        address, wanted.sent, headers={"Accept": "application/json"}
    )
    assert answer.status_code == wanted.status
    assert wanted.sentence.replace("&#x27;", "'") in " ".join(answer.json()["errors"])


def test_the_new_scene_s_page_offers_the_sample_again(settings: LazySettings) -> None:
    settings.QUOTA_JOBS_A_DAY = 0
    page = browser_of(person()).post(reverse("recon:sample")).content.decode()
    assert 'action="/jobs/sample/"' in page
    assert page.count("checked") == 1, "the usual preset"


def test_links_on_the_page_of_a_refusal_lead_to_the_scene_s_own() -> None:
    """The address that the form was sent to does not answer a GET."""
    job = measured_job(person())
    page = browser_of(job.owner).post(at("again", job), {"preset": "ultra"}).content.decode()
    assert f'href="{job.get_absolute_url()}?show=all"' in page
    assert 'href="?' not in page


def test_cancelling_twice_is_as_good_as_once() -> None:
    job = running()
    browser = browser_of(job.owner)
    for _ in range(2):
        assert browser.post(at("cancel", job)).status_code == 302
    job.refresh_from_db()
    assert job.status == Job.Status.CANCELLED


def test_what_comes_too_soon_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise PipelineError("too_busy")

    job = finished()
    monkeypatch.setattr(photo_files, "link_photos", busy)
    answer = browser_of(job.owner).post(at("again", job))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("view", ["again", "cancel", "draft_from", "share"])
def test_what_is_deleted_meanwhile_is_not_there(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tab was quicker than this one's request."""
    job, browser = running(), browser_of(person("bob@example.org"))
    assert browser.post(at(view, job)).status_code == 404
    owner = browser_of(job.owner)
    real = access.job_for

    def gone_after(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        Job.objects.filter(pk=job.pk).delete()
        return found

    monkeypatch.setattr(access, "job_for", gone_after)
    assert owner.post(at(view, job), {"shared": "perhaps"}).status_code == 404
