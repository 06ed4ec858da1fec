"""Tags: on a scene, in the gallery, for programs; and never shown to anybody else."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from recon.jobs import submit, tags, titles
from recon.jobs.drafts import drafts, places
from recon.models import Job, Tag
from tests.site.making import browser_of, finished_job, job_of, person, supporter, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

GALLERY = "/jobs/"
SECRET = "nobody's business"


@pytest.fixture
def ann() -> User:
    return person()


def program_of(user: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {token_of(user)}"})


def about(browser: Client, job: Job, text: str) -> Any:
    sent = {"title": job.title, "description": "", "tags": text}
    return browser.post(reverse("recon:about", args=[job.pk]), sent)


def names(job: Job) -> list[str]:
    return tags.names_of(Job.objects.get(pk=job.pk))


def shown(response: Any) -> list[str]:
    return [job.title for job in response.context["page"]]


# --- On a scene's page ---


def test_a_scene_s_page_sets_shows_and_takes_them_off(ann: User) -> None:
    browser, job = browser_of(ann), finished_job(ann)
    assert about(browser, job, " garden,  Summer   2026, ,Garden").status_code == 302
    assert names(job) == ["garden", "Summer 2026"]
    page = browser.get(job.get_absolute_url()).content.decode()
    assert 'value="garden, Summer 2026"' in page
    assert "?tag=summer%202026" in page
    about(browser, job, "")
    assert names(job) == []


def test_a_form_without_the_field_leaves_them(ann: User) -> None:
    """Such as a page that was open while the site was updated."""
    job = finished_job(ann)
    tags.put(job, ["garden"])
    browser_of(ann).post(reverse("recon:about", args=[job.pk]), {"title": "New"})
    assert names(job) == ["garden"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 31, "A tag has at most 30 characters"),
        (", ".join(f"tag {n}" for n in range(11)), "A scene has at most 10 tags, not 11."),
    ],
)
def test_too_long_and_too_many_are_told_at_the_field(ann: User, text: str, said: str) -> None:
    job = finished_job(ann)
    tags.put(job, ["garden"])
    response = about(browser_of(ann), job, text)
    assert response.status_code == 400
    page = response.content.decode()
    assert said in page
    assert text in page, "what was typed is still there"
    assert names(job) == ["garden"]


def test_as_many_and_as_long_as_are_allowed_fit(ann: User) -> None:
    job = finished_job(ann)
    most = [f"{number:02}{'x' * 28}" for number in range(10)]
    assert about(browser_of(ann), job, ",".join(most)).status_code == 302
    assert names(job) == most


def test_capitals_make_no_other_tag_and_the_first_spelling_stays(ann: User) -> None:
    first, second = finished_job(ann), finished_job(ann)
    browser = browser_of(ann)
    about(browser, first, "Straße, ÉTÉ")
    about(browser, second, "STRASSE, été")
    assert names(second) == names(first) == ["Straße", "ÉTÉ"]
    assert len(browser.get(GALLERY).context["tags"]) == 2


def test_another_person_s_spelling_is_not_taken_over(ann: User) -> None:
    tags.put(finished_job(person("bob@example.org")), ["GARDEN"])
    job = finished_job(ann)
    tags.put(job, ["garden"])
    assert names(job) == ["garden"]


def test_a_scene_that_is_deleted_meanwhile_gets_none(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there, browser = finished_job(ann), finished_job(ann), browser_of(ann)
    real = titles.rename

    def rename(job: Job, title: str) -> None:
        real(job, title)
        Job.objects.filter(pk=job.pk).delete()

    monkeypatch.setattr(titles, "rename", rename)
    assert about(browser, gone, "garden").status_code == 404
    other = finished_job(ann)
    sent = {"title": "New", "tags": "garden"}
    assert program_of(ann).post(f"/recon/jobs/{other.pk}/share", sent).status_code == 404
    assert tags.add([gone, there], ["garden"]) == ([there], [])
    assert [tag.job_id for tag in Tag.objects.all()] == [there.pk]


def test_whoever_may_not_change_a_scene_may_not_tag_it(ann: User) -> None:
    job = finished_job(ann)
    for other in (person("bob@example.org"), supporter()):
        assert about(browser_of(other), job, "mine").status_code == 404
    assert names(job) == []


def test_tags_lead_to_a_gallery_for_their_owner_alone(ann: User) -> None:
    job = finished_job(ann)
    tags.put(job, ["garden"])
    assert "?tag=garden" in browser_of(ann).get(job.get_absolute_url()).content.decode()
    page = browser_of(supporter()).get(job.get_absolute_url()).content.decode()
    assert '<span class="tag">garden</span>' in page
    assert "?tag=garden" not in page


@pytest.mark.parametrize("may_open", [True, False])
def test_staff_see_in_the_admin_only_tags_of_scenes_that_they_may_open(
    ann: User, may_open: bool
) -> None:
    staff = person("boss@example.org", is_staff=True)
    wanted = ["view_job", "delete_job", *(["view_private_scene"] if may_open else [])]
    staff.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    browser, job = browser_of(staff), finished_job(ann)
    tags.put(job, ["hideaway"])
    page = browser.get(reverse("admin:recon_job_change", args=(job.pk,)))
    assert page.status_code == 200
    assert ("hideaway" in page.content.decode()) == may_open
    asks = browser.get(reverse("admin:recon_job_delete", args=(job.pk,)))
    assert asks.status_code == 200
    assert "hideaway" not in asks.content.decode()


def test_a_later_run_of_the_photos_is_sorted_alike(ann: User) -> None:
    job = finished_job(ann)
    tags.put(job, ["garden"])
    chosen = [photo.pk for photo in job.photos.all()]
    for later in (submit.run_again(job), drafts.draft_from(job), places.scene_of(job, chosen)):
        assert names(later) == ["garden"]


# --- In the gallery ---


def test_the_gallery_is_filtered_by_a_tag_with_search_sort_and_pages(ann: User) -> None:
    for number in range(14):
        tags.put(finished_job(ann, title=f"Fern {number:02}"), ["Garden"])
    tags.put(finished_job(ann, title="Castle"), ["garden"])
    finished_job(ann, title="Fern without")
    browser = browser_of(ann)
    asked = {"tag": "GARDEN", "q": "fern", "sort": "title"}
    first = browser.get(GALLERY, asked)
    assert first.context["total"] == 14
    page = first.content.decode()
    assert 'href="?q=fern&amp;tag=garden&amp;sort=title&amp;page=2"' in page
    assert '<input type="hidden" name="tag" value="garden">' in page
    assert "14 scenes with the tag “Garden” found for “fern”" in page
    second = browser.get(GALLERY, asked | {"page": 2})
    assert shown(first) + shown(second) == [f"Fern {number:02}" for number in range(14)]
    assert 'aria-current="true"' in page


def test_all_tags_are_offered_with_how_many_have_them(ann: User) -> None:
    tags.put(finished_job(ann), ["garden", "summer"])
    tags.put(finished_job(ann), ["garden"])
    tags.put(finished_job(person("bob@example.org")), [SECRET])
    offered = browser_of(ann).get(GALLERY).context["tags"]
    assert [(tag["name"], tag["count"]) for tag in offered] == [("garden", 2), ("summer", 1)]


def test_nobody_else_s_tags_are_found(ann: User) -> None:
    tags.put(finished_job(person("bob@example.org")), [SECRET])
    response = browser_of(ann).get(GALLERY, {"tag": SECRET})
    assert response.context["total"] == 0
    assert "No scene has the tag" in response.content.decode()


@pytest.mark.parametrize("tag", ["\0", "a\0b", "x" * 5000, "“”", "%00"])
def test_odd_tags_in_an_address_are_no_error(ann: User, tag: str) -> None:
    assert browser_of(ann).get(GALLERY, {"tag": tag, "q": "x"}).status_code == 200


def test_more_tags_ask_the_database_no_more_often(ann: User) -> None:
    browser, jobs = browser_of(ann), [finished_job(ann) for _ in range(12)]

    def costs() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(GALLERY)
        return len(asked)

    tags.put(jobs[0], ["one"])
    few = costs()
    for job in jobs:
        tags.put(job, [f"tag {number}" for number in range(10)])
    assert costs() == few


# --- For programs ---


def test_programs_set_them_where_they_set_the_title(ann: User) -> None:
    program = program_of(ann)
    draft = program.post("/recon/drafts", {"title": "Fern", "tags": ["garden", "a, b"]}).json()
    assert draft["tags"] == ["a", "b", "garden"]
    job = finished_job(ann)
    where = f"/recon/jobs/{job.pk}/share"
    sent = {"tags": ["garden", "Summer 2026"]}
    answer = program.post(where, sent, content_type="application/json").json()
    assert answer["tags"] == ["garden", "Summer 2026"]
    assert program.post(where, {"title": "New"}).json()["tags"] == ["garden", "Summer 2026"]
    assert program.get(f"/recon/jobs/{job.pk}/status").json()["tags"] == ["garden", "Summer 2026"]
    assert program.post(where, {"tags": ""}).json()["tags"] == []


def test_a_job_in_one_request_and_a_start_take_them(ann: User) -> None:
    from tests.site.making import photos

    program = program_of(ann)
    made = program.post("/recon/jobs", {"files": photos(3), "tags": "garden"}).json()
    assert names(Job.objects.get(pk=made["job_id"])) == ["garden"]
    draft = drafts.draft_from(finished_job(ann))
    assert program.post(f"/recon/jobs/{draft.pk}/start", {"tags": "b,a"}).status_code == 200
    assert names(draft) == ["a", "b"]


@pytest.mark.parametrize("written", ["정원  2026", " 정원 2026"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_tag_is_found_as_it_was_written(ann: User, written: str, form: Any) -> None:
    """Macs decompose letters in file names into a base letter and its accents."""
    program, tag = program_of(ann), unicodedata.normalize(form, written)
    assert program.post("/recon/drafts", {"tags": tag}).json()["tags"] == ["정원 2026"]
    assert program.get("/recon/jobs", {"tag": tag}).json()["total"] == 1
    assert browser_of(ann).get(GALLERY, {"tag": tag}).context["total"] == 1


def test_programs_list_those_with_a_tag(ann: User) -> None:
    tagged, other = finished_job(ann), finished_job(ann)
    tags.put(tagged, ["Garden"])
    tags.put(other, ["castle", "summer"])
    listed = program_of(ann).get("/recon/jobs", {"tag": "GARDEN"}).json()
    assert [job["job_id"] for job in listed["jobs"]] == [str(tagged.pk)]
    assert listed["total"] == 1
    assert listed["jobs"][0]["tags"] == ["Garden"]
    assert listed["jobs"][0]["image_count"] == 3, "not counted once for each tag"


@pytest.mark.parametrize("address", ["/recon/drafts", "/recon/jobs/{}/share"])
@pytest.mark.parametrize("text", ["x" * 31, ",".join("abcdefghijk")])
def test_programs_are_refused_in_words_and_nothing_is_changed(
    ann: User, address: str, text: str
) -> None:
    job = finished_job(ann)
    sent = {"tags": text, "title": "New", "new_link": "true"}
    answer = program_of(ann).post(address.format(job.pk), sent)
    assert answer.status_code == 400
    assert "at most" in answer.json()["detail"]
    assert Job.objects.count() == 1
    changed = Job.objects.get()
    assert (changed.title, changed.share.key, names(job)) == (job.title, job.share.key, [])


# --- Nobody else's ---


def test_nothing_behind_a_share_link_shows_them(ann: User) -> None:
    ann.gallery_open, ann.handle = True, "ann"
    ann.save()
    job = finished_job(ann, shared=True, in_gallery=True)
    running = job_of(ann, shared=True, status=Job.Status.PROCESSING, step="GS_TRAIN")
    for one in (job, running):
        tags.put(one, [SECRET])
    friend = Client()
    address = f"http://localhost:8000/v/{job.share.key}"
    pages = [
        f"/v/{job.share.key}", f"/v/{job.share.key}?embed=1", f"/oembed?url={address}",
        f"/recon/pub/{job.share.key}/views.json", f"/v/{running.share.key}",
        f"/v/{running.share.key}/progress/", "/u/ann/",
    ]  # fmt: skip
    stranger = browser_of(person("bob@example.org"))
    for page in pages:
        for visitor in (friend, stranger):
            answer = visitor.get(page)
            assert answer.status_code in (200, 286), page
            assert "business" not in answer.content.decode(), page


def test_staff_see_them_with_the_job_and_can_delete_it(ann: User) -> None:
    job = finished_job(ann)
    tags.put(job, [SECRET])
    boss = browser_of(person("boss@example.org", is_staff=True, is_superuser=True))
    page = boss.get(reverse("admin:recon_job_change", args=[job.pk])).content.decode()
    assert "nobody&#x27;s business" in page
    answer = boss.post(reverse("admin:recon_job_delete", args=[job.pk]), {"post": "yes"})
    assert answer.status_code == 302
    assert not Tag.objects.exists()
