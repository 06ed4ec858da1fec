"""A person's public page: only if they want it, only what they marked for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.forms import PublicPageForm
from accounts.models import User
from recon.jobs import sharing
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


@pytest.fixture
def ann() -> User:
    return person(gallery_open=True, handle="ann", public_name="Ann of the ferns")


def visit(visitor: Client | None = None, handle: str = "ann") -> Any:
    return (visitor or Client()).get(
        reverse("recon:public_gallery", args=(handle,)), headers={"Accept": "text/html"}
    )


def on_show(owner: User, **fields: Any) -> Job:
    return finished_job(owner, **({"shared": True, "in_gallery": True} | fields))


def set_page(user: User, **data: Any) -> Any:
    return browser_of(user).post(reverse("accounts:public_page"), data)


def test_anybody_sees_the_scenes_that_were_put_on_show(ann: User) -> None:
    job = on_show(ann, description="By the stairs")
    for visitor in (Client(), browser_of(ann), browser_of(person("bob@example.org"))):
        page = visit(visitor).content.decode()
        assert "Scenes by Ann of the ferns" in page
        assert "Fern in the hall" in page
        assert "By the stairs" in page
        assert f'href="/v/{job.share.key}"' in page
        assert f"/recon/pub/{job.share.key}/poster.jpg" in page
        assert str(job.pk) not in page
        assert "secret garden" not in page
    assert "ann@example.org" not in visit().content.decode()
    assert "noindex" in visit()["X-Robots-Tag"]


def test_nothing_else_is_on_show(ann: User) -> None:
    on_show(ann, title="not marked", in_gallery=False)
    on_show(ann, title="not shared", shared=False)
    on_show(ann, title="with a password", share_password=sharing.hash_password("a word or two"))
    on_show(ann, title="over", share_until=timezone.now() - timedelta(seconds=1))
    on_show(person("bob@example.org"), title="bob's")
    job_of(ann, title="running", shared=True, in_gallery=True, status=Job.Status.PROCESSING)
    assert list(visit().context["page"]) == []
    assert "has not put a scene on this page" in visit().content.decode()


def test_a_page_that_is_closed_answers_like_one_that_never_was(ann: User) -> None:
    on_show(ann)
    never = visit(handle="nobody")
    for change in ({"gallery_open": False}, {"gallery_open": True, "is_active": False}):
        User.objects.update(**change)
        closed = visit()
        assert closed.status_code == never.status_code == 404
        assert closed.content == never.content


def test_the_page_is_turned_after_twelve_scenes(ann: User) -> None:
    for _ in range(13):
        on_show(ann)
    assert len(visit().context["page"]) == 12
    assert "Page 1 of 2" in visit().content.decode()


def test_a_page_is_opened_named_and_closed_by_its_owner() -> None:
    bob = person("bob@example.org")
    assert not bob.gallery_open, "nobody has one who did not ask for it"
    assert set_page(bob, gallery_open="on", handle="bob-3", public_name="Bob").status_code == 302
    assert visit(handle="bob-3").status_code == 200
    assert set_page(bob, handle="bob-3").status_code == 302
    assert visit(handle="bob-3").status_code == 404


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        ("", "A public page needs an address."),
        ("ann", "This address is already taken."),
        ("Bob", "Use 3 to 30 lower-case letters"),
        ("a/b/c", "Use 3 to 30 lower-case letters"),
        ("-bob", "Use 3 to 30 lower-case letters"),
        ("bo", "Use 3 to 30 lower-case letters"),
        ("bo\nb", "Use 3 to 30 lower-case letters"),
        ("b" * 31, "at most 30"),
    ],
)
def test_an_address_that_can_not_be_is_refused(ann: User, handle: str, said: str) -> None:
    bob = person("bob@example.org")
    answer = set_page(bob, gallery_open="on", handle=handle)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    bob.refresh_from_db()
    assert (bob.gallery_open, bob.handle) == (False, None)


def test_of_two_who_want_one_address_at_once_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(form: PublicPageForm) -> None:
        raise IntegrityError

    monkeypatch.setattr(PublicPageForm, "save", too_late)
    answer = set_page(person(), gallery_open="on", handle="ann")
    assert answer.status_code == 400
    assert "This address is already taken." in answer.content.decode()


def test_many_may_have_no_page() -> None:
    for name in ("a", "b"):
        assert set_page(person(f"{name}@example.org"), handle="").status_code == 302


def test_a_stranger_sets_nothing(client: Client) -> None:
    answer = client.post(reverse("accounts:public_page"), {"handle": "ann"})
    assert answer["Location"].startswith(reverse("accounts:sign_in"))
