"""Signing in at a provider: whose account it is, and what goes wrong on the way."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from joserfc.jwk import OctKey, RSAKey
from pytest_django.fixtures import SettingsWrapper

from accounts import letters, sign_in_limits
from accounts.models import ApiToken, Invitation, ProviderAccount, User
from accounts.provider import client as provider_client
from accounts.provider import flows, people
from tests.site.making import PASSWORD, browser_of, person, token_of
from tests.site.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.site.provider_sign_in import CALLBACK, START, at_provider, refused, sign_in, who

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

# --- Whose account it is ---


def test_somebody_new_gets_an_account_without_a_password(
    client: Client, provider: Provider
) -> None:
    answer = sign_in(client, next="/usage/")
    assert (answer.status_code, answer.url) == (302, "/usage/")
    ann = who(client)
    assert ann is not None
    assert (ann.email, ann.has_usable_password(), ann.is_staff) == ("ann@example.org", False, False)
    known = ProviderAccount.objects.get()
    assert (known.user, known.issuer, known.subject) == (ann, provider.url, "1001")
    assert client.get("/usage/").status_code == 200


def test_they_are_known_by_their_number_whatever_their_address(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    provider.claims |= {"email": "ann.miller@example.org", "email_verified": False}
    other = Client()
    assert sign_in(other).status_code == 302
    assert who(other) == who(client)
    assert User.objects.get().email == "ann@example.org"
    assert ProviderAccount.objects.get().email == "ann.miller@example.org"


def test_a_confirmed_address_connects_the_account_that_has_it(
    client: Client, provider: Provider, mail_set_up: None
) -> None:
    ann = person("Ann@example.org")
    token_of(ann)
    assert sign_in(client).status_code == 302
    assert who(client) == ann
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)
    assert ApiToken.objects.count() == 1
    assert "connected to Example ID" in client.get("/accounts/").content.decode()
    letters.send_waiting()
    assert [sent.to for sent in mail.outbox] == [["Ann@example.org"]]
    assert "connected to an account at Example ID" in mail.outbox[0].body


def test_an_address_that_nobody_proved_here_loses_its_password_and_tokens(
    client: Client, provider: Provider
) -> None:
    """Where the site sends no mail somebody else may have made the account in their name."""
    ann = person()
    token_of(ann)
    thief = browser_of(ann)
    assert sign_in(client).status_code == 302
    ann.refresh_from_db()
    assert (ann.has_usable_password(), ApiToken.objects.count()) == (False, 0)
    assert who(client) == ann
    assert thief.get("/usage/").status_code == 302
    assert "API tokens have ended" in client.get("/accounts/").content.decode()


@pytest.mark.parametrize("verified", [False, None, "false", 1])
def test_an_address_that_is_not_confirmed_opens_nothing(
    client: Client, provider: Provider, verified: object
) -> None:
    person()
    provider.claims |= {"email_verified": verified}
    refused(sign_in(client), 403, "Your address is not confirmed")
    assert who(client) is None
    assert not ProviderAccount.objects.exists()


def test_the_site_may_trust_a_provider_that_says_nothing_of_addresses(
    client: Client, provider: Provider, settings: SettingsWrapper
) -> None:
    settings.OIDC = replace(settings.OIDC, trust_email=True)
    del provider.claims["email_verified"]
    assert sign_in(client).status_code == 302
    assert who(client) is not None


def test_an_address_that_only_userinfo_has_is_found_there(
    client: Client, provider: Provider
) -> None:
    provider.in_userinfo = ("email", "email_verified")
    assert sign_in(client).status_code == 302
    assert who(client) == User.objects.get(email="ann@example.org")


def test_without_an_address_there_is_no_account(client: Client, provider: Provider) -> None:
    del provider.claims["email"]
    refused(sign_in(client), 403, "gave us no e-mail address")
    assert not User.objects.exists()


def test_only_the_domains_that_are_named_may_come(
    client: Client, provider: Provider, settings: SettingsWrapper
) -> None:
    settings.OIDC = replace(settings.OIDC, email_domains=("example.com",))
    refused(sign_in(client), 403, "ann@example.org is not an address")
    provider.claims |= {"email": "ann@evil-example.com"}
    refused(sign_in(client), 403, "can’t be used here")
    provider.claims |= {"email": "ann@Example.com"}
    assert sign_in(client).status_code == 302


@pytest.mark.parametrize(
    ("policy", "site", "said"),
    [
        ("off", "open", "There is no account for you yet"),
        ("site", "closed", "There is no account for you yet"),
        ("site", "invitation", "takes an invitation"),
    ],
)
def test_no_account_is_made_where_nobody_may(
    client: Client, provider: Provider, settings: SettingsWrapper, policy: str, site: str, said: str
) -> None:
    settings.OIDC = replace(settings.OIDC, sign_up=policy)
    settings.SIGN_UP = site
    refused(sign_in(client), 403, said)
    assert not User.objects.exists()
    ann = person()
    assert sign_in(client).status_code == 302, "whoever has one may come all the same"
    assert who(client) == ann


@pytest.mark.parametrize(("policy", "site"), [("on", "closed"), ("site", "open")])
def test_accounts_are_made_where_anybody_may(
    client: Client, provider: Provider, settings: SettingsWrapper, policy: str, site: str
) -> None:
    settings.OIDC = replace(settings.OIDC, sign_up=policy)
    settings.SIGN_UP = site
    assert sign_in(client).status_code == 302


def test_an_invitation_goes_along_and_is_spent(
    client: Client, provider: Provider, settings: SettingsWrapper
) -> None:
    settings.OIDC = replace(settings.OIDC, sign_up="site")
    settings.SIGN_UP = "invitation"
    invitation = Invitation.objects.create()
    page = client.get(reverse("accounts:invited", args=[invitation.link_part])).content.decode()
    query = urlencode({"invitation": invitation.link_part})
    assert f"{START}?{query}" in page
    assert sign_in(client, invitation=invitation.link_part).status_code == 302
    invitation.refresh_from_db()
    assert invitation.uses == 1
    provider.claims |= {"sub": "1002", "email": "bob@example.org"}
    refused(sign_in(Client(), invitation=invitation.link_part), 403, "takes an invitation")


def test_who_is_switched_off_stays_out(client: Client, provider: Provider) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    assert client.get("/usage/").status_code == 302
    refused(sign_in(Client()), 403, "Your account is switched off")
    ProviderAccount.objects.all().delete()
    refused(sign_in(Client()), 403, "Your account is switched off")


def test_two_at_the_provider_are_not_one_here(client: Client, provider: Provider) -> None:
    sign_in(client)
    provider.claims |= {"sub": "1002"}
    refused(sign_in(Client()), 409, "connected to another account at Example ID")


def meanwhile_does(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Lets something happen between the look whether there is an account and its making."""
    look = people._by_address

    def slow_look(*told: Any) -> User | None:
        found = look(*told)
        monkeypatch.setattr(people, "_by_address", look)
        meanwhile()
        return found

    monkeypatch.setattr(people, "_by_address", slow_look)


