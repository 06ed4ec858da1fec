"""Limits: how often each thing may be done, by whom, and that no honest person is locked out."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.tokens import default_token_generator
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django.fixtures import SettingsWrapper
from redis import Redis

from accounts import networks, sign_in_limits, throttling
from accounts.backends import ThrottledBackend
from accounts.models import Letter, User
from accounts.throttling import Counter, Limit, TooMany
from recon.api import auth
from recon.jobs import sharing
from recon.models import Job
from recon.web import link_throttle
from tests.site.making import PASSWORD, browser_of, finished_job, person, photos, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

THREE = Limit("sign_in", 3, 60)


@pytest.fixture
def behind_proxy(settings: SettingsWrapper) -> None:
    """Visitors come from wherever X-Forwarded-For says."""
    settings.TRUST_PROXY = True


def from_(address: str) -> dict[str, str]:
    return {"HTTP_X_FORWARDED_FOR": address}


def sign_in(email: str, word: str = "a guess", client: Client | None = None, **at: str) -> int:
    data = {"username": email, "password": word}
    return (client or Client()).post(reverse("accounts:sign_in"), data, **at).status_code


# --- The counters ---


@pytest.fixture(params=["redis", "own"])
def store(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue("redis_queue" if request.param == "redis" else "no_redis")
    return str(request.param)


def test_of_many_at_once_no_more_than_the_limit_get_through(store: str) -> None:
    def once(_: int) -> bool:
        try:
            throttling.spend([Counter(THREE, "ann")])
        except TooMany as too_many:
            waits.append(too_many.wait_s)
            return False
        return True

    waits: list[int] = []

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(once, range(40))) == 3
    assert {59, 60} >= set(waits)
    throttling.spend([Counter(THREE, "bob")])
    throttling.forget([Counter(THREE, "ann")])
    throttling.check([Counter(THREE, "ann")])


def test_web_processes_count_together_through_redis(redis_queue: Redis) -> None:
    for _ in range(3):
        throttling.spend([Counter(THREE, "ann")])
    throttling._own().storage.reset()  # as another process, which has counted nothing itself
    throttling._shared.cache_clear()
    with pytest.raises(TooMany):
        throttling.check([Counter(THREE, "ann")])


def test_the_store_knows_neither_people_nor_addresses(client: Client, redis_queue: Redis) -> None:
    sign_in("ann@example.org", client=client)
    keys = [key.decode() for key in redis_queue.scan_iter()]
    assert any(key.startswith("limits:") for key in keys)
    assert not [key for key in keys if "ann" in key or "127.0.0.1" in key]


def test_without_redis_each_process_counts_for_itself_and_no_page_fails(
    client: Client, no_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        codes = [sign_in("ann@example.org", client=client) for _ in range(7)]
    assert codes[-1] == 429
    told = [r for r in caplog.records if "counted by each web process" in r.message]
    assert len(told) == 1, "Redis is not tried again for a while"


# --- Signing in ---


def test_a_wrong_password_for_an_unknown_address_costs_a_hash_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("ann@example.org")
    made: list[str] = []
    hasher = type(hashers.get_hasher())
    encode = hasher.encode

    def counted(self: Any, word: str, salt: str) -> Any:
        made.append(word)
        return encode(self, word, salt)

    monkeypatch.setattr(hasher, "encode", counted)
    counts = []
    for email in ("ann@example.org", "nobody@example.org"):
        made.clear()
        sign_in(email, client=client)
        counts.append(len(made))
    assert counts == [1, 1]


def test_of_many_guesses_at_once_few_are_told_how_they_did(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_there = threading.Barrier(20)

    def wrong(*_: Any, **__: Any) -> None:
        all_there.wait(30)

    monkeypatch.setattr(ModelBackend, "authenticate", wrong)
    request = RequestFactory().post("/")

    def guess(number: int) -> bool:
        try:
            ThrottledBackend().authenticate(request, "ann@example.org", f"guess {number}")
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(guess, range(20))) <= 5


@pytest.fixture
def few_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limit("sign_in_by_address", 20, 15 * 60) == sign_in_limits.SIGN_IN_BY_ADDRESS
    monkeypatch.setattr(
        sign_in_limits, "SIGN_IN_BY_ADDRESS", Limit("sign_in_by_address", 4, 15 * 60)
    )


def test_guessing_at_many_accounts_from_one_address_ends_soon(few_by_network: None) -> None:
    codes = [sign_in(f"person{number}@example.org") for number in range(6)]
    assert codes == [400] * 3 + [429] * 3, "the one at the limit is not told how it did"
    person("ann@example.org")
    assert sign_in("ann@example.org", PASSWORD) == 429


def test_a_network_of_ipv6_counts_as_one(behind_proxy: None, few_by_network: None) -> None:
    codes = [sign_in(f"p{n}@example.org", **from_(f"2001:db8:0:1::{n:x}")) for n in range(5)]
    assert codes[-1] == 429
    assert sign_in("p1@example.org", **from_("2001:db8:0:2::1")) == 400
    assert sign_in("p1@example.org", **from_("192.0.2.1")) == 400


def test_many_networks_of_one_customer_count_together_too(
    behind_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limits, "SIGN_IN_BY_ADDRESS", Limit("sign_in_by_address", 2, 60))
    codes = [sign_in(f"p{n}@example.org", **from_(f"2001:db8:7:{n:x}::1")) for n in range(17)]
    assert codes == [400] * 15 + [429] * 2, "eight times the limit of one network"
    assert sign_in("p1@example.org", **from_("2001:db8:8::1")) == 400


def test_a_proxy_that_is_not_trusted_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    networks._tell_of_proxy.cache_clear()
    for _ in range(2):
        assert networks.network(RequestFactory().get("/", **from_("192.0.2.7"))) == "127.0.0.1"
    assert caplog.text.count("TRUST_PROXY is off") == 1


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]:4711", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_a_proxy_may_write_an_address_in_any_way(
    behind_proxy: None, written: str, counted: str
) -> None:
    assert networks.network(RequestFactory().get("/", **from_(written))) == counted


@pytest.fixture
def few_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "SIGN_IN_BY_ACCOUNT", Limit("sign_in_by_account", 8, 3600))


def test_guessing_at_one_account_from_many_addresses_ends_and_its_owner_still_gets_in(
    behind_proxy: None, few_by_account: None
) -> None:
    person("ann@example.org")
    home, phone = Client(), Client()
    assert sign_in("ann@example.org", PASSWORD, home, **from_("203.0.113.5")) == 302
    home.post(reverse("accounts:sign_out"))
    codes = [sign_in("ann@example.org", **from_(f"198.51.100.{n}")) for n in range(9)]
    assert codes == [400] * 7 + [429] * 2
    assert sign_in("ann@example.org", PASSWORD, phone, **from_("203.0.113.6")) == 429
    # A browser that has been here before is not affected by what others do, wherever it is.
    assert sign_in("ann@example.org", PASSWORD, home, **from_("198.51.100.1")) == 302


def test_a_known_browser_is_limited_by_itself(client: Client) -> None:
    person("ann@example.org")
    assert sign_in("ann@example.org", PASSWORD, client) == 302
    client.post(reverse("accounts:sign_out"))
    codes = [sign_in("ann@example.org", f"guess {n}", client) for n in range(7)]
    assert codes == [400] * 5 + [429] * 2
    # Its cookie gives no way into another account.
    person("bob@example.org")
    codes = [sign_in("bob@example.org", f"guess {n}", client) for n in range(7)]
    assert codes == [400] * 5 + [429] * 2


def test_a_made_up_cookie_makes_no_known_browser(client: Client, few_by_network: None) -> None:
    client.cookies["instarecon_device"] = "eyJhbm4iOiJ4In0:1abcde:forged"
    codes = [sign_in(f"person{number}@example.org", client=client) for number in range(5)]
    assert codes[-1] == 429


def test_an_account_of_one_s_own_does_not_reset_the_count(few_by_network: None) -> None:
    person("mallory@example.org")
    for number in range(3):
        sign_in(f"person{number}@example.org")
    assert sign_in("mallory@example.org", PASSWORD) == 302
    assert sign_in("ann@example.org") == 429


def test_the_password_mail_lets_its_owner_in_past_other_people_s_guessing(
    client: Client, behind_proxy: None, few_by_account: None
) -> None:
    ann = person("ann@example.org")
    for n in range(9):
        sign_in("ann@example.org", **from_(f"198.51.100.{n}"))
    assert sign_in("ann@example.org", PASSWORD, client, **from_("203.0.113.5")) == 429
    link = [urlsafe_base64_encode(force_bytes(ann.pk)), default_token_generator.make_token(ann)]
    page = client.get(reverse("accounts:password_reset_confirm", args=link), follow=True)
    new = {"new_password1": "staple gun waltz", "new_password2": "staple gun waltz"}
    assert client.post(page.redirect_chain[-1][0], new).status_code == 302
    assert sign_in("ann@example.org", "staple gun waltz", client, **from_("203.0.113.5")) == 302


def test_a_stolen_session_can_not_try_all_passwords_for_a_change(client: Client) -> None:
    thief = browser_of(person("ann@example.org"))
    new = {"new_password1": "staple gun waltz", "new_password2": "staple gun waltz"}
    codes = [
        thief.post(reverse("accounts:password_change"), {"old_password": f"guess {n}", **new})
        for n in range(7)
    ]
    assert [code.status_code for code in codes] == [400] * 5 + [429] * 2
    assert User.objects.get().check_password(PASSWORD)


def test_the_page_says_how_long_to_wait(client: Client) -> None:
    for number in range(7):
        answer = client.post(
            reverse("accounts:sign_in"), {"username": "ann@example.org", "password": f"{number}"}
        )
    assert "Too many wrong passwords. Try again in 15 minutes." in answer.content.decode()
    assert "Reset your password" in answer.content.decode()
    korean = client.post(
        reverse("accounts:sign_in"),
        {"username": "ann@example.org", "password": "x"},
        headers={"Accept-Language": "ko"},
    )
    assert "15분 뒤에" in korean.content.decode()


# --- Signing up, and mails ---


def sign_up(number: int, **at: str) -> int:
    data = {"email": f"new{number}@example.org", "password": "correct horse battery"}
    return Client().post(reverse("accounts:sign_up"), data, **at).status_code


def test_one_network_makes_few_accounts_an_hour(
    behind_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [sign_up(number, **from_("192.0.2.1")) for number in range(12)]
    assert codes == [302] * 5 + [429] * 7
    assert User.objects.count() == 5
    assert sign_up(61, **from_("192.0.2.2")) == 302
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3601)
    assert [sign_up(70 + n, **from_("192.0.2.1")) for n in range(6)] == [302] * 5 + [429]
    monkeypatch.setattr(time, "time", lambda: now() + 2 * 3601)
    assert sign_up(80, **from_("192.0.2.1")) == 429, "ten a day"


def test_sign_up_does_not_tell_without_end_who_has_an_account() -> None:
    person("ann@example.org")
    data = {"email": "ann@example.org", "password": "short"}
    codes = [Client().post(reverse("accounts:sign_up"), data).status_code for _ in range(7)]
    assert codes == [400] * 5 + [429] * 2


def test_typing_a_weak_password_costs_nothing(client: Client) -> None:
    data = {"email": "ann@example.org", "password": "short"}
    for _ in range(8):
        assert client.post(reverse("accounts:sign_up"), data).status_code == 400


def ask_for_reset(email: str, **at: str) -> int:
    return Client().post(reverse("accounts:password_reset"), {"email": email}, **at).status_code


@pytest.mark.usefixtures("mail_set_up")
def test_one_person_gets_few_mails_whoever_asks(behind_proxy: None) -> None:
    person("ann@example.org")
    codes = {ask_for_reset("ann@example.org", **from_(f"192.0.2.{n}")) for n in range(8)}
    assert codes == {302}, "all are answered alike"
    assert Letter.objects.count() == 3
    ask_for_reset("ANN@example.org", **from_("192.0.2.99"))
    assert Letter.objects.count() == 3


@pytest.mark.usefixtures("mail_set_up")
def test_one_network_asks_for_few_mails(behind_proxy: None) -> None:
    codes = [ask_for_reset(f"p{n}@example.org", **from_("192.0.2.1")) for n in range(12)]
    assert codes == [302] * 10 + [429] * 2
    assert ask_for_reset("p1@example.org", **from_("192.0.2.2")) == 302


# --- Links ---

WORD = "under the mat"


def locked_job(email: str = "ann@example.org") -> Job:
    return finished_job(person(email), shared=True, share_password=sharing.hash_password(WORD))


def test_of_forty_guesses_at_once_no_more_than_six_are_told_how_they_did(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All forty have passed the first check of the counters before the first is counted."""
    job, request = locked_job(), RequestFactory().get("/")
    all_there = threading.Barrier(40)
    right = sharing.password_is_right

    def slowly(job: Job, word: str) -> bool:
        all_there.wait(30)
        return right(job, word)

    monkeypatch.setattr(sharing, "password_is_right", slowly)

    def guess(number: int) -> bool | None:
        try:
            return link_throttle.password_is_right(request, job, f"guess {number}")
        except TooMany:
            return None

    with ThreadPoolExecutor(40) as threads:
        told = list(threads.map(guess, range(40)))
    # Fewer if the forty use up their network's limit before one of the six is counted there.
    assert 1 <= told.count(False) <= 6
    assert told.count(True) == 0


