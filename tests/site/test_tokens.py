"""API tokens: what each may do, for how long, when it was used, and what revokes it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts.models import ApiToken, User
from recon.api.urls import urlpatterns
from recon.models import Job
from tests.site.making import PASSWORD, browser_of, finished_job, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

NEW = "staple gun waltz"


@pytest.fixture
def ann() -> User:
    return person()


def call(secret: str, path: str = "/recon/queue", method: str = "get", **extra: Any) -> Any:
    return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {secret}"}, **extra)


def make(browser: Client, **wishes: str) -> str:
    page = browser.post(reverse("accounts:token_create"), {"name": "a script", **wishes})
    return str(page.context["new_secret"])


# --- What it may do ---

#: Which scope each address requires; the public one requires none.
NEEDED = {
    "jobs": "upload", "job_status": "read", "draft_from": "upload", "add_photo": "upload",
    "drop_photo": "upload", "order_photos": "upload", "drop_video": "upload", "start": "upload",
    "share": "manage", "create_draft": "upload", "queue": "read", "healthz": "",
    "own_file": "read", "cancel": "upload", "make_anyway": "upload", "delete": "delete",
}  # fmt: skip


def test_every_address_says_which_scope_it_needs() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(NEEDED)


@pytest.mark.parametrize("name", [name for name, scope in NEEDED.items() if scope])
def test_a_token_without_the_scope_gets_a_403_with_a_code(ann: User, name: str) -> None:
    job = finished_job(ann)
    arguments: list[Any] = [job.pk] if name not in ("jobs", "create_draft", "queue") else []
    more = {"drop_photo": 1, "drop_video": 1, "own_file": "spz"}
    arguments += [more[name]] if name in more else []
    path, method = reverse(f"api:{name}", args=arguments), _method(name)
    for scope in ("read", "upload", "manage", "delete"):
        answer = call(ApiToken.issue(ann, "t", scopes=[scope])[1], path, method)
        if scope == NEEDED[name]:
            assert answer.status_code != 403
        else:
            assert answer.status_code == 403
            assert answer.json()["code"] == "token_scope"
            assert f"“{NEEDED[name]}”" in answer.json()["detail"]


def _method(name: str) -> str:
    if name in ("drop_photo", "drop_video", "delete"):
        return "delete"
    return "get" if NEEDED[name] == "read" else "post"


def test_the_list_of_jobs_takes_another_scope_than_a_new_job_at_the_same_address(
    ann: User,
) -> None:
    for scope, status in (("read", 200), ("upload", 403), ("manage", 403), ("delete", 403)):
        secret = ApiToken.issue(ann, "t", scopes=[scope])[1]
        assert call(secret, "/recon/jobs").status_code == status


def test_a_token_from_before_there_was_deleting_does_not_delete(ann: User) -> None:
    token = ApiToken(user=ann, name="old", digest=ApiToken.digest_of("ir3d_old"))
    token.save()
    assert token.scopes == "read upload manage"
    path = reverse("api:delete", args=(finished_job(ann).pk,))
    assert call("ir3d_old", path, "delete").status_code == 403
    assert Job.objects.exists()


def test_a_token_that_may_not_write_changes_nothing(ann: User) -> None:
    job = finished_job(ann, shared=True)
    secret = ApiToken.issue(ann, "t", scopes=["read", "upload"])[1]
    path = reverse("api:share", args=(job.pk,))
    assert call(secret, path, "post", data={"share": "false"}).status_code == 403
    assert Job.objects.get().share.is_on
    assert browser_of(ann).post(path, {"share": "false"}).status_code == 200, "a session may"


@pytest.mark.parametrize(
    ("may", "scopes"),
    [
        ({}, "read upload"),
        ({"may": "read"}, "read"),
        ({"may": "share"}, "read upload manage"),
        ({"may": "everything"}, "read upload manage delete"),
    ],
)
def test_its_maker_chooses_what_it_may_do(ann: User, may: dict[str, str], scopes: str) -> None:
    secret = make(browser_of(ann), **may)
    assert secret.startswith("ir3d_"), "so that code scanners find it"
    token = ApiToken.find(secret)
    assert token
    assert token.scopes == scopes


def test_the_page_shows_what_each_may_do_and_until_when(ann: User) -> None:
    browser = browser_of(ann)
    make(browser, may="read", days="30")
    page = browser.get(reverse("accounts:account")).content.decode()
    assert "download files, including those of private scenes" in page
    assert "Change how scenes are shared" not in page.split("never used")[1].split("</li>")[0]
    assert "ends " in page


# --- How long ---


@pytest.mark.parametrize(("days", "expected"), [("30", 30), (None, 90), ("365", 365)])
def test_a_token_ends_by_itself(ann: User, days: str | None, expected: int) -> None:
    secret = make(browser_of(ann), **({"days": days} if days else {}))
    token = ApiToken.objects.get()
    assert token.ends_at
    assert abs(token.ends_at - timezone.now() - timedelta(days=expected)) < timedelta(minutes=1)
    assert call(secret).status_code == 200
    ApiToken.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert call(secret).status_code == 401
    assert "a script" not in browser_of(ann).get(reverse("accounts:account")).content.decode()


def test_a_token_can_be_made_that_ends_when_it_is_revoked(ann: User) -> None:
    make(browser_of(ann), days="never")
    assert ApiToken.objects.get().ends_at is None


def test_tokens_that_have_ended_make_room_for_others(ann: User) -> None:
    for number in range(20):
        ApiToken.issue(ann, f"old {number}", ends_at=timezone.now() - timedelta(days=1))
    make(browser_of(ann))
    assert ApiToken.objects.count() == 1


def test_a_made_up_end_is_refused(ann: User) -> None:
    for wish in ({"days": "99999999999999999999"}, {"may": "rule the world"}):
        page = browser_of(ann).post(reverse("accounts:token_create"), {"name": "x", **wish})
        assert page.status_code == 400
    assert not ApiToken.objects.exists()


# --- When it was used ---


def test_its_use_is_noted_now_and_then_and_not_at_each_call(ann: User) -> None:
    token, secret = ApiToken.issue(ann, "t")
    assert call(secret).status_code == 200
    token.refresh_from_db()
    assert token.last_used_at
    with CaptureQueriesContext(connection) as asked:
        call(secret)
    assert not [query for query in asked if query["sql"].startswith("UPDATE")]
    long_ago = timezone.now() - timedelta(minutes=6)
    ApiToken.objects.update(last_used_at=long_ago)
    call(secret)
    token.refresh_from_db()
    assert token.last_used_at > long_ago


def test_a_database_that_is_busy_does_not_fail_the_call(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ApiToken.issue(ann, "t")[1]

    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", locked)
    assert call(secret).status_code == 200


# --- What ends it ---


def test_a_change_of_the_password_ends_the_tokens(ann: User) -> None:
    secret, other = ApiToken.issue(ann, "t")[1], browser_of(ann)
    data = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser_of(ann).post(reverse("accounts:password_change"), data).status_code == 302
    assert call(secret).status_code == 401
    assert other.get(reverse("accounts:account")).status_code == 302, "as it ends the sessions"


def test_staff_s_and_commands_new_passwords_end_them_too(
    ann: User, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ApiToken.issue(ann, "t")[1]
    address = reverse("admin:auth_user_password_change", args=(ann.pk,))
    data = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert admin_client.post(address, data).status_code == 302
    assert call(secret).status_code == 401
    secret = ApiToken.issue(ann, "t")[1]
    monkeypatch.setattr("getpass.getpass", lambda **_: "another staple gun")
    call_command("changepassword", ann.email, stdout=StringIO())
    assert call(secret).status_code == 401


def test_a_password_that_is_switched_off_ends_them(ann: User) -> None:
    secret = ApiToken.issue(ann, "t")[1]
    ann.set_unusable_password()
    ann.save()
    assert call(secret).status_code == 401


def test_other_people_s_tokens_and_other_changes_end_nothing(ann: User) -> None:
    bob = person("bob@example.org")
    mine, bobs = ApiToken.issue(ann, "t")[1], ApiToken.issue(bob, "t")[1]
    bob.set_password(NEW)
    bob.save()
    ann.public_name = "Ann"
    ann.save()
    assert (call(mine).status_code, call(bobs).status_code) == (200, 401)


def test_a_password_that_is_hashed_anew_is_no_new_one(
    ann: User, settings: SettingsWrapper, client: Client
) -> None:
    """Django rehashes it at a sign-in, once there is a better hash."""
    secret = ApiToken.issue(ann, "t")[1]
    md5, pbkdf2 = settings.PASSWORD_HASHERS[0], PBKDF2PasswordHasher
    settings.PASSWORD_HASHERS = [f"{pbkdf2.__module__}.{pbkdf2.__name__}", md5]
    before = ann.password
    data = {"username": ann.email, "password": PASSWORD}
    assert client.post(reverse("accounts:sign_in"), data).status_code == 302
    ann.refresh_from_db()
    assert ann.password.split("$")[0] != before.split("$")[0]
    assert make_password(PASSWORD).split("$")[0] == ann.password.split("$")[0]
    assert call(secret).status_code == 200


def test_a_switched_off_account_s_tokens_stop(ann: User) -> None:
    secret = ApiToken.issue(ann, "t")[1]
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert call(secret).status_code == 401