def test_a_first_sign_in_twice_at_once_makes_one_account(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Client()
    meanwhile_does(monkeypatch, lambda: sign_in(other))
    assert sign_in(client).status_code == 302
    assert who(client) == who(other) == User.objects.get()
    assert ProviderAccount.objects.count() == 1


def test_a_first_sign_in_twice_at_once_takes_one_invitation(
    client: Client, provider: Provider, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OIDC, settings.SIGN_UP = replace(settings.OIDC, sign_up="site"), "invitation"
    link = Invitation.objects.create().link_part
    other = Client()
    meanwhile_does(monkeypatch, lambda: sign_in(other, invitation=link))
    assert sign_in(client, invitation=link).status_code == 302
    assert who(client) == who(other) == User.objects.get()
    assert Invitation.objects.get().uses == 1


def test_an_account_that_is_there_but_never_found_is_refused_in_the_end(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("ann@example.org")
    monkeypatch.setattr(people, "_by_address", lambda *_: None)
    refused(sign_in(client), 400, "That sign-in is over")


def test_of_two_first_sign_ins_at_once_with_one_address_one_is_refused(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Client()

    def meanwhile() -> None:
        provider.claims |= {"sub": "1002"}
        sign_in(other)

    meanwhile_does(monkeypatch, meanwhile)
    refused(sign_in(client), 409, "connected to another account at Example ID")
    assert who(other) == User.objects.get()


def test_an_account_that_is_made_here_meanwhile_is_connected(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile_does(monkeypatch, lambda: person("ann@example.org"))
    assert sign_in(client).status_code == 302
    assert who(client) == User.objects.get()


@pytest.mark.parametrize("claim", ["groups", "realm_access.roles", "https://example.org/roles"])
def test_a_claim_makes_people_staff_and_takes_it_back(
    client: Client, provider: Provider, settings: SettingsWrapper, claim: str
) -> None:
    settings.OIDC = replace(settings.OIDC, staff=(claim, "recon"))
    outer, _, inner = claim.partition(".") if claim == "realm_access.roles" else (claim, "", "")
    provider.claims[outer] = {inner: ["x", "recon"]} if inner else ["x", "recon"]
    sign_in(client)
    assert User.objects.get().is_staff
    assert not User.objects.get().is_superuser
    provider.claims[outer] = {inner: ["reconnaissance"]} if inner else "reconnaissance"
    sign_in(client)
    assert not User.objects.get().is_staff
    User.objects.update(is_superuser=True, is_staff=True)
    sign_in(client)
    assert User.objects.get().is_staff, "superusers are made by hand"


# --- What the provider may get wrong ---


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"iss": "https://elsewhere.example"},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"exp": 1_000_000_000},
        {"iat": 32_000_000_000},
        {"sub": ""},
    ],
)
def test_an_id_token_that_is_not_for_this_sign_in_opens_nothing(
    client: Client, provider: Provider, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    refused(sign_in(client), 502, "in a way that we can’t use")
    assert who(client) is None
    assert not User.objects.exists()


def test_only_the_provider_s_keys_sign(client: Client, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    refused(sign_in(client), 502, "in a way that we can’t use")


def test_a_shared_secret_signs_nothing(client: Client, provider: Provider) -> None:
    """A client's secret is known to others than the provider."""
    provider.algorithm = "HS256"
    provider.signs_with = OctKey.import_key(CLIENT_SECRET * 2, {"kid": "first"})
    refused(sign_in(client), 502, "in a way that we can’t use")


def test_what_is_not_signed_opens_nothing(client: Client, provider: Provider) -> None:
    provider.algorithm = "none"
    refused(sign_in(client), 502, "in a way that we can’t use")


def test_a_new_key_is_fetched_when_it_is_used(client: Client, provider: Provider) -> None:
    sign_in(client)
    old, provider.key = provider.key, RSAKey.generate_key(2048, {"kid": "second"})
    assert sign_in(client).status_code == 302
    provider.key = old


def test_a_description_of_another_issuer_is_refused(client: Client, provider: Provider) -> None:
    provider.metadata = {"issuer": "https://elsewhere.example"}
    refused(client.get(START), 502, "in a way that we can’t use")


@pytest.mark.parametrize(("status", "said"), [(503, 503), (404, 502)])
@pytest.mark.parametrize("where", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_fails_is_said_to(
    client: Client,
    provider: Provider,
    where: str,
    status: int,
    said: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider.answers[where] = status
    answer = client.get(START)
    if where != "/.well-known/openid-configuration":
        answer = sign_in(client)
    assert answer.status_code == said
    assert answer.headers.get("Retry-After") == ("30" if said == 503 else None)
    provider.answers.clear()
    if where == "/.well-known/openid-configuration":
        assert client.get(START).status_code == 503, "for a moment it is not even asked"
        now = time.monotonic() + provider_client.AWAY_S
        monkeypatch.setattr(time, "monotonic", lambda: now)
    assert sign_in(client).status_code == 302, "it is asked again"


def test_nobody_has_the_site_ask_the_provider_without_end(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(sign_in_limits.BY_PROVIDER, amount=4)
    monkeypatch.setattr(sign_in_limits, "BY_PROVIDER", few)
    assert sign_in(client).status_code == 302
    back = at_provider(client)
    assert client.get(back).status_code == 302
    answer = client.get(START)
    assert answer.status_code == 429
    assert "Too many sign-ins from your network." in answer.content.decode()


def test_a_provider_that_is_away_is_said_to(
    client: Client, provider: Provider, settings: SettingsWrapper
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.OIDC = replace(settings.OIDC, issuer=f"http://127.0.0.1:{free.getsockname()[1]}")
    refused(client.get(START), 503, "Example ID can’t be reached")


def test_the_wrong_secret_is_a_matter_for_the_log(
    client: Client, provider: Provider, settings: SettingsWrapper, caplog: Any
) -> None:
    settings.OIDC = replace(settings.OIDC, client_secret="another")
    refused(sign_in(client), 502, "in a way that we can’t use")
    assert "invalid_client" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"), [("access_denied", 403), ("temporarily_unavailable", 503)]
)
def test_whoever_turns_back_at_the_provider_can_begin_again(
    client: Client, provider: Provider, error: str, status: int
) -> None:
    provider.refuses = error
    assert sign_in(client).status_code == status
    provider.refuses = ""
    assert sign_in(client).status_code == 302


# --- What comes back ---


def test_what_was_begun_in_another_browser_ends_nowhere(client: Client, provider: Provider) -> None:
    back = at_provider(client)
    refused(Client().get(back), 400, "That sign-in is over")
    assert client.get(back).status_code == 302, "it is still good where it was begun"


def test_what_came_back_is_used_once(client: Client, provider: Provider) -> None:
    back = at_provider(client)
    cookie = client.cookies[flows.COOKIE].value
    assert client.get(back).status_code == 302
    refused(client.get(back), 400, "That sign-in is over")
    client.cookies[flows.COOKIE] = cookie
    refused(client.get(back), 400, "That sign-in is over")  # the provider has forgotten its code


@pytest.mark.parametrize("query", ["", "?state=&code=x", "?code=x&state=made-up", "?error=x"])
def test_an_address_that_somebody_made_up(client: Client, provider: Provider, query: str) -> None:
    refused(client.get(CALLBACK + query), 400, "That sign-in is over")


def test_an_answer_of_another_provider_is_refused(client: Client, provider: Provider) -> None:
    """Of two that a person uses, one may send them back with the other's code."""
    back = at_provider(client).replace(urlencode({"iss": provider.url}), "iss=https://evil.example")
    refused(client.get(back), 502, "in a way that we can’t use")


def test_a_sign_in_that_took_too_long(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = at_provider(client)
    now = time.time() + flows.VALID_S + 5
    monkeypatch.setattr(time, "time", lambda: now)
    refused(client.get(back), 400, "That sign-in is over")


def test_it_never_leads_to_another_site(client: Client, provider: Provider) -> None:
    assert sign_in(client, next="https://evil.example/").url == reverse("recon:gallery")


def test_beginning_leaves_no_row(
    client: Client, provider: Provider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        client.get(START)
    cookie = client.cookies[flows.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/accounts/")


def test_what_is_asked_of_the_provider(client: Client, provider: Provider) -> None:
    sign_in(client)
    asked = provider.asked[0]
    assert asked["redirect_uri"] == "http://localhost:8000/accounts/provider/callback/"
    assert asked["scope"] == "openid email profile"
    assert len(asked["nonce"]) >= 20
    assert "prompt" not in asked


def test_without_a_provider_there_is_nothing_there(client: Client) -> None:
    for name in ("provider", "provider_callback", "provider_sign_out"):
        assert client.get(reverse(f"accounts:{name}")).status_code == 404
    browser = browser_of(person())
    assert browser.post(reverse("accounts:provider_connect")).status_code == 404
    assert "Continue with" not in client.get("/accounts/sign-in/").content.decode()
