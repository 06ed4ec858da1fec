"""What people and programs are told when the server could not store what they sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from tests.site.making import browser_of, person, photos, token_of

pytestmark = pytest.mark.django_db

TOO_LARGE_FOR_ONE = 600 * 2**20


@pytest.fixture
def browser(data_dir: Any) -> Client:
    return browser_of(person())


def post(browser: Client, why: str, path: str = "/jobs/new/", **more: Any) -> Any:
    return browser.post(path, {"photos": photos(1)}, **{"recon.refused": why}, **more)


@pytest.mark.parametrize(
    ("why", "status", "sentence"),
    [
        ("too_many_uploads", 429, "Too many uploads from your address are under way."),
        ("disk_full", 507, "The site has no room for this upload right now."),
    ],
)
def test_a_page_or_json_says_why_and_when_to_come_again(
    browser: Client, why: str, status: int, sentence: str
) -> None:
    page = post(browser, why)
    assert page.status_code == status
    assert page["Retry-After"].isdigit()
    assert "no-store" in page["Cache-Control"]
    assert sentence in page.content.decode()
    token = {"Authorization": f"Bearer {token_of(person('bob@example.org'))}"}
    answer = post(Client(), why, "/recon/jobs", headers=token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json()["detail"].startswith(sentence)


def test_in_korean_too(browser: Client) -> None:
    with override("ko"):
        page = post(browser, "disk_full", headers={"Accept-Language": "ko"})
    assert "지금은" in page.content.decode()


def test_too_long_a_body_is_refused_in_the_view_s_own_words_without_the_body(
    browser: Client,
) -> None:
    """The server has read it to the end and kept nothing; `recon.refused` says enough."""
    facts = {
        "recon.refused": "too_large",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": str(TOO_LARGE_FOR_ONE),
        "wsgi.input": BytesIO(),
    }
    page = browser.generic("POST", "/jobs/new/", b"", **facts)
    assert page.status_code == 413
    assert "larger than 500 MB" in page.content.decode()


@pytest.mark.parametrize(("stuck", "status"), [(False, 200), (True, 503)])
def test_the_health_check_tells_whether_requests_get_on(
    client: Client, stuck: bool, status: int
) -> None:
    assert client.get("/healthz", **{"recon.is_stuck": stuck}).status_code == status
