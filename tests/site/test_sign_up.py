"""Who may create an account: anybody, with an invitation, after a mail; and the mails about it."""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper
from redis import Redis

from accounts import letters
from accounts.models import Invitation, Letter, User
from recon.jobs.reconcile import reconcile
from tests.site.making import browser_of, person
from tests.site.working import work_off

pytestmark = pytest.mark.django_db

NEW = {"email": "new@example.org", "password": "correct horse battery"}
SIGN_UP = "/accounts/sign-up/"


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def invitation(**fields: Any) -> tuple[Invitation, str]:
    made = Invitation.objects.create(**fields)
    return made, made.link.removeprefix("http://localhost:8000")


# --- By invitation ---


@pytest.fixture
def by_invitation(settings: SettingsWrapper) -> None:
    settings.SIGN_UP = "invitation"


def test_without_an_invitation_nobody_signs_up(client: Client, by_invitation: None) -> None:
    for page in (client.get(SIGN_UP), client.post(SIGN_UP, NEW)):
        assert page.status_code == 403
        assert "Sign-up is by invitation" in page.content.decode()
    assert not User.objects.exists()
    assert "Sign up" not in client.get("/").content.decode()


def test_an_invitation_makes_one_account(client: Client, by_invitation: None) -> None:
    made, link = invitation()
    assert "Create an account" in client.get(link).content.decode()
    assert client.post(link, NEW).status_code == 302
    assert signed_in(client)
    again = Client().post(link, NEW | {"email": "two@example.org"})
    assert again.status_code == 403
    assert "This invitation no longer works" in again.content.decode()
    assert User.objects.get().email == "new@example.org"
    made.refresh_from_db()
    assert made.uses == 1


def test_an_invitation_for_a_class_is_not_limited_by_its_network(by_invitation: None) -> None:
    _, link = invitation(most_uses=8)
    codes = [Client().post(link, NEW | {"email": f"p{n}@example.org"}) for n in range(9)]
    assert [code.status_code for code in codes] == [302] * 8 + [403]


def test_a_form_that_is_refused_uses_nothing_up(client: Client, by_invitation: None) -> None:
    made, link = invitation()
    assert client.post(link, NEW | {"password": "short"}).status_code == 400
    made.refresh_from_db()
    assert made.uses == 0


@pytest.mark.parametrize("how", ["ended", "deleted", "forged", "closed"])
def test_an_invitation_that_is_over_makes_no_account(
    client: Client, by_invitation: None, settings: SettingsWrapper, how: str
) -> None:
    made, link = invitation()
    if how == "ended":
        Invitation.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    elif how == "deleted":
        made.delete()
    elif how == "forged":
        link = reverse("accounts:invited", args=(f"{made.key.hex}:{'x' * 43}",))
    else:
        settings.SIGN_UP = "closed"
    assert client.post(link, NEW).status_code == 403
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_the_last_of_an_invitation_at_once_one_gets_it() -> None:
    made, _ = invitation(most_uses=3)

    def spend(_: int) -> bool:
        try:
            return made.spend()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(spend, range(12)))[True] == 3


def test_staff_make_invitations_and_get_their_link(admin_client: Client) -> None:
    data = {
        "note": "the class of 4b",
        "most_uses": "25",
        "ends_at_0": "2099-01-31",
        "ends_at_1": "12:00",
    }
    page = admin_client.post(reverse("admin:accounts_invitation_add"), data, follow=True)
    made = Invitation.objects.get()
    assert made.link in page.content.decode()
    assert (made.most_uses, made.created_by) == (25, User.objects.get())
    address = reverse("admin:accounts_invitation_change", args=(made.pk,))
    assert made.link in admin_client.get(address).content.decode()


