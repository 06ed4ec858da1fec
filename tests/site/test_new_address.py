"""A new e-mail address for an account: with a mail that proves it, and if none can be sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts import letters
from accounts.models import Letter, User
from accounts.sign_in_limits import MAILS_TO_ONE, SIGN_IN
from tests.site.making import PASSWORD, browser_of, person

pytestmark = pytest.mark.django_db

CHANGE = "/accounts/email/"
NEW = "new@example.org"


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def with_mail(settings: SettingsWrapper) -> None:
    settings.MAIL_IS_SET_UP = True


def ask(browser: Client, email: str = NEW, password: str = PASSWORD) -> Any:
    return browser.post(CHANGE, {"email": email, "password": password})


def asked_link(browser: Client, email: str = NEW) -> str:
    """The link in the mail to the new address."""
    ask(browser, email)
    letters.send_waiting()
    (message,) = mail.outbox
    mail.outbox.clear()
    assert message.to == [email]
    found = re.search(r"http://localhost:8000(/accounts/confirm-email/\S+)", str(message.body))
    assert found, message.body
    return found[1]


def address_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def test_a_link_to_the_new_address_changes_it_and_the_old_one_is_told(
    ann: User, with_mail: None
) -> None:
    browser = browser_of(ann)
    assert CHANGE in browser.get(reverse("accounts:account")).content.decode()
    assert "confirm the change, signed in to this account" in browser.get(CHANGE).content.decode()
    link = asked_link(browser)
    assert address_of(ann) == "ann@example.org", "nothing changes before it is proven"
    assert NEW in browser.get(link).content.decode()
    assert address_of(ann) == "ann@example.org", "mail programs open links by themselves"
    done = browser.post(link, follow=True)
    assert done.redirect_chain == [(reverse("accounts:account"), 302)]
    assert f"Your e-mail address is now {NEW}" in done.content.decode()
    assert address_of(ann) == NEW
    letters.send_waiting()
    (message,) = mail.outbox
    assert message.to == ["ann@example.org"]
    assert NEW in str(message.body)
    assert Client().get(link).status_code == 410, "a link works once"


def test_in_another_browser_the_link_asks_to_sign_in_first(ann: User, with_mail: None) -> None:
    link, other = asked_link(browser_of(ann)), Client()
    sign_in = other.get(link)["Location"]
    assert sign_in.startswith(reverse("accounts:sign_in"))
    signed_in = other.post(sign_in, {"username": "ann@example.org", "password": PASSWORD})
    assert signed_in["Location"] == link
    other.post(link)
    assert address_of(ann) == NEW


@pytest.mark.parametrize("somebody", [None, "bob@example.org"])
def test_who_gets_the_link_by_a_typing_mistake_does_not_get_the_account(
    ann: User, with_mail: None, somebody: str | None
) -> None:
    link = asked_link(browser_of(ann))
    browser = browser_of(person(somebody)) if somebody else Client()
    answer = browser.post(link)
    assert answer.status_code == (403 if somebody else 302)
    if somebody:
        assert f"You are signed in as {somebody}." in answer.content.decode()
    assert address_of(ann) == "ann@example.org"


@pytest.mark.parametrize("what", ["a day", "a new password", "a closed account", "other letters"])
def test_a_link_ends(
    ann: User, with_mail: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    link = asked_link(browser_of(ann))
    if what == "a day":
        late = (timezone.now() + timedelta(days=1, minutes=1)).timestamp()
        monkeypatch.setattr("django.core.signing.time.time", lambda: late)
    elif what == "a new password":
        ann.set_password("something else entirely")
        ann.save()
    elif what == "a closed account":
        User.objects.update(is_active=False)
    else:
        link = link[:-3] + "x/"
    assert Client().post(link).status_code == 410
    assert address_of(ann) == "ann@example.org"


def test_an_address_that_was_taken_meanwhile_stays_with_whoever_has_it(
    ann: User, with_mail: None
) -> None:
    link = asked_link(browser_of(ann))
    person("NEW@example.org")
    answer = browser_of(ann).post(link)
    assert answer.status_code == 409
    assert "Another account has this address" in answer.content.decode()
    assert address_of(ann) == "ann@example.org"


def test_the_page_does_not_tell_who_has_an_account_and_the_mail_does(
    ann: User, with_mail: None
) -> None:
    person(NEW)
    known, unknown = ask(browser_of(ann)), ask(browser_of(ann), "nobody@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    letters.send_waiting()
    to_known = next(message for message in mail.outbox if message.to == [NEW])
    assert "You already have an account" in str(to_known.body)
    assert "/confirm-email/" not in str(to_known.body)


def test_the_old_address_is_told_whatever_was_asked_for_in_its_name(
    ann: User, with_mail: None
) -> None:
    for _ in range(MAILS_TO_ONE[0].amount + 1):
        letters.ask(Letter.Kind.RESET, ann.email)
    letters.send_waiting()
    mail.outbox.clear()
    browser_of(ann).post(asked_link(browser_of(ann)))
    letters.send_waiting()
    assert [message.to for message in mail.outbox] == [["ann@example.org"]]


# --- Without a mail server ---


def test_without_mail_the_password_is_enough(ann: User) -> None:
    done = browser_of(ann).post(CHANGE, {"email": "New@Example.ORG", "password": PASSWORD})
    assert done["Location"] == reverse("accounts:account")
    assert address_of(ann) == "New@example.org"
    assert letters.send_waiting() == 0


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        (NEW, "wrong", "That is not your password."),
        ("bob@EXAMPLE.org", PASSWORD, "Another account has this address."),
        ("ann@example.org", PASSWORD, "That is already your address."),
        ("no address", PASSWORD, "Enter a valid email address."),
        ("", PASSWORD, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    ann: User, email: str, password: str, said: str
) -> None:
    person("bob@example.org")
    answer = ask(browser_of(ann), email, password)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert said in page
    (focused,) = re.findall(r"<input[^>]* autofocus[^>]*>", page)
    assert 'aria-invalid="true"' in focused
    assert f'value="{email}"' in page or not email, "what was typed is still there"
    assert address_of(ann) == "ann@example.org"


def test_wrong_passwords_are_counted_as_at_sign_in(ann: User) -> None:
    browser = browser_of(ann)
    codes = [ask(browser, password="wrong").status_code for _ in range(SIGN_IN.amount + 1)]
    assert codes[-1] == 429
    assert ask(browser).status_code == 429


def test_strangers_are_sent_to_sign_in() -> None:
    assert Client().get(CHANGE)["Location"].startswith(reverse("accounts:sign_in"))
