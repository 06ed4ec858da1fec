"""The pages of whoever runs a site (privacy, terms, imprint): linked if they are set."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from instarecon_site import env
from tests.site.making import browser_of, finished_job, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

PRIVACY, TERMS, IMPRINT = "https://example.org/privacy?a=1&b=2", "/terms", "http://example.org/who"


@pytest.fixture
def pages(settings: Any) -> Any:
    settings.SIGN_UP = "open"
    settings.PRIVACY_URL, settings.TERMS_URL, settings.IMPRINT_URL = PRIVACY, TERMS, IMPRINT
    return settings


def text(client: Client, where: str) -> str:
    return client.get(where, headers={"Accept": "text/html"}).content.decode()


def test_every_page_links_what_is_set(pages: Any) -> None:
    scene = finished_job(person(), shared=True)
    waiting = finished_job(scene.owner, shared=True, status="PENDING")
    member, stranger = browser_of(scene.owner), Client()
    public = [reverse("recon:public", args=(job.share.key,)) for job in (scene, waiting)]
    asked = [(stranger, "/"), (stranger, reverse("accounts:sign_in")), (stranger, "/nothing-here")]
    asked += [(member, "/jobs/"), (member, scene.get_absolute_url())]
    asked += [(stranger, where) for where in public]
    for client, where in asked:
        page = text(client, where)
        for address, word in ((PRIVACY, "Privacy"), (TERMS, "Terms"), (IMPRINT, "Imprint")):
            assert f'<a href="{address.replace("&", "&amp;")}">{word}</a>' in page, (where, word)


def test_nothing_is_said_where_nothing_is_set() -> None:
    for where in ("/", reverse("accounts:sign_up")):
        assert "operator-links" not in text(Client(), where)
        assert "By signing up" not in text(Client(), where)


def test_signing_up_says_what_it_accepts(pages: Any) -> None:
    where = reverse("accounts:sign_up")
    assert f'accept the <a href="{TERMS}">terms</a> and the <a href="https:' in text(
        Client(), where
    )
    pages.PRIVACY_URL = ""
    assert f'accept the <a href="{TERMS}">terms</a>.' in text(Client(), where)
    pages.PRIVACY_URL, pages.TERMS_URL = "/privacy", ""
    assert 'accept the <a href="/privacy">privacy policy</a>.' in text(Client(), where)


@pytest.mark.parametrize("value", ["/", "/privacy#data", PRIVACY, "https://example.org:8443/p"])
def test_an_address_or_a_path_of_this_site_will_do(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PRIVACY_URL", value)
    assert env.link("PRIVACY_URL") == value
