"""Invitations into teams: by a link, by mail, and on the page of who has an account."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs.reconcile import reconcile
from recon.jobs.teams import invitations
from recon.models import Membership, Team, TeamEvent, TeamInvitation
from tests.site.making import browser_of, person, team_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def team(ann: User) -> Team:
    return team_of(ann)


def invite(browser: Client, email: str = "", role: str = "editor") -> Any:
    return browser.post("/teams/acme/invitations/", {"email": email, "role": role}, follow=True)


def said(page: Any) -> str:
    return " ".join(page.content.decode().split())


def join_address() -> str:
    return reverse("recon:join_team", args=[TeamInvitation.objects.get().link_part])


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__email", "role"))


def test_a_link_is_for_one_person(team: Team, ann: User) -> None:
    page = invite(browser_of(ann), role="viewer")
    made = TeamInvitation.objects.get()
    assert made.link in page.content.decode()
    where = join_address()
    bob, carl = (browser_of(person(f"{name}@example.org")) for name in ("bob", "carl"))
    assert "Join as bob@example.org" in said(bob.get(where))
    assert not bob.get(where).has_header("Set-Cookie")
    joined = bob.post(where, follow=True)
    assert joined.redirect_chain == [("/teams/acme/", 302)]
    assert roles(team) == {"ann@example.org": "owner", "bob@example.org": "viewer"}
    for method in (carl.get, carl.post):
        late = method(where)
        assert late.status_code == 410
        assert "somebody has joined by it already" in said(late)
    assert [one.kind for one in TeamEvent.objects.all()] == ["joined", "invited", "team_made"]


def test_a_stranger_is_asked_to_sign_in_first(team: Team, ann: User) -> None:
    invite(browser_of(ann))
    where = join_address()
    page = Client().get(where)
    assert "ann@example.org invites you to the team “Acme”." in said(page)
    assert page["Referrer-Policy"] == "same-origin"
    answer = Client().post(where)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("accounts:sign_in"))
    assert TeamInvitation.objects.exists()


def test_who_is_in_the_team_already_does_not_use_it_up(team: Team, ann: User) -> None:
    invite(browser_of(ann), role="viewer")
    assert browser_of(ann).post(join_address()).status_code == 302
    assert roles(team) == {"ann@example.org": "owner"}
    assert TeamInvitation.objects.exists()


@pytest.mark.parametrize("end", ["expired", "withdrawn", "forged", "closing"])
def test_a_link_that_is_over_says_so(team: Team, ann: User, end: str) -> None:
    invite(browser_of(ann))
    where, made = join_address(), TeamInvitation.objects.get()
    if end == "expired":
        TeamInvitation.objects.update(ends_at=timezone.now())
        assert "expired" in said(browser_of(ann).get("/teams/acme/"))
    elif end == "withdrawn":
        done = browser_of(ann).post(
            reverse("recon:withdraw_invitation", args=["acme", made.pk]), follow=True
        )
        assert "The invitation no longer works." in said(done)
    elif end == "forged":
        where = where.replace(made.key.hex, "0" * 32)
    else:
        Team.objects.update(closing_since=timezone.now())
    browser = browser_of(person("bob@example.org"))
    assert [ask(where).status_code for ask in (browser.get, browser.post)] == [410, 410]
    assert roles(team) == {"ann@example.org": "owner"}


def test_who_has_an_account_finds_it_there_and_may_decline(team: Team, ann: User) -> None:
    bob = browser_of(person("bob@example.org"))
    assert "Notices, 1 unread" not in said(bob.get("/teams/"))
    invite(browser_of(ann), "BOB@example.org")
    for where in ("/teams/", "/notices/"):
        page = said(bob.get(where))
        assert "ann@example.org invites you to the team “Acme”." in page
        assert "Notices, 1 unread" in page
    assert bob.post(join_address(), {"answer": "no"}).status_code == 302
    assert not TeamInvitation.objects.exists()
    assert "declined" in [event.kind for event in TeamEvent.objects.all()]
    invite(browser_of(ann), "bob@example.org", "owner")
    bob.post(join_address())
    assert roles(team)["bob@example.org"] == "owner"


def test_nobody_declines_for_another(team: Team, ann: User) -> None:
    person("bob@example.org")
    invite(browser_of(ann), "bob@example.org")
    browser_of(person("eve@example.org")).post(join_address(), {"answer": "no"})
    assert TeamInvitation.objects.exists()


def test_whether_there_is_an_account_is_told_to_nobody(team: Team, ann: User) -> None:
    person("bob@example.org")
    told = []
    for email in ("bob@example.org", "nob@example.org"):
        page = said(invite(browser_of(ann), email)).replace(email, "x")
        told.append(re.sub(r"\d+|/teams/join/[^\"]+|value=\"[^\"]+\"", "", page))
        TeamInvitation.objects.all().delete()
        TeamEvent.objects.filter(kind="invited").delete()
    assert told[0] == told[1]


def test_it_is_mailed_where_the_site_can(team: Team, ann: User, settings: Any) -> None:
    settings.MAIL_IS_SET_UP = True
    page = invite(browser_of(ann), "bob@example.org")
    assert "The invitation for bob@example.org is on its way." in said(page)
    TeamInvitation.objects.update(mail_due_at=timezone.now() - timedelta(minutes=5))
    assert reconcile().mails == 1, "where the queue was down"
    (letter,) = mail.outbox
    assert letter.to == ["bob@example.org"]
    assert letter.subject == "You are invited to the team “Acme”"
    assert TeamInvitation.objects.get().link in letter.body
    assert invitations.send_waiting() == 0, "once"


def test_a_mail_server_that_is_down_is_tried_again(
    team: Team, ann: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("away")

    settings.MAIL_IS_SET_UP = True
    invite(browser_of(ann), "bob@example.org")
    monkeypatch.setattr(invitations, "send_mail", away)
    for tries in range(1, invitations.MOST_TRIES + 1):
        assert invitations.send_waiting() == 0
        assert TeamInvitation.objects.get().mail_tries == tries
        TeamInvitation.objects.exclude(mail_due_at=None).update(mail_due_at=timezone.now())
    assert TeamInvitation.objects.get().mail_due_at is None, "given up; the link still works"


def test_inviting_twice_and_inviting_members(team: Team, ann: User) -> None:
    browser = browser_of(ann)
    invite(browser, "bob@example.org", "viewer")
    invite(browser, "Bob@example.org", "owner")
    assert TeamInvitation.objects.get().role == "owner"
    page = invite(browser, "ANN@example.org")
    assert page.status_code == 400
    assert "They are in the team already." in said(page)
    assert invite(browser, "nobody", "boss").status_code == 400


def test_nobody_invites_without_end(team: Team, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "MOST", 1)
    browser = browser_of(ann)
    invite(browser, "bob@example.org")
    page = invite(browser, "carl@example.org")
    assert page.status_code == 409
    assert "At most 1 invitations can be open at a time." in said(page)
    monkeypatch.setattr(invitations, "MOST", 99)
    few = invitations.Limit("team_invitations", 2, 60)
    monkeypatch.setattr(invitations, "MADE_BY_ONE", few)
    answers = [invite(browser, f"{n}@example.org").status_code for n in range(3)]
    assert answers[-1] == 429


def test_old_ones_are_removed(team: Team, ann: User) -> None:
    invite(browser_of(ann))
    TeamInvitation.objects.update(ends_at=timezone.now() - timedelta(days=1))
    assert invitations.remove_old() == 0
    TeamInvitation.objects.update(ends_at=timezone.now() - invitations.SHOWN_FOR)
    assert invitations.remove_old() == 1
    assert Membership.objects.count() == 1
