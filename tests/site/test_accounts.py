"""Accounts: signing up, in and out, passwords, tokens."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import SettingsWrapper

from accounts import letters
from accounts.forms import MAX_TOKENS, SignUpForm
from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "jo@example.org", "correct horse battery"


@pytest.fixture
def jo() -> User:
    return User.objects.create_user(EMAIL, PASSWORD)


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **extra: str) -> int:
    data = {"username": email, "password": password}
    return client.post(reverse("accounts:sign_in"), data, **extra).status_code


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- Signing up ---


def test_a_new_person_is_signed_in_at_once(client: Client) -> None:
    data = {"email": "New@Example.ORG", "password": PASSWORD}
    response = client.post(reverse("accounts:sign_up"), data)
    assert response.status_code == 302
    assert response.url == reverse("recon:gallery")
    assert signed_in(client)
    user = User.objects.get()
    assert user.email == "New@example.org"
    assert user.check_password(PASSWORD)
    assert not user.is_staff


def test_an_address_can_be_used_once_whatever_its_case(client: Client, jo: User) -> None:
    data = {"email": "JO@example.org", "password": PASSWORD}
    response = client.post(reverse("accounts:sign_up"), data)
    assert response.status_code == 400
    assert "There is already an account with this address" in response.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 10 characters"),
        ("1234567890123", "entirely numeric"),
        ("jo@example.org", "too similar"),
        ("password123", "too common"),
        ("", "This field is required"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(
    client: Client, password: str, said: str
) -> None:
    data = {"email": EMAIL, "password": password}
    response = client.post(reverse("accounts:sign_up"), data)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert not User.objects.exists()
    assert not signed_in(client)


def test_two_who_sign_up_at_once_with_one_address_get_one_account(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = SignUpForm.save

    def save_too_late(form: SignUpForm) -> User:
        User.objects.create_user(EMAIL)  # somebody else, between the check and the insert
        return save(form)

    monkeypatch.setattr(SignUpForm, "save", save_too_late)
    data = {"email": EMAIL.upper(), "password": PASSWORD}
    response = client.post(reverse("accounts:sign_up"), data)
    assert response.status_code == 400
    assert "There is already an account with this address" in response.content.decode()


def test_sign_up_can_be_closed(client: Client, settings: SettingsWrapper) -> None:
    settings.SIGN_UP = "closed"
    assert client.get(reverse("accounts:sign_up")).status_code == 403
    data = {"email": EMAIL, "password": PASSWORD}
    response = client.post(reverse("accounts:sign_up"), data)
    assert response.status_code == 403
    assert "closed" in response.content.decode()
    assert not User.objects.exists()


def test_who_is_signed_in_needs_no_sign_up(client: Client, jo: User) -> None:
    client.force_login(jo)
    assert client.get(reverse("accounts:sign_up")).status_code == 302


# --- Signing in and out ---


def test_signing_in_ignores_the_address_s_case(client: Client, jo: User) -> None:
    assert sign_in(client, "Jo@Example.org") == 302
    assert signed_in(client)


def test_signing_in_leads_to_where_one_wanted_to_go(client: Client, jo: User) -> None:
    wanted = reverse("accounts:account")
    response = client.get(wanted)
    assert response.url == f"{reverse('accounts:sign_in')}?next={wanted}"
    data = {"username": EMAIL, "password": PASSWORD, "next": wanted}
    assert client.post(reverse("accounts:sign_in"), data).url == wanted


def test_signing_in_never_leads_to_another_site(client: Client, jo: User) -> None:
    data = {"username": EMAIL, "password": PASSWORD, "next": "https://evil.example.com/"}
    response = client.post(reverse("accounts:sign_in"), data)
    assert response.url == reverse("recon:gallery")


def test_a_wrong_password_and_an_unknown_address_look_the_same(client: Client, jo: User) -> None:
    url = reverse("accounts:sign_in")
    answers = [
        client.post(url, {"username": email, "password": "wrong"})
        for email in (EMAIL, "nobody@example.org")
    ]
    assert [a.status_code for a in answers] == [400, 400]
    said = "The e-mail address or the password is wrong."
    assert all(said in a.content.decode() for a in answers)
    assert not signed_in(client)


def test_a_switched_off_account_can_t_sign_in(client: Client, jo: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client) == 400
    assert not signed_in(client)


def test_guessing_is_locked_out_with_a_page_that_says_so(client: Client, jo: User) -> None:
    codes = [sign_in(client, password=f"guess {n}") for n in range(6)]
    assert codes == [400] * 5 + [429]
    # Other spellings of the address are the same account, and the right password comes too late.
    assert sign_in(client, "JO@EXAMPLE.ORG") == 429
    assert not signed_in(client)
    data = {"username": EMAIL, "password": PASSWORD}
    response = client.post(reverse("accounts:sign_in"), data)
    assert 890 <= int(response["Retry-After"]) <= 900
    assert "Too many" in response.content.decode()


def test_guessing_locks_out_the_guesser_and_not_the_owner(client: Client, jo: User) -> None:
    for n in range(7):
        sign_in(client, password=f"guess {n}", REMOTE_ADDR="203.0.113.9")
    assert sign_in(client, REMOTE_ADDR="203.0.113.9") == 429
    assert sign_in(client, REMOTE_ADDR="198.51.100.7") == 302


def test_the_admin_s_sign_in_is_ours(client: Client, jo: User) -> None:
    """So it has the same limits, and the same second step."""
    answer = client.post(reverse("admin:login"), {"username": EMAIL, "password": PASSWORD})
    assert answer.url == f"{reverse('accounts:sign_in')}?next=/admin/"
    assert not signed_in(client)


def test_a_claimed_address_counts_only_behind_a_proxy(
    client: Client, jo: User, settings: SettingsWrapper
) -> None:
    for n in range(6):
        claimed = f"192.0.2.{n}"
        code = sign_in(client, password="wrong", HTTP_X_FORWARDED_FOR=claimed)
    assert code == 429
    settings.TRUST_PROXY = True
    # The proxy appends the true address; what stands before it is a claim.
    assert sign_in(client, HTTP_X_FORWARDED_FOR="127.0.0.1, 192.0.2.77") == 302


def test_signing_out_takes_a_button(client: Client, jo: User) -> None:
    client.force_login(jo)
    page = client.get(reverse("accounts:sign_out"))
    assert page.status_code == 200
    assert re.search(r'<form method="post">.*Sign out</button></form>', page.content.decode())
    assert signed_in(client), "opening the page signs nobody out"
    assert client.post(reverse("accounts:sign_out")).status_code == 302
    assert not signed_in(client)
    assert "You are signed out" in client.get(reverse("accounts:sign_out")).content.decode()


@pytest.mark.parametrize("name", ["preferences", "public_page", "token_create"])
def test_the_address_of_a_button_has_a_page(client: Client, jo: User, name: str) -> None:
    """As after signing in again, which leads back to where the form was sent."""
    client.force_login(jo)
    assert client.get(reverse(f"accounts:{name}"))["Location"] == reverse("accounts:account")


def test_the_address_of_a_button_without_a_page_says_so(client: Client) -> None:
    client.force_login(User.objects.create_user("staff@example.org", is_staff=True))
    page = client.get(reverse("admin:logout"))
    assert page.status_code == 405
    assert page["Allow"] == "POST, OPTIONS"
    assert "This address belongs to a button" in page.content.decode()


def test_a_form_without_its_token_is_refused_with_a_page(jo: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    data = {"username": EMAIL, "password": PASSWORD}
    response = strict.post(reverse("accounts:sign_in"), data)
    assert response.status_code == 403
    assert "<h1" in response.content.decode()


# --- Passwords ---


def test_a_password_can_be_changed_and_one_stays_signed_in(client: Client, jo: User) -> None:
    client.force_login(jo)
    new = "staple gun waltz"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    response = client.post(reverse("accounts:password_change"), data, follow=True)
    assert response.redirect_chain == [(reverse("accounts:password_change_done"), 302)]
    assert client.get(reverse("accounts:account")).status_code == 200
    jo.refresh_from_db()
    assert jo.check_password(new)


def test_a_change_needs_the_old_password(client: Client, jo: User) -> None:
    client.force_login(jo)
    data = {"old_password": "no", "new_password1": "staple gun", "new_password2": "staple gun"}
    response = client.post(reverse("accounts:password_change"), data)
    assert response.status_code == 400
    jo.refresh_from_db()
    assert jo.check_password(PASSWORD)


def test_a_lost_password_is_reset_by_mail(
    client: Client, jo: User, settings: SettingsWrapper
) -> None:
    settings.BASE_URL, settings.MAIL_IS_SET_UP = "http://recon.example.org:8000", True
    response = client.post(
        reverse("accounts:password_reset"), {"email": "JO@example.org"}, HTTP_HOST="localhost"
    )
    assert response.url == reverse("accounts:password_reset_done")
    assert client.get(response.url).status_code == 200
    assert mail.outbox == [], "a worker sends it"
    letters.send_waiting()
    message = mail.outbox[0]
    assert message.to == [EMAIL]
    assert message.subject
    # It points to the site's own address, whatever Host the request named.
    link = re.search(r"http://recon\.example\.org:8000(/accounts/reset/\S+)", str(message.body))
    assert link
    page = client.get(link[1], follow=True)
    assert page.status_code == 200
    new = "staple gun waltz"
    data = {"new_password1": new, "new_password2": new}
    done = client.post(page.redirect_chain[-1][0], data, follow=True)
    assert done.redirect_chain == [(reverse("accounts:password_reset_complete"), 302)]
    assert sign_in(client, password=new) == 302

    used = Client().get(link[1])
    assert used.status_code == 200
    assert "new_password1" not in used.content.decode()


def test_a_reset_for_an_unknown_address_looks_the_same_and_sends_nothing(
    client: Client, settings: SettingsWrapper
) -> None:
    settings.MAIL_IS_SET_UP = True
    response = client.post(reverse("accounts:password_reset"), {"email": "nobody@example.org"})
    assert response.url == reverse("accounts:password_reset_done")
    letters.send_waiting()
    assert mail.outbox == []


def test_without_a_mail_server_nobody_is_promised_a_mail(client: Client, jo: User) -> None:
    for response, status in (
        (client.get(reverse("accounts:password_reset")), 200),
        (client.post(reverse("accounts:password_reset"), {"email": EMAIL}), 403),
        (client.get(reverse("accounts:password_reset_done")), 200),
    ):
        assert response.status_code == status
        page = response.content.decode()
        assert "Ask whoever runs this site" in page
        assert "on its way" not in page
        assert 'name="email"' not in page
    assert letters.send_waiting() == 0


# --- API tokens ---


def user_of(secret: str) -> User | None:
    token = ApiToken.find(secret)
    return token.user if token else None


def test_a_token_is_shown_once_and_works(client: Client, jo: User) -> None:
    client.force_login(jo)
    page = client.post(reverse("accounts:token_create"), {"name": "upload script"})
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    secret = page.context["new_secret"]
    assert secret in page.content.decode()
    assert user_of(secret) == jo
    later = client.get(reverse("accounts:account")).content.decode()
    assert secret not in later
    assert "upload script" in later
    assert secret not in str(ApiToken.objects.values().get())


def test_a_token_needs_a_name(client: Client, jo: User) -> None:
    client.force_login(jo)
    page = client.post(reverse("accounts:token_create"), {"name": ""})
    assert page.status_code == 400
    assert not ApiToken.objects.exists()


def test_there_is_a_limit_to_tokens(client: Client, jo: User) -> None:
    client.force_login(jo)
    for n in range(MAX_TOKENS):
        ApiToken.issue(jo, f"number {n}")
    page = client.post(reverse("accounts:token_create"), {"name": "one more"})
    assert page.status_code == 400
    assert f"You have {MAX_TOKENS} tokens" in page.content.decode()
    assert ApiToken.objects.count() == MAX_TOKENS


def test_a_revoked_token_no_longer_works(client: Client, jo: User) -> None:
    token, secret = ApiToken.issue(jo, "old laptop")
    client.force_login(jo)
    url = reverse("accounts:token_delete", args=(token.pk,))
    assert client.get(url).status_code == 302
    response = client.post(url, follow=True)
    assert "old laptop" in response.content.decode()
    assert ApiToken.find(secret) is None


def test_nobody_else_can_revoke_a_token(client: Client, jo: User) -> None:
    token, secret = ApiToken.issue(jo, "mine")
    url = reverse("accounts:token_delete", args=(token.pk,))
    assert client.post(url).status_code == 302  # to sign-in
    client.force_login(User.objects.create_user("other@example.org", PASSWORD))
    assert client.post(url).status_code == 404
    assert user_of(secret) == jo


def test_the_account_page_shows_only_one_s_own_tokens(client: Client, jo: User) -> None:
    ApiToken.issue(User.objects.create_user("other@example.org"), "somebody else's")
    client.force_login(jo)
    assert "somebody else" not in client.get(reverse("accounts:account")).content.decode()


@pytest.mark.parametrize("name", ["account", "password_change", "token_create"])
def test_account_pages_need_an_account(client: Client, name: str) -> None:
    """A form's own address redirects to its page, which redirects to sign-in."""
    steps = client.get(reverse(f"accounts:{name}"), follow=True).redirect_chain
    assert steps[-1][0].startswith(reverse("accounts:sign_in"))


