"""The draft's page and what can be done on it, with and without scripts, by whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.jobs import deletion, queue
from recon.jobs.drafts import drafts
from recon.models import Job, Share
from recon.pipeline.config import from_dict
from recon.pipeline.wishes import Wishes
from recon.web import uploads
from tests.site.making import browser_of, finished_job, job_of, person, photo, photo_bytes, photos

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

JSON = {"Accept": "application/json"}
ACTIONS = ("add_photos", "drop_photo", "start")


@pytest.fixture
def draft(data_dir: Any) -> Job:
    made = drafts.create_draft(person(), title="Fern", wishes=Wishes("high", cross_validate=True))
    for upload in photos(3):
        drafts.add_photo(made, upload)
    return made


@pytest.fixture
def browser(draft: Job) -> Client:
    return browser_of(draft.owner)


def address(name: str, draft: Job) -> str:
    more = [draft.photos.first().pk] if name == "drop_photo" else []
    return reverse(f"recon:{name}", args=[draft.pk, *more])


def send(browser: Client, draft: Job, *files: Any, script: bool = True, **fields: Any) -> Any:
    headers = JSON if script else {"Accept": "text/html"}
    data = {"photos": list(files), **fields}
    return browser.post(address("add_photos", draft), data, headers=headers)


def said(response: Any) -> str:
    """The errors in the answer, as one text."""
    return " ".join(response.json()["errors"])


# --- The page ---


def test_the_page_shows_the_photos_the_wishes_and_how_long_they_are_kept(
    browser: Client, draft: Job
) -> None:
    response = browser.get(draft.get_absolute_url())
    assert response.status_code == 200
    assert [p.original_name for p in response.context["photos"]] == [
        f"photo 0{number}.jpg" for number in range(3)
    ]
    form = response.context["form"]
    assert [form[name].value() for name in form.fields] == [
        "Fern",
        "high",
        False,
        True,
        False,
        False,
    ]
    page = response.content.decode()
    assert f"{drafts.kept_until(draft):%-d %b %Y}" in page
    assert page.count("Remove photo 0") == 3
    assert "3 of at most 20 photos" in page


def test_the_gallery_shows_a_draft_as_not_started(browser: Client, draft: Job) -> None:
    page = browser.get(reverse("recon:gallery")).content.decode()
    assert "Not started" in page
    assert "3 photos" in page
    assert "<progress" not in page


@pytest.mark.parametrize("name", ["job", "progress", *ACTIONS])
def test_a_draft_is_its_owners(draft: Job, client: Client, name: str) -> None:
    others = browser_of(person("bob@example.org"))
    do = "get" if name in ("job", "progress") else "post"
    assert getattr(others, do)(address(name, draft)).status_code == 404
    stranger = getattr(client, do)(address(name, draft))
    assert stranger.status_code == 302
    assert stranger["Location"].startswith(reverse("accounts:sign_in"))
    assert draft.photos.count() == 3
    draft.refresh_from_db()
    assert draft.is_draft


@pytest.mark.parametrize("name", ["create_draft", "draft_from", *ACTIONS])
def test_actions_need_the_forms_token(draft: Job, name: str) -> None:
    careful = browser_of(draft.owner, enforce_csrf_checks=True)
    where = reverse("recon:create_draft") if name == "create_draft" else address(name, draft)
    assert careful.post(where, {"photos": [photo()]}).status_code == 403
    assert careful.get(where).status_code == 302
    assert Job.objects.count() == 1
    assert draft.photos.count() == 3


def test_nothing_of_a_draft_is_public_even_if_it_says_shared(client: Client, draft: Job) -> None:
    Share.objects.update(is_on=True)
    for name in ("public", "public_progress", "public_splat"):
        assert client.get(reverse(f"recon:{name}", args=[draft.share.key])).status_code == 404


@pytest.mark.parametrize("name", ["cancel", "share", "again", "progress"])
def test_what_needs_a_started_job_leaves_a_draft_as_it_is(
    browser: Client, draft: Job, name: str
) -> None:
    do = browser.get if name == "progress" else browser.post
    response = do(address(name, draft), {"shared": "on"})
    assert response.status_code == (302 if name == "progress" else 409)
    assert Job.objects.count() == 1
    draft.refresh_from_db()
    assert (draft.status, draft.share.is_on) == ("DRAFT", False)


def test_a_draft_can_be_deleted(browser: Client, draft: Job) -> None:
    assert browser.post(address("delete", draft)).status_code == 302
    assert not Job.objects.exists()
    assert not draft.folder.exists()


# --- Making one ---


def test_a_draft_is_made_with_the_wishes_so_far(browser: Client) -> None:
    wishes = {"title": " Hall ", "preset": "quick", "original_resolution": "on"}
    response = browser.post(reverse("recon:create_draft"), wishes)
    made = Job.objects.get(title="Hall")
    assert response["Location"] == made.get_absolute_url()
    assert (made.status, made.wishes) == ("DRAFT", Wishes("quick", original_resolution=True))
    assert browser.get(made.get_absolute_url()).status_code == 200


def test_a_script_is_told_where_the_draft_is(browser: Client) -> None:
    response = browser.post(reverse("recon:create_draft"), headers=JSON)
    made = Job.objects.get(title="")
    assert response.status_code == 201
    assert response.json() == {
        "location": made.get_absolute_url(),
        "photos_url": f"{made.get_absolute_url()}photos/",
    }


def test_a_draft_with_an_impossible_wish_is_refused(browser: Client) -> None:
    response = browser.post(reverse("recon:create_draft"), {"preset": "ultra"}, headers=JSON)
    assert response.status_code == 400
    assert "ultra" in said(response)
    page = browser.post(reverse("recon:create_draft"), {"preset": "ultra"}, follow=True)
    assert "ultra" in page.content.decode()
    assert Job.objects.count() == 1


def test_one_draft_too_many_is_refused_in_words(browser: Client, settings: Any) -> None:
    settings.MAX_DRAFTS = 1
    response = browser.post(reverse("recon:create_draft"), headers=JSON)
    assert response.status_code == 409
    assert "You have 1 scene that has not been started" in said(response)
    page = browser.post(reverse("recon:create_draft"), follow=True)
    assert "Start or delete one" in page.content.decode()


# --- Photos in and out ---


def test_a_photo_is_answered_with_its_tile(browser: Client, draft: Job) -> None:
    response = send(browser, draft, photo("x<b>.jpg", seed=9))
    added = draft.photos.get(original_name="x<b>.jpg")
    assert response.status_code == 201
    told = response.json()
    assert (told["id"], told["sha256"]) == (added.pk, added.sha256)
    assert "Remove x&lt;b&gt;.jpg" in told["tile"]
    assert reverse("recon:drop_photo", args=[draft.pk, added.pk]) in told["tile"]
    assert reverse("recon:thumb", args=[draft.pk, added.name]) in told["tile"]


def test_a_photo_that_is_there_already_is_answered_with_that_ones_tile(
    browser: Client, draft: Job
) -> None:
    first = draft.photos.first()
    response = send(browser, draft, photo("again.jpg", seed=0))
    assert response.status_code == 200
    assert response.json()["id"] == first.pk
    assert draft.photos.count() == 3


def test_photos_keep_the_places_that_the_script_gave_them(browser: Client, draft: Job) -> None:
    for number in (6, 4, 5):
        send(browser, draft, photo("x.jpg", seed=number), number=str(number))
    send(browser, draft, photo("taken.jpg", seed=90), number="6")
    send(browser, draft, photo("wild.jpg", seed=91), number="9999")
    send(browser, draft, photo("words.jpg", seed=92), number="first")
    names = [p.name for p in draft.photos.all()][3:]
    assert names[:3] == ["04_x.jpg", "05_x.jpg", "06_x.jpg"]
    assert names[3:] == ["07_taken.jpg", "08_wild.jpg", "09_words.jpg"]


def test_a_plain_form_adds_several_and_names_what_is_wrong(browser: Client, draft: Job) -> None:
    broken = SimpleUploadedFile("broken.jpg", b"no photo")
    files = [photo("x.jpg", seed=8), broken, photo("again.jpg", seed=0)]
    response = send(browser, draft, *files, script=False)
    assert response.status_code == 400
    assert response.context["problems"] == [
        "“broken.jpg” can't be read as a photo. It may be damaged, or not a photo at all. Export "
        "it again as JPEG, PNG or WebP."
    ]
    page = response.content.decode()
    assert "“again.jpg” is the same photo as “photo 00.jpg”" in page
    assert "Remove x.jpg" in page
    assert draft.photos.count() == 4


def test_a_plain_form_with_good_photos_leads_back_to_the_draft(browser: Client, draft: Job) -> None:
    response = send(browser, draft, photo("x.jpg", seed=8), script=False)
    assert response["Location"] == draft.get_absolute_url()


def test_no_photo_and_two_photos_in_one_request_are_refused(browser: Client, draft: Job) -> None:
    nothing = send(browser, draft)
    assert (nothing.status_code, said(nothing)) == (400, "No photo was sent.")
    assert send(browser, draft, script=False).context["problems"] == ["No photo was sent."]
    two = send(browser, draft, photo("x.jpg"), photo("y.jpg"))
    assert (two.status_code, said(two)) == (400, "Send one photo in each request.")
    assert draft.photos.count() == 3


def test_a_bad_photo_is_refused_in_words(browser: Client, draft: Job) -> None:
    response = send(browser, draft, photo("stamp.jpg", size=(120, 99)))
    assert response.status_code == 400
    assert "“stamp.jpg” is 120×99 pixels" in said(response)


@pytest.mark.parametrize("script", [True, False])
def test_a_photo_over_the_limit_is_too_large(
    browser: Client, draft: Job, settings: Any, script: bool
) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    large = SimpleUploadedFile("large.jpg", bytes(2**20 + 1))
    response = send(browser, draft, large, script=script)
    assert response.status_code == 413
    told = said(response) if script else " ".join(response.context["problems"])
    assert "“large.jpg” is larger than 1 MB" in told


@pytest.mark.parametrize("script", [True, False])
def test_photos_too_large_together_are_refused_when_the_last_one_comes(
    browser: Client, draft: Job, settings: Any, script: bool
) -> None:
    settings.MAX_UPLOAD_SIZE_MB = 1
    exactly = photo_bytes(7) + bytes(2**20 - len(photo_bytes(7)))
    padded = SimpleUploadedFile("padded.jpg", exactly)
    response = send(browser, draft, padded, script=script)
    assert response.status_code == 413
    told = said(response) if script else " ".join(response.context["problems"])
    assert "larger than 1 MB" in told


def test_a_full_disk_is_our_fault_and_worth_another_try(
    browser: Client, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = drafts.photo_files.shutil.disk_usage(draft.folder)._replace(free=3 * 2**20)
    monkeypatch.setattr(drafts.photo_files.shutil, "disk_usage", lambda path: usage)
    response = send(browser, draft, photo("x.jpg", seed=9))
    assert response.status_code == 503
    assert "3 MB" in said(response)


def test_a_photo_is_taken_out(browser: Client, draft: Job) -> None:
    first, second, _ = draft.photos.all()
    drop = reverse("recon:drop_photo", args=[draft.pk, first.pk])
    assert browser.post(drop)["Location"] == draft.get_absolute_url()
    assert browser.post(drop, headers=JSON).status_code == 204, "what is already gone is fine"
    drop = reverse("recon:drop_photo", args=[draft.pk, second.pk])
    assert browser.post(drop, headers=JSON).status_code == 204
    assert draft.photos.count() == 1


def test_a_photo_of_another_draft_is_not_taken_out(browser: Client, draft: Job) -> None:
    other = drafts.create_draft(draft.owner)
    drop = reverse("recon:drop_photo", args=[other.pk, draft.photos.first().pk])
    browser.post(drop)
    assert draft.photos.count() == 3


@pytest.mark.parametrize("script", [True, False])
def test_a_draft_that_is_deleted_while_its_photo_comes_in_is_not_there(
    browser: Client, draft: Job, script: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = uploads.receive

    def receive_slowly(request: Any) -> None:
        receive(request)
        deletion.delete(Job.objects.get(pk=draft.pk))

    monkeypatch.setattr(uploads, "receive", receive_slowly)
    response = send(browser, draft, photo("late.jpg", seed=9), script=script)
    assert response.status_code == 404
    assert "It may have been deleted." in response.content.decode()
    assert not draft.folder.exists()


# --- The start ---


@pytest.mark.django_db(transaction=True)
def test_start_queues_the_draft_with_the_wishes_of_the_form(
    browser: Client, draft: Job, redis_queue: Any
) -> None:
    wishes = {"title": "Hall", "preset": "standard", "original_resolution": "on"}
    response = browser.post(address("start", draft), wishes)
    assert response["Location"] == draft.get_absolute_url()
    draft.refresh_from_db()
    assert (draft.status, draft.title, draft.wishes.preset) == ("PENDING", "Hall", "standard")
    assert (draft.wishes.original_resolution, draft.wishes.cross_validate) == (True, False)
    assert queue.carried_ids() == {draft.queue_id}
    assert browser.get(draft.get_absolute_url()).context["queue_position"] == 1
    again = browser.post(address("start", draft), {"title": "Another", "preset": "quick"})
    assert again["Location"] == draft.get_absolute_url()
    draft.refresh_from_db()
    assert draft.title == "Hall"


def test_a_wish_that_the_page_does_not_offer_stays_the_draft_s(draft: Job) -> None:
    quick = drafts.create_draft(draft.owner, wishes=Wishes(final_refine=False))
    for upload in photos(3):
        drafts.add_photo(quick, upload)
    browser_of(draft.owner).post(address("start", quick), {"preset": "high"})
    quick.refresh_from_db()
    assert not quick.is_draft
    assert not from_dict(quick.config).export.final_refine


def test_a_start_with_too_few_photos_is_refused_and_keeps_what_was_typed(
    browser: Client, draft: Job
) -> None:
    drafts.drop_photo(draft, draft.photos.first().pk)
    response = browser.post(address("start", draft), {"title": "Typed", "preset": "quick"})
    assert response.status_code == 400
    assert "There are 2 photos; a scene needs 3 to 20." in response.context["problems"][0]
    assert response.context["form"]["title"].value() == "Typed"
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_start_with_an_impossible_wish_is_refused(browser: Client, draft: Job) -> None:
    response = browser.post(address("start", draft), {"preset": "ultra"})
    assert response.status_code == 400
    assert "ultra" in " ".join(response.context["form"].sentences)


def test_a_photo_that_comes_after_the_start_is_told_so(browser: Client, draft: Job) -> None:
    drafts.start(draft)
    late = send(browser, draft, photo("late.jpg", seed=9))
    assert late.status_code == 409
    assert "already been started" in said(late)
    plain = send(browser, draft, photo("late.jpg", seed=9), script=False)
    assert plain.status_code == 409
    assert "already been started" in plain.content.decode()
    dropped = browser.post(address("drop_photo", draft), headers=JSON)
    assert dropped.status_code == 409
    assert draft.photos.count() == 3


# --- Add photos and run again ---


def test_a_failed_scene_offers_to_add_photos(browser: Client, draft: Job) -> None:
    failed = job_of(
        draft.owner,
        status=Job.Status.FAILED,
        step="COLMAP_MAP",
        error_code="too_few_registered",
        error_facts={"registered": 2, "total": 3},
        completed_at=timezone.now(),
    )
    page = browser.get(failed.get_absolute_url()).content.decode()
    assert "Add photos and run again" in page
    response = browser.post(address("draft_from", failed))
    made = failed.runs_again.get()
    assert response["Location"] == made.get_absolute_url()
    assert (made.status, made.photos.count()) == ("DRAFT", 3)
    assert browser.get(made.get_absolute_url()).status_code == 200


def test_a_finished_scene_offers_it_too_and_a_running_one_does_not(
    browser: Client, draft: Job
) -> None:
    done = finished_job(draft.owner)
    assert "Add photos and run again" in browser.get(done.get_absolute_url()).content.decode()
    running = job_of(draft.owner, status=Job.Status.PROCESSING)
    assert "Add photos" not in browser.get(running.get_absolute_url()).content.decode()
    page = browser.post(address("draft_from", running), follow=True)
    assert "This scene is not done yet." in page.content.decode()
    assert not running.runs_again.exists()


def test_whose_photos_were_cleaned_up_is_told_so(browser: Client, draft: Job) -> None:
    done = finished_job(draft.owner)
    done.photos.first().path.unlink()
    page = browser.post(address("draft_from", done), follow=True)
    assert "“secret garden 0.jpg” can&#x27;t be read" in page.content.decode()
    assert not done.runs_again.exists()
