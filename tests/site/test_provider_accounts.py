"""Accounts of people who sign in at a provider: connecting, no password, the second factor."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts.models import ApiToken, ProviderAccount, SecondFactor, User
from accounts.provider import client as provider_client
from accounts.provider import environment as provider_environment
from accounts.provider.environment import Oidc
from accounts.second_factor import codes
from tests.site.making import PASSWORD, browser_of, person, token_of
from tests.site.oidc_provider import CLIENT_ID, Provider
from tests.site.provider_sign_in import START, at_provider, refused, sign_in, who

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

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