# --- Staff ---


def test_the_first_account_is_made_once(client: Client) -> None:
    first, second = StringIO(), StringIO()
    call_command("create_first_account", stdout=first)
    call_command("create_first_account", stdout=second)
    email, password = first.getvalue().split()
    assert email == "admin@localhost"
    assert len(password) >= 16
    assert second.getvalue() == ""
    assert sign_in(client, email, password) == 302
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("model", ["user", "apitoken"])
def test_the_admin_lists_searches_and_opens(admin_client: Client, jo: User, model: str) -> None:
    token, _secret = ApiToken.issue(jo, "upload script")
    pk = {"user": jo.pk, "apitoken": token.pk}[model]
    listing = admin_client.get(reverse(f"admin:accounts_{model}_changelist"), {"q": "jo@"})
    assert EMAIL in listing.content.decode()
    page = admin_client.get(reverse(f"admin:accounts_{model}_change", args=(pk,)))
    assert page.status_code == 200


def test_staff_can_make_an_account_in_the_admin(admin_client: Client) -> None:
    data = {
        "email": "made@example.org",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    response = admin_client.post(reverse("admin:accounts_user_add"), data)
    assert response.status_code == 302
    assert User.objects.get(email="made@example.org").check_password(PASSWORD)


def test_what_tokens_are_is_told_before_the_list_of_them(client: Client, jo: User) -> None:
    client.force_login(jo)
    page = client.get(reverse("accounts:account")).content.decode()
    tokens = page[page.index('id="tokens"') : page.index('id="leave"')]
    empty, form = tokens.index("You have no tokens yet."), tokens.index("<form")
    assert tokens.index("Whoever has a token") < empty < form
    assert "<p" not in re.sub(r"<p class=.notice.*?</p>", "", tokens[empty:form])