def test_a_program_that_knows_the_password_may_ask_for_many_files_at_once() -> None:
    job, request = locked_job(), RequestFactory().get("/")
    with ThreadPoolExecutor(20) as threads:
        told = threads.map(lambda _: link_throttle.password_is_right(request, job, WORD), range(60))
        assert all(told)


def enter(job: Job, word: str, client: Client | None = None, **at: str) -> int:
    address = reverse("recon:enter", args=(job.share.key,))
    return (client or Client()).post(address, {"password": word}, **at).status_code


def test_guessing_at_many_links_from_one_address_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_throttle, "LINK_BY_ADDRESS", Limit("link_by_address", 4, 900))
    jobs = [locked_job(f"p{number}@example.org") for number in range(3)]
    codes = [enter(job, f"guess {n}") for job in jobs for n in range(2)]
    assert codes == [403] * 4 + [429] * 2


def test_guessing_at_a_link_from_many_addresses_ends_and_who_knows_it_stays(
    behind_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_throttle, "LINK_IN_ALL", Limit("link_in_all", 8, 3600))
    job, friend = locked_job(), Client()
    assert enter(job, WORD, friend) == 302
    codes = [enter(job, "a guess", **from_(f"198.51.100.{n}")) for n in range(9)]
    assert codes == [403] * 8 + [429]
    assert friend.get(reverse("recon:public_splat", args=(job.share.key,))).status_code == 200


