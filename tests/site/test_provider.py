"""Signing in at a provider, over HTTP to a real one (`oidc_provider`)."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from joserfc.jwk import OctKey, RSAKey
from pytest_django.fixtures import SettingsWrapper

from accounts import letters, sign_in_limits
from accounts.models import ApiToken, Invitation, ProviderAccount, SecondFactor, User
from accounts.provider import client as provider_client
from accounts.provider import environment as provider_environment
from accounts.provider import flows
from accounts.provider.environment import Oidc
from accounts.second_factor import codes
from tests.site.making import PASSWORD, browser_of, person, token_of
from tests.site.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

ANN = {"sub": "1001", "email": "ann@example.org", "email_verified": True}
START, CALLBACK = "/accounts/provider/", "/accounts/provider/callback/"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first"})


@pytest.fixture
def provider(settings: SettingsWrapper, key: RSAKey) -> Iterator[Provider]:
    with running(Provider(claims=dict(ANN), key=key)) as provider:
        settings.OIDC = Oidc(
            issuer=provider.url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            name="Example ID",
            sign_up="on",
            email_domains=(),
            trust_email=False,
            staff=None,
            second_factor="ask",
        )
        provider_client.forget()
        yield provider
    provider_client.forget()


def at_provider(browser: Client, **query: str) -> str:
    """Presses the button, signs in there, and is sent back: the address for `browser`."""
    away = browser.get(START, query)
    assert away.status_code == 302, away.content.decode()
    there = HTTPConnection(urlsplit(away.url).netloc, timeout=10)
    there.request("GET", away.url)
    back = there.getresponse()
    assert back.status == 302
    parts = urlsplit(back.headers["Location"])
    there.close()
    assert parts.path == CALLBACK
    return f"{parts.path}?{parts.query}"


def sign_in(browser: Client, **query: str) -> HttpResponse:
    return browser.get(at_provider(browser, **query))


def who(browser: Client) -> User | None:
    return User.objects.filter(pk=browser.session.get("_auth_user_id", 0)).first()


def refused(answer: HttpResponse, status: int, said: str) -> None:
    text = answer.content.decode()
    assert answer.status_code == status, text
    assert said in text
    assert "Back to sign-in" in text or "Back to your account" in text


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


# --- Connecting an account that is signed in ---


def connect(browser: Client, password: str = PASSWORD) -> HttpResponse:
    page = browser.get(at_provider(browser, **{"for": "connect"}))
    assert page.status_code == 200
    assert not ProviderAccount.objects.exists(), "the person is asked first"
    return browser.post("/accounts/provider/connect/", {"password": password})


def test_an_account_is_connected_from_its_page_with_the_password(provider: Provider) -> None:
    """Whatever the address at the provider, confirmed or not."""
    provider.claims |= {"email": "private@example.com", "email_verified": False}
    ann = person()
    browser = browser_of(ann)
    assert connect(browser, "wrong").status_code == 400
    assert not ProviderAccount.objects.exists()
    assert browser.post("/accounts/provider/connect/", {"password": PASSWORD}).status_code == 302
    assert ProviderAccount.objects.get().user == ann
    other = Client()
    sign_in(other)
    assert who(other) == ann


def test_nothing_is_connected_that_nobody_brought(provider: Provider) -> None:
    answer = browser_of(person()).post("/accounts/provider/connect/", {"password": PASSWORD})
    refused(answer, 400, "That sign-in is over")


def test_what_is_another_s_is_not_connected(client: Client, provider: Provider) -> None:
    sign_in(client)
    browser = browser_of(person("bob@example.org"))
    browser.get(at_provider(browser, **{"for": "connect"}))
    answer = browser.post("/accounts/provider/connect/", {"password": PASSWORD})
    refused(answer, 409, "already connected to another account")
    assert ProviderAccount.objects.get().user == who(client)


def test_an_account_is_disconnected_unless_that_is_the_only_way_in(provider: Provider) -> None:
    browser = browser_of(person())
    connect(browser)
    browser.post("/accounts/provider/disconnect/")
    assert not ProviderAccount.objects.exists()
    only = Client()
    provider.claims |= {"sub": "1002", "email": "bob@example.org"}
    sign_in(only)
    page = only.post("/accounts/provider/disconnect/", follow=True).content.decode()
    assert "without Example ID you could not sign in" in page
    assert ProviderAccount.objects.exists()


# --- Accounts without a password ---

SERIOUS = ["/accounts/email/", "/accounts/password/", "/accounts/delete/"]


@pytest.mark.parametrize("address", SERIOUS)
def test_something_serious_takes_a_sign_in_of_just_now(
    client: Client, provider: Provider, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    assert client.get(address).status_code == 200
    session = client.session
    session["signed_in_at"] = time.time() - 601
    session.save()
    page = client.get(address)
    assert page.status_code == 403
    assert client.post(address, {"x": "y"}).status_code == 403
    assert User.objects.exists()
    again = f"{START}?for=again&amp;next={address}"
    assert again in page.content.decode()
    back = at_provider(client, **{"for": "again", "next": address})
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    assert client.get(back).url == address
    assert client.get(address).status_code == 200


def test_signing_in_again_is_by_the_same_person_and_asked_for(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    provider.wrong = {"auth_time": int(time.time()) - 3600}
    refused(client.get(at_provider(client, **{"for": "again"})), 403, "did not ask you to sign in")
    provider.wrong = {}
    provider.claims |= {"sub": "1002", "email": "bob@example.org"}
    refused(client.get(at_provider(client, **{"for": "again"})), 403, "That was another account")
    back = at_provider(client, **{"for": "again"})
    client.logout()
    refused(client.get(back), 400, "That sign-in is over")


def test_they_may_set_a_password_and_leave(client: Client, provider: Provider) -> None:
    sign_in(client)
    new = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/accounts/password/", new).status_code == 302
    assert User.objects.get().check_password(PASSWORD)
    other = Client()
    sign_in(other)
    assert other.post("/accounts/delete/", {"password": PASSWORD}).status_code == 302
    assert not User.objects.exists()
    assert not ProviderAccount.objects.exists()


def test_who_has_no_password_deletes_their_account_after_a_sign_in(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    assert client.post("/accounts/delete/", {"sure": "yes"}).status_code == 302
    assert not User.objects.exists()


def test_changing_a_wish_does_not_end_tokens_of_those_without_a_password() -> None:
    ann = User.objects.create_user("ann@example.org")
    token_of(ann)
    browser = browser_of(ann)
    wishes = {"language": "ko", "time_zone": ""}
    assert browser.post("/accounts/preferences/", wishes).status_code == 302
    assert ApiToken.objects.count() == 1
    ann = User.objects.get()
    ann.set_unusable_password()
    ann.save()
    assert ApiToken.objects.count() == 0, "taking the password away does"


# --- Sites without passwords ---


@pytest.fixture
def no_passwords(provider: Provider, settings: SettingsWrapper) -> None:
    settings.SIGN_IN_WITH_PASSWORD = False


@pytest.mark.usefixtures("no_passwords", "mail_set_up")
def test_no_password_opens_anything(client: Client) -> None:
    ann = person()
    page = client.get("/accounts/sign-in/?next=/usage/").content.decode()
    assert 'type="password"' not in page
    assert f"{START}?next=/usage/" in page
    credentials = {"username": ann.email, "password": PASSWORD}
    assert client.post("/accounts/sign-in/", credentials).status_code == 403
    assert client.post("/admin/login/", credentials).status_code == 302
    assert client.post("/accounts/sign-up/", {"email": "b@example.org"}).status_code == 403
    assert client.get("/accounts/reset/").status_code == 403
    assert client.post("/accounts/reset/", {"email": ann.email}).status_code == 403
    assert client.get("/accounts/confirm/x/").status_code == 403
    assert client.login(username=ann.email, password=PASSWORD), "a command may check one"
    assert who(client) == ann
    assert client.get("/accounts/password/").status_code == 403
    assert mail.outbox == []


@pytest.mark.usefixtures("no_passwords")
def test_the_sign_up_page_leads_to_the_provider(client: Client) -> None:
    page = client.get("/accounts/sign-up/").content.decode()
    assert "Continue with Example ID" in page
    assert "<input" not in page.partition("<main")[2].partition("</main")[0]


@pytest.mark.usefixtures("no_passwords")
def test_a_superuser_gets_in_by_the_command_line(client: Client, capsys: Any) -> None:
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    call_command("sign_in_link", "Boss@example.org")
    link = urlsplit(capsys.readouterr().out.strip()).path
    page = client.get(link)
    assert page.status_code == 200
    assert who(client) is None, "a look signs nobody in"
    assert client.post(link).status_code == 302
    assert who(client) == boss
    assert Client().post(link).status_code == 410
    person("ann@example.org")
    with pytest.raises(CommandError, match=r"There are: boss@example\.org"):
        call_command("sign_in_link", "ann@example.org")


def test_an_emergency_link_ends(client: Client, capsys: Any, monkeypatch: Any) -> None:
    boss = person("boss@example.org", is_superuser=True)
    call_command("sign_in_link", boss.email)
    link = urlsplit(capsys.readouterr().out.strip()).path
    assert client.post("/accounts/link/made-up/").status_code == 410
    User.objects.update(is_superuser=False)
    assert client.post(link).status_code == 410
    User.objects.update(is_superuser=True)
    now = time.time() + 16 * 60
    monkeypatch.setattr(time, "time", lambda: now)
    assert client.post(link).status_code == 410


# --- The second factor, and the way out ---


@pytest.mark.parametrize(
    ("setting", "amr", "asked"),
    [
        ("ask", ["mfa"], True),
        ("amr", ["pwd"], True),
        ("amr", ["hwk"], True),
        ("amr", ["mfa"], False),
        ("amr", ["pwd", "otp"], False),
        ("provider", [], False),
    ],
)
def test_ours_is_asked_for_unless_the_provider_did(
    client: Client,
    provider: Provider,
    settings: SettingsWrapper,
    setting: str,
    amr: object,
    asked: bool,
) -> None:
    sign_in(client)
    codes.switch_on(User.objects.get(), secret := codes.new_secret(), code_of(secret))
    assert SecondFactor.objects.exists()
    settings.OIDC = replace(settings.OIDC, second_factor=setting)
    provider.claims |= {"amr": amr}
    other = Client()
    answer = sign_in(other, next="/usage/")
    assert answer.url == (reverse("accounts:second_step") if asked else "/usage/")
    assert (who(other) is None) == asked


def code_of(secret: str) -> str:
    import pyotp

    return pyotp.TOTP(secret).now()


def test_a_factor_at_the_provider_opens_staff_pages(
    client: Client, provider: Provider, settings: SettingsWrapper
) -> None:
    settings.STAFF_NEED_TOTP = True
    settings.OIDC = replace(settings.OIDC, second_factor="amr", staff=("groups", "recon"))
    provider.claims |= {"groups": ["recon"], "amr": ["pwd"]}
    sign_in(client)
    assert client.get("/admin/").status_code == 403
    provider.claims |= {"amr": ["mfa"]}
    sign_in(client)
    assert client.get("/admin/").status_code == 200


def test_signing_out_offers_to_sign_out_there_too(client: Client, provider: Provider) -> None:
    sign_in(client)
    done = client.post("/accounts/sign-out/", follow=True)
    assert "Sign out at Example ID" in done.content.decode()
    there = urlsplit(client.get("/accounts/provider/sign-out/").url)
    query = parse_qs(there.query)
    assert there.path == "/end"
    assert query["client_id"] == [CLIENT_ID]
    assert query["post_logout_redirect_uri"] == ["http://localhost:8000/"]
    provider.metadata = {"end_session_endpoint": None}
    provider_client.forget()
    assert client.get("/accounts/provider/sign-out/").url == "/"


def test_staff_see_who_is_connected(client: Client, provider: Provider) -> None:
    sign_in(client)
    boss = browser_of(person("boss@example.org", is_staff=True, is_superuser=True))
    page = boss.get("/admin/accounts/provideraccount/?q=ann@")
    assert "1001" in page.content.decode()
    assert timezone.now() >= ProviderAccount.objects.get().connected_at


# --- Settings ---


def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> Oidc | None:
    for name, value in values.items():
        monkeypatch.setenv(f"OIDC_{name}", value)
    return provider_environment.read()


def test_the_environment_describes_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_environment.read() is None
    found = environment(
        monkeypatch,
        ISSUER="https://id.example.org/realms/lab/",
        CLIENT_ID="recon",
        EMAIL_DOMAINS="Example.org, @lab.example.org",
        STAFF="groups = recon-staff",
    )
    assert found is not None
    assert (found.issuer, found.name) == ("https://id.example.org/realms/lab", "id.example.org")
    assert found.email_domains == ("example.org", "lab.example.org")
    assert found.staff == ("groups", "recon-staff")
    assert (found.sign_up, found.second_factor, found.trust_email) == ("site", "ask", False)


@pytest.mark.parametrize(
    "values",
    [
        {"ISSUER": "https://id.example.org"},
        {"CLIENT_ID": "recon"},
        {"ISSUER": "http://id.example.org", "CLIENT_ID": "recon"},
        {"ISSUER": "https://id.example.org", "CLIENT_ID": "recon", "STAFF": "admins"},
        {"ISSUER": "https://id.example.org", "CLIENT_ID": "recon", "SIGN_UP": "maybe"},
    ],
)
def test_half_a_provider_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_"):
        environment(monkeypatch, **values)


@pytest.mark.slow
def test_what_only_these_pages_need_is_not_loaded_at_the_start() -> None:
    """`make run` starts several processes, and each would load it."""
    code = (
        "import django, sys; django.setup(); import instarecon_site.urls; "
        "print(sorted({'authlib', 'joserfc', 'requests', 'pyotp', 'cryptography.fernet'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