def test_staff_who_may_only_look_at_invitations_do_not_get_links() -> None:
    made, link = invitation()
    staff = person("staff@example.org", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_invitation"))
    address = reverse("admin:accounts_invitation_change", args=(made.pk,))
    page = browser_of(staff).get(address)
    assert page.status_code == 200
    assert link not in page.content.decode()


# --- With a mail ---


@pytest.fixture
def with_mail(settings: SettingsWrapper) -> None:
    settings.MAIL_IS_SET_UP = True


def ask(email: str = "new@example.org", client: Client | None = None, **extra: Any) -> Any:
    return (client or Client()).post(SIGN_UP, {"email": email, "time_zone": "Asia/Seoul"}, **extra)


def link_in(message: Any) -> str:
    found = re.search(r"http://localhost:8000(/accounts/confirm/\S+)", str(message.body))
    assert found
    return found[1]


def test_where_mail_is_set_up_the_address_is_proven_first(client: Client, with_mail: None) -> None:
    page = client.get(SIGN_UP).content.decode()
    assert 'type="password"' not in page
    answer = ask(client=client, headers={"Accept-Language": "ko"})
    assert answer["Location"] == reverse("accounts:sign_up_sent")
    assert client.get(answer["Location"]).status_code == 200
    assert not User.objects.exists(), "no account before the address is proven"
    assert mail.outbox == [], "the request itself sends nothing"
    assert letters.send_waiting() == 1
    message = mail.outbox[0]
    assert message.to == ["new@example.org"]
    assert "InstaRecon3D" in message.subject
    link = link_in(message)
    assert "new@example.org" in client.get(link).content.decode()
    assert client.post(link, {"password": "short"}).status_code == 400
    assert client.post(link, {"password": NEW["password"]}).status_code == 302
    assert signed_in(client)
    user = User.objects.get()
    assert (user.email, user.time_zone) == ("new@example.org", "Asia/Seoul")
    assert user.check_password(NEW["password"])


def test_a_link_makes_one_account(client: Client, with_mail: None) -> None:
    ask()
    letters.send_waiting()
    link = link_in(mail.outbox[0])
    client.post(link, {"password": NEW["password"]})
    page = Client().get(link)
    assert page.status_code == 410
    assert "This link no longer works" in page.content.decode()
    assert Client().post(link, {"password": "another long one"}).status_code == 410
    assert User.objects.count() == 1


def test_a_link_works_for_a_day(
    client: Client, with_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    letters.send_waiting()
    link = link_in(mail.outbox[0])
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 24 * 60 * 60 + 1)
    assert client.post(link, {"password": NEW["password"]}).status_code == 410


def test_a_link_that_somebody_changed_is_none(client: Client, with_mail: None) -> None:
    ask()
    letters.send_waiting()
    link = link_in(mail.outbox[0])
    assert client.get(link[:-2] + "x/").status_code == 410


def test_a_known_address_is_answered_alike_and_told_by_mail(with_mail: None) -> None:
    person("ann@example.org", language="ko")
    known, unknown = ask("ANN@example.org"), ask("new@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert letters.send_waiting() == 2
    told = {message.to[0]: message for message in mail.outbox}
    assert set(told) == {"ann@example.org", "new@example.org"}
    assert "/accounts/confirm/" not in told["ann@example.org"].body
    assert "/accounts/sign-in/" in told["ann@example.org"].body
    assert "계정" in told["ann@example.org"].body, "in the account's own language"


def test_an_invitation_is_used_up_when_the_account_is_made(
    client: Client, with_mail: None, by_invitation: None
) -> None:
    _, link = invitation()
    for email in ("one@example.org", "two@example.org"):
        assert client.post(link, {"email": email}).status_code == 302
    letters.send_waiting()
    first, second = (link_in(message) for message in mail.outbox)
    assert Client().post(first, {"password": NEW["password"]}).status_code == 302
    late = Client().post(second, {"password": NEW["password"]})
    assert late.status_code == 403
    assert "This invitation no longer works" in late.content.decode()
    assert User.objects.get().email == "one@example.org"


def test_a_link_ends_when_sign_up_is_closed(
    client: Client, with_mail: None, settings: SettingsWrapper
) -> None:
    ask()
    letters.send_waiting()
    settings.SIGN_UP = "invitation"
    link = link_in(mail.outbox[0])
    assert client.post(link, {"password": NEW["password"]}).status_code == 403
    assert not User.objects.exists()


# --- The mails themselves ---


def queries_of(email: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        Client().post(reverse("accounts:password_reset"), {"email": email})
    return [re.sub(r"'[^']*'", "'…'", query["sql"]) for query in asked]


@pytest.mark.usefixtures("mail_set_up")
def test_a_request_for_a_reset_does_the_same_for_known_and_unknown_addresses() -> None:
    person("ann@example.org")
    known, unknown = (queries_of(f"{name}@example.org") for name in ("ann", "nobody"))
    assert known == unknown
    assert mail.outbox == []
    assert letters.send_waiting() == 2
    assert [message.to for message in mail.outbox] == [["ann@example.org"]]
    assert not Letter.objects.exists()


def test_a_mail_server_that_is_away_is_tried_again_and_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person("ann@example.org")
    letters.ask(Letter.Kind.RESET, "ann@example.org")

    def refuse(*_: Any, **__: Any) -> None:
        raise SMTPException("no")

    monkeypatch.setattr("accounts.forms.signing.send_mail", refuse)
    tries = 0
    while Letter.objects.exists():
        letters.send_waiting()
        tries += 1
        assert letters.send_waiting() == 0, "not sent again at once"
        Letter.objects.update(next_try_at=timezone.now())
    assert tries == letters.MOST_TRIES


def test_a_mail_is_sent_once_however_many_work_on_it() -> None:
    person("ann@example.org")
    letters.ask(Letter.Kind.RESET, "ann@example.org")
    letter = Letter.objects.get()
    assert letters._claim(letter)
    assert not letters._claim(letter), "another worker has got the same row"


@pytest.mark.slow
@pytest.mark.usefixtures("mail_set_up")
@pytest.mark.django_db(transaction=True)
def test_a_worker_sends_them(redis_queue: Redis, data_dir: Any) -> None:
    person("ann@example.org")
    Client().post(reverse("accounts:password_reset"), {"email": "ann@example.org"})
    assert Letter.objects.exists()
    work_off(queue=letters.QUEUE)
    assert not Letter.objects.exists()


@pytest.mark.usefixtures("mail_set_up")
@pytest.mark.django_db(transaction=True)
def test_without_the_queue_reconcile_sends_them(no_redis: None, data_dir: Any) -> None:
    person("ann@example.org")
    answer = Client().post(reverse("accounts:password_reset"), {"email": "ann@example.org"})
    assert answer.status_code == 302
    assert reconcile().mails == 0, "the queue may be about to send it"
    Letter.objects.update(next_try_at=timezone.now() - timedelta(minutes=1))
    assert reconcile().mails == 1
    assert mail.outbox[0].to == ["ann@example.org"]
