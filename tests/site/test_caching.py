"""What browsers and proxies may store: no page, whoever asks, at any address of the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.urls import urlpatterns as account_urls
from instarecon_site import texts
from tests.site.making import browser_of, finished_job, person
from tests.site.test_access import EXPECTED, address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

ARGUMENTS: dict[str, list[Any]] = {
    "invited": ["x"], "confirm": ["x"], "token_delete": [1], "confirm_email": ["x"],
    "password_reset_confirm": ["x", "y"], "sign_in_link": ["x"],
}  # fmt: skip


def account_addresses() -> Iterator[str]:
    for pattern in account_urls:
        assert isinstance(pattern, URLPattern)
        yield reverse(f"accounts:{pattern.name}", args=ARGUMENTS.get(str(pattern.name), []))


def may_be_kept(response: HttpResponseBase) -> bool:
    """Files may, privately and if checked with us each time; pages and answers in words may not."""
    said = response.get("Cache-Control", "")
    is_text = "html" in response.get("Content-Type", "") or 300 <= response.status_code < 304
    return "private" not in said or ("no-store" not in said if is_text else "no-cache" not in said)


@pytest.mark.parametrize("who", ["stranger", "owner"])
def test_no_answer_may_be_kept(who: str) -> None:
    job = finished_job(person(), shared=True)
    browser = Client() if who == "stranger" else browser_of(job.owner)
    asked = {address(name, job) for name in EXPECTED} | set(account_addresses())
    asked |= {"/language/", "/admin/", "/admin/login/", "/nowhere", "/healthz", "/jobs/x/"}
    cacheable = [path for path in sorted(asked) if may_be_kept(browser.get(path))]
    cacheable += [
        f"POST {path}"
        for path in sorted(asked)
        if "delete" not in path and may_be_kept(browser.post(path))
    ]
    assert cacheable == []


def test_errors_may_not_be_kept_either(client: Client) -> None:
    for answer in (
        client.get("/jobs/%00/"),
        Client(enforce_csrf_checks=True).post("/accounts/sign-in/"),
        client.get("/", headers={"Host": "elsewhere.example.org"}),
    ):
        assert answer.status_code >= 400
        assert "no-store" in answer["Cache-Control"]


def test_what_has_a_version_in_its_address_may_be_kept(client: Client) -> None:
    path = reverse("texts", args=("ko", texts._version("ko")))
    assert "max-age=31536000" in client.get(path)["Cache-Control"]