# --- Uploads and calls ---


def test_uploads_are_limited_for_each_person(settings: SettingsWrapper, redis_queue: Redis) -> None:
    settings.UPLOADS_AN_HOUR = 2
    ann, bob = browser_of(person("ann@example.org")), browser_of(person("bob@example.org"))
    address = reverse("recon:upload")
    asks = {"headers": {"Accept": "application/json"}}
    for _ in range(2):
        assert ann.post(address, {"photos": photos(1)}, **asks).status_code == 400
    answer = ann.post(address, {"photos": photos(3)}, **asks)
    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_requests"
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    page = ann.post(address, {"photos": photos(3)})
    assert "You have sent too many files within an hour." in page.content.decode()
    assert bob.post(address, {"photos": photos(3)}, **asks).status_code == 201


def api(token: str, address: str = "/recon/queue", **extra: Any) -> Any:
    return Client().get(address, headers={"Authorization": f"Bearer {token}"}, **extra)


def test_calls_are_limited_for_each_person(settings: SettingsWrapper) -> None:
    settings.API_CALLS_A_MINUTE = 3
    ann, bob = person("ann@example.org"), person("bob@example.org")
    codes = [api(token_of(ann)).status_code for _ in range(5)]
    assert codes == [200] * 3 + [429] * 2, "whatever token they use"
    answer = browser_of(ann).get("/recon/queue")
    assert answer.status_code == 429
    assert answer.json() == {
        "detail": "Too many requests within a minute."
        f" Try again in {answer['Retry-After']} seconds.",
        "code": "too_many_requests",
    }
    assert api(token_of(bob)).status_code == 200


def test_wrong_tokens_are_limited_by_network(
    behind_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "WRONG_TOKENS", Limit("api_by_address", 5, 60))
    ann = token_of(person("ann@example.org"))
    codes = [api("wrong", **from_("192.0.2.1")).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert api(ann, **from_("192.0.2.1")).status_code == 200, "a right one is not affected"


def test_health_checks_are_not_limited(client: Client, settings: SettingsWrapper) -> None:
    settings.API_CALLS_A_MINUTE = 1
    assert {client.get("/healthz").status_code for _ in range(5)} == {200}
