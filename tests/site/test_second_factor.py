"""The second factor: setting it up, and giving it at sign-in."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import SettingsWrapper

from accounts.models import RecoveryCode, SecondFactor, User
from accounts.second_factor import codes, keys, remembered
from tests.site.making import PASSWORD, browser_of, person, token_of
from tests.site.second_factor import (
    PAGE,
    SIGN_IN,
    STEP,
    Clock,
    another,
    code_of,
    codes_on,
    first_step,
    second_step,
    secret_on,
    signed_in,
    with_factor,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "clock")]


# --- Setting it up ---


def test_an_app_is_set_up_with_a_code_and_the_password(client: Client, clock: Clock) -> None:
    ann = person()
    client.force_login(ann)
    page = client.get(PAGE)
    secret = secret_on(page)
    address = f"otpauth://totp/InstaRecon3D%20localhost%208000:ann%40example.org?secret={secret}"
    assert address in page.content.decode()
    assert 'src="data:image/svg+xml' in page.content.decode()
    assert "img-src 'self' data:" in page["Content-Security-Policy"]
    assert secret_on(client.get(PAGE)) == secret, "an app that has read it must not wait in vain"
    sent = {"code": another(code_of(secret)), "password": PASSWORD}
    wrong = client.post(PAGE, sent)
    assert (wrong.status_code, secret_on(wrong)) == (400, secret)
    assert client.post(PAGE, {"code": code_of(secret), "password": "x"}).status_code == 400
    assert not SecondFactor.objects.exists()
    done = client.post(PAGE, {"code": code_of(secret), "password": PASSWORD})
    assert done.status_code == 200
    assert len(set(codes_on(done))) == 10
    assert secret not in SecondFactor.objects.get().secret
    digests = RecoveryCode.objects.values_list("digest", flat=True)
    assert not set(digests) & set(codes_on(done))
    assert "10 recovery codes are left" in client.get(PAGE).content.decode()
    assert codes_on(client.get(PAGE)) == []


def test_who_has_just_signed_in_is_not_asked_for_the_password(client: Client) -> None:
    person()
    first_step(client)
    page = client.get(PAGE)
    assert 'type="password"' not in page.content.decode()
    assert client.post(PAGE, {"code": code_of(secret_on(page))}).status_code == 200


def test_other_sessions_end_and_tokens_stay(client: Client) -> None:
    ann = person()
    token = token_of(ann)
    before = browser_of(ann)
    first_step(client)
    client.post(PAGE, {"code": code_of(secret_on(client.get(PAGE)))})
    assert before.get("/usage/").status_code == 302
    assert client.get("/usage/").status_code == 200
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get("/api/v1/jobs").status_code == 200


def test_passwords_are_not_guessed_here(client: Client) -> None:
    client.force_login(person())
    code = code_of(secret_on(client.get(PAGE)))
    tries = [client.post(PAGE, {"code": code, "password": f"guess {n}"}) for n in range(7)]
    assert tries[-1].status_code == 429


# --- Signing in ---


def test_a_password_alone_signs_nobody_in(client: Client, clock: Clock) -> None:
    ann, secret = with_factor(clock)
    answer = first_step(client, next="/usage/")
    assert (answer.status_code, answer.url) == (302, STEP)
    assert not signed_in(client)
    assert client.get("/usage/").status_code == 302
    assert client.get(STEP).status_code == 200
    wrong = second_step(client, another(code_of(secret)))
    assert wrong.status_code == 400
    assert "That code is wrong" in wrong.content.decode()
    right = second_step(client, f" {code_of(secret)[:3]} {code_of(secret)[3:]} ")
    assert (right.status_code, right.url) == (302, "/usage/")
    assert client.session["_auth_user_id"] == str(ann.pk)
    assert client.get("/usage/").status_code == 200


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_an_app_s_clock_may_be_half_a_minute_off(
    client: Client, clock: Clock, steps: int, good: bool
) -> None:
    _, secret = with_factor(clock)
    clock.next_code()  # so that the code before was not used for the set-up
    first_step(client)
    assert second_step(client, code_of(secret, steps)).status_code == (302 if good else 400)


def test_a_code_works_once_and_no_earlier_one_after_it(client: Client, clock: Clock) -> None:
    _, secret = with_factor(clock)
    code, earlier = code_of(secret), code_of(secret, -1)
    first_step(client)
    assert second_step(client, code).status_code == 302
    for seen in (code, earlier):
        other = Client()
        first_step(other)
        assert second_step(other, seen).status_code == 400
    clock.next_code()
    first_step(other)
    assert second_step(other, code_of(secret)).status_code == 302


def test_a_recovery_code_works_once(client: Client, clock: Clock) -> None:
    ann, _ = with_factor(clock)
    mine = RecoveryCode.make_anew(ann)[0]
    first_step(client)
    assert "Recovery code" in client.get(f"{STEP}?recovery=1").content.decode()
    answer = client.post(f"{STEP}?recovery=1", {"code": mine.upper().replace("-", " ")})
    assert answer.status_code == 302
    assert "9 recovery codes left" in client.get("/accounts/").content.decode()
    other = Client()
    first_step(other)
    again = other.post(f"{STEP}?recovery=1", {"code": mine})
    assert again.status_code == 400
    assert "none of your recovery codes" in again.content.decode()


def test_codes_are_not_guessed_from_anywhere(client: Client, clock: Clock) -> None:
    """Nor with another cookie for each guess: whoever guesses has the password."""
    ann, secret = with_factor(clock)
    wrong = another(code_of(secret))
    for n in range(6):
        other = Client(REMOTE_ADDR=f"192.0.2.{n}")
        first_step(other)
        answer = second_step(other, wrong)
    assert answer.status_code == 429
    assert "Use a recovery code" in answer.content.decode()
    first_step(client)
    assert second_step(client, code_of(secret)).status_code == 429, "the right one comes too late"
    spare = RecoveryCode.make_anew(ann)[0]
    assert second_step(client, spare).status_code == 302, "the owner gets in"


def test_a_day_has_fifty_guesses_however_often_the_owner_comes(clock: Clock) -> None:
    ann, secret = with_factor(clock)
    for n in range(50):
        if n % 5 == 4:
            clock.next_code()
            assert codes.check(ann, code_of(secret)) == codes.BY_APP
        assert codes.check(ann, another(code_of(secret))) == "" if n < 49 else True
    from accounts.throttling import TooMany

    with pytest.raises(TooMany):
        codes.check(ann, another(code_of(secret)))


def test_recovery_codes_are_not_guessed(client: Client, clock: Clock) -> None:
    with_factor(clock)
    first_step(client)
    tries = [second_step(client, f"aaaa-bbbb-cccc-{n:04}").status_code for n in range(7)]
    assert tries == [400] * 5 + [429] * 2


def test_the_second_step_takes_the_first(client: Client, clock: Clock) -> None:
    ann, secret = with_factor(clock)
    assert client.get(STEP).url == SIGN_IN
    assert second_step(client, code_of(secret)).url == SIGN_IN
    assert not signed_in(client)
    first_step(client)
    clock.ahead += 601
    late = client.post(STEP, {"code": code_of(secret)}, follow=True)
    assert "That took too long. Sign in again." in late.content.decode()
    first_step(client)
    ann.set_password("another long password")
    ann.save()
    assert second_step(client, code_of(secret)).url == SIGN_IN, (
        "the first step is worth nothing now"
    )
    first_step(client)
    User.objects.update(is_active=False)
    assert second_step(client, code_of(secret)).url == SIGN_IN


def test_a_new_password_by_mail_does_not_stand_for_the_code(
    client: Client, clock: Clock, mail_set_up: None
) -> None:
    from accounts import reset_links

    ann, _ = with_factor(clock)
    page = client.get(reset_links.link_for(ann).partition("8000")[2], follow=True)
    new = {"new_password1": "another long password", "new_password2": "another long password"}
    client.post(page.redirect_chain[-1][0], new)
    assert not signed_in(client)
    answer = client.post(SIGN_IN, {"username": ann.email, "password": "another long password"})
    assert answer.url == STEP


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_code_are_one_sign_in(clock: Clock) -> None:
    ann, secret = with_factor(clock)
    code, found = code_of(secret), []
    spare = RecoveryCode.make_anew(ann)[0]

    def use(typed: str) -> None:
        found.append(codes.check(ann, typed))
        connection.close()

    for typed in (code, spare):
        threads = [threading.Thread(target=use, args=(typed,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [""] * 6 + [codes.BY_APP, codes.BY_RECOVERY_CODE]


# --- A browser that is not asked again ---


def test_a_browser_may_be_remembered_for_a_month(client: Client, clock: Clock) -> None:
    _, secret = with_factor(clock)
    first_step(client)
    second_step(client, code_of(secret), remember="on")
    cookie = client.cookies[remembered.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    client.post("/accounts/sign-out/")
    assert first_step(client).url == reverse("recon:gallery")
    client.post("/accounts/sign-out/")
    other, _ = with_factor(clock, "bob@example.org")
    assert first_step(client, other.email).url == STEP, "one account's is not another's"
    clock.ahead += 30 * 24 * 60 * 60
    assert first_step(client).url == STEP


def test_it_is_forgotten_with_the_password_and_with_the_factor(
    client: Client, clock: Clock
) -> None:
    ann, secret = with_factor(clock)
    first_step(client)
    second_step(client, code_of(secret), remember="on")
    client.post("/accounts/sign-out/")
    codes.switch_off(ann)
    codes.switch_on(ann, secret, code_of(secret))
    assert first_step(client).url == STEP
    clock.next_code()
    second_step(client, code_of(secret), remember="on")
    client.post("/accounts/sign-out/")
    ann.set_password(PASSWORD)
    ann.save()
    assert first_step(client).url == STEP


@pytest.mark.parametrize("value", ["", "made:up", "W10:x"])
def test_a_cookie_that_somebody_made_up_is_nothing(
    client: Client, clock: Clock, value: str
) -> None:
    with_factor(clock)
    client.cookies[remembered.COOKIE] = value
    assert first_step(client).url == STEP


# --- Changing it ---


def test_new_recovery_codes_and_the_way_out_take_a_code(client: Client, clock: Clock) -> None:
    ann, secret = with_factor(clock)
    old = RecoveryCode.make_anew(ann)
    first_step(client)
    second_step(client, code_of(secret))
    for address in (f"{PAGE}codes/", f"{PAGE}off/"):
        wrong = client.post(address, {"code": another(code_of(secret))})
        assert wrong.status_code == 400
        assert client.get(address).url == PAGE
    clock.next_code()
    made = codes_on(client.post(f"{PAGE}codes/", {"code": code_of(secret)}))
    assert len(made) == 10
    assert not RecoveryCode.spend(ann, old[0])
    other = browser_of(ann)
    assert client.post(f"{PAGE}off/", {"code": made[0]}).url == reverse("accounts:account")
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert client.get("/usage/").status_code == 200
    assert other.get("/usage/").status_code == 302
    assert first_step(Client()).url == reverse("recon:gallery")
    assert client.post(f"{PAGE}off/", {"code": made[1]}).status_code in (302, 400)


# --- The site's keys ---


def test_a_secret_survives_a_new_key_and_moves_to_it(
    clock: Clock, settings: SettingsWrapper
) -> None:
    ann, secret = with_factor(clock)
    settings.SECRET_KEY_FALLBACKS = [str(settings.SECRET_KEY)]
    settings.SECRET_KEY = "another key, of thirty-two letters or more"
    assert codes.check(ann, code_of(secret)) == codes.BY_APP
    settings.SECRET_KEY_FALLBACKS = []
    clock.next_code()
    assert codes.check(ann, code_of(secret)) == codes.BY_APP


def test_where_the_key_is_lost_recovery_codes_still_work(
    client: Client, clock: Clock, settings: SettingsWrapper
) -> None:
    ann, secret = with_factor(clock)
    spare = RecoveryCode.make_anew(ann)[0]
    settings.SECRET_KEY = "another key, of thirty-two letters or more"
    first_step(client)
    answer = second_step(client, code_of(secret))
    assert answer.status_code == 400
    assert "can’t check the codes of your app" in answer.content.decode()
    assert second_step(client, spare).status_code == 302
    with pytest.raises(keys.KeyLost):
        keys.decrypt("made up")


def test_it_goes_with_the_account(client: Client, clock: Clock) -> None:
    _, secret = with_factor(clock)
    first_step(client)
    second_step(client, code_of(secret))
    assert client.post("/accounts/delete/", {"password": PASSWORD}).status_code == 302
    assert not User.objects.exists()
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
