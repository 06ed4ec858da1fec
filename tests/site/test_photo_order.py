"""The order of a draft's photos: kept by the server, changed at once or step by step."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from recon.jobs import deletion, queue, submit
from recon.jobs.drafts import checks, drafts, photo_order
from recon.models import Job
from recon.pipeline.errors import UserError
from tests.site.making import browser_of, job_of, person, photo, photos, token_of

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}


@pytest.fixture
def draft(data_dir: Any, redis_queue: Any) -> Job:
    made = drafts.create_draft(person())
    for upload in photos(4):
        drafts.add_photo(made, upload)
    return made


@pytest.fixture
def browser(draft: Job) -> Client:
    return browser_of(draft.owner)


def shown(draft: Job) -> str:
    """The photos by the last digit of their names: "0123"."""
    return "".join(p.original_name[-5] for p in draft.photos.all())


def numbers(draft: Job, order: str) -> list[int]:
    by_name = {p.original_name[-5]: p.pk for p in draft.photos.all()}
    return [by_name[one] for one in order]


def test_photos_stand_in_the_order_that_was_asked_for(draft: Job) -> None:
    photo_order.reorder(draft, numbers(draft, "3021"))
    assert shown(draft) == "3021"
    assert [p.name[:2] for p in draft.photos.all()] == ["04", "01", "03", "02"], "files stay"


def test_those_not_named_keep_their_places_and_those_gone_are_passed_over(draft: Job) -> None:
    gone = draft.photos.last().pk
    order = [gone, *numbers(draft, "20"), 999_999, 10**30]
    drafts.drop_photo(draft, gone)
    photo_order.reorder(draft, order)
    assert shown(draft) == "210"


def test_a_photo_that_arrives_late_takes_the_place_it_was_chosen_for(draft: Job) -> None:
    for number in (7, 6):
        drafts.add_photo(draft, photo(f"late {number}.jpg"), number=number)
    photo_order.reorder(draft, numbers(draft, "30127"))
    drafts.add_photo(draft, photo("late 5.jpg"), number=5)
    assert shown(draft) == "3012567"


def test_the_photo_check_is_asked_again_since_it_speaks_of_neighbours(draft: Job) -> None:
    queue.rq_queue(checks.QUEUE).empty()
    photo_order.reorder(draft, numbers(draft, "0123"))
    assert not queue.rq_queue(checks.QUEUE).job_ids, "nothing changed"
    photo_order.reorder(draft, numbers(draft, "1023"))
    assert len(queue.rq_queue(checks.QUEUE).job_ids) == 1


def test_the_order_stays_when_the_scene_starts_and_runs_again(draft: Job) -> None:
    photo_order.reorder(draft, numbers(draft, "3120"))
    drafts.start(draft)
    assert shown(draft) == "3120"
    assert shown(submit.run_again(draft)) == "3120"
    Job.objects.filter(pk=draft.pk).update(status="FAILED")
    draft.refresh_from_db()
    again = drafts.draft_from(draft)
    drafts.add_photo(again, photo("new 9.jpg"))
    assert shown(again) == "31209"


def test_the_order_of_a_started_or_deleted_scene_is_fixed(draft: Job) -> None:
    order = numbers(draft, "3210")
    drafts.start(draft)
    for call in (
        lambda: photo_order.reorder(draft, order),
        lambda: photo_order.move(draft, order[1], 1),
    ):
        with pytest.raises(UserError) as caught:
            call()
        assert caught.value.code == "draft_started"
    stale = Job.objects.get(pk=draft.pk)
    deletion.delete(draft)
    with pytest.raises(Job.DoesNotExist):
        photo_order.reorder(stale, order)


@pytest.mark.parametrize(
    ("photo_name", "to", "order"),
    [("0", "earlier", "0123"), ("1", "earlier", "1023"), ("2", "later", "0132"),
     ("3", "later", "0123")],
)  # fmt: skip
def test_a_form_moves_a_photo_one_place(
    browser: Client, draft: Job, photo_name: str, to: str, order: str
) -> None:
    pk = numbers(draft, photo_name)[0]
    response = browser.post(reverse("recon:move_photo", args=[draft.pk, pk]), {"to": to})
    assert response["Location"] == f"{draft.get_absolute_url()}?order=open#photo-{pk}"
    assert shown(draft) == order


def test_a_script_sends_the_whole_order(browser: Client, draft: Job) -> None:
    where = reverse("recon:order_photos", args=[draft.pk])
    response = browser.post(where, {"photo": numbers(draft, "2310")}, headers=JSON)
    assert response.status_code == 204
    assert shown(draft) == "2310"
    page = browser.get(draft.get_absolute_url()).content.decode()
    tiles = browser.get(reverse("recon:tiles", args=[draft.pk])).content.decode()
    for html in (page, tiles):
        assert html.index("photo 02.jpg") < html.index("photo 03.jpg") < html.index("photo 01.jpg")


@pytest.mark.parametrize("sent", [["first"], ["1", "-2"], ["٣"]])
def test_an_order_that_is_none_is_refused(browser: Client, draft: Job, sent: list[str]) -> None:
    where = reverse("recon:order_photos", args=[draft.pk])
    response = browser.post(where, {"photo": sent}, headers=JSON)
    assert response.status_code == 400
    assert "list of photo numbers" in response.json()["errors"][0]
    sideways = reverse("recon:move_photo", args=[draft.pk, draft.photos.first().pk])
    assert browser.post(sideways, {"to": "sideways"}).status_code == 400
    assert shown(draft) == "0123"


def test_a_started_scene_says_that_its_order_is_fixed(browser: Client, draft: Job) -> None:
    order = numbers(draft, "10")
    drafts.start(draft)
    where = reverse("recon:order_photos", args=[draft.pk])
    assert browser.post(where, {"photo": order}, headers=JSON).status_code == 409
    step = reverse("recon:move_photo", args=[draft.pk, order[0]])
    assert browser.post(step, {"to": "later"}, headers=JSON).status_code == 409


def test_only_the_owner_moves_photos_and_only_with_the_form_s_token(draft: Job) -> None:
    others = browser_of(person("bob@example.org"))
    careful = browser_of(draft.owner, enforce_csrf_checks=True)
    pk = draft.photos.first().pk
    for name, args, data in (
        ("order_photos", [draft.pk], {"photo": numbers(draft, "10")}),
        ("move_photo", [draft.pk, pk], {"to": "later"}),
    ):
        where = reverse(f"recon:{name}", args=args)
        assert others.post(where, data).status_code == 404
        assert careful.post(where, data).status_code == 403
        assert Client().post(where, data).status_code == 302
    assert others.get(reverse("recon:tiles", args=[draft.pk])).status_code == 404
    foreign = job_of(person("eve@example.org"), status=Job.Status.DRAFT)
    photo_order.reorder(draft, [photo.pk for photo in foreign.photos.all()])
    assert shown(draft) == "0123"


def test_a_program_orders_photos(draft: Job) -> None:
    program = Client(headers={"Authorization": f"Bearer {token_of(draft.owner)}"})
    where = f"/recon/jobs/{draft.pk}/order"
    told = program.post(where, {"photo_id": numbers(draft, "3210")})
    assert told.status_code == 200
    assert [p["photo_id"] for p in told.json()["photos"]] == numbers(draft, "3210")
    for wrong in ({}, {"photo_id": ["x"]}):
        refused = program.post(where, wrong)
        assert refused.status_code == 400
        assert "photo_id" in refused.json()["detail"]
    drafts.start(draft)
    assert program.post(where, {"photo_id": numbers(draft, "01")}).status_code == 409
