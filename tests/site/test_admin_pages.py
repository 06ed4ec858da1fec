"""What browsers would complain about in the console on the admin pages."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.site.making import browser_of, finished_job, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def staff() -> Client:
    return browser_of(person("boss@example.org", is_staff=True, is_superuser=True))


def pages() -> list[str]:
    job = finished_job(person())
    lists = ("recon_job", "recon_photo", "recon_auditentry", "accounts_user", "accounts_apitoken")
    return [
        reverse("admin:index"),
        *(reverse(f"admin:{name}_changelist") for name in lists),
        reverse("admin:recon_job_change", args=(job.pk,)),
        reverse("admin:accounts_invitation_add"),
        "/admin/django_rq/dashboard/",
        "/admin/queue/",
        "/admin/queue/queues/0/",
        "/admin/queue/workers/0/",
        "/admin/queue/queues/0/failed/",
        "/admin/queue/queues/0/empty/",
    ]


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_lets_in_all_that_stands_in_a_page(staff: Client) -> None:
    seen = 0
    for where in pages():
        response = staff.get(where)
        assert response.status_code == 200, where
        page, policy = response.content.decode(), response["Content-Security-Policy"]
        styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
        for style in [*styles, *re.findall(r'\sstyle="([^"]*)"', page)]:
            assert digest(style) in policy, (where, style)
            seen += 1
        assert re.findall(r"<script(?![^>]*\ssrc=)", page) == [], where
        assert re.findall(r'<[^>]*\son[a-z]+="', page) == [], where
    assert seen


def test_nothing_else_is_let_in(staff: Client) -> None:
    policy = staff.get("/admin/queue/")["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "sha256" not in policy.partition("script-src")[2].partition(";")[0]
    assert "sha256" not in staff.get("/jobs/")["Content-Security-Policy"]


def test_all_that_a_page_loads_is_there(staff: Client) -> None:
    loaded = {"/favicon.ico"}
    for where in pages():
        page = staff.get(where).content.decode()
        loaded |= set(re.findall(r'<(?:link|script|img)[^>]*\s(?:src|href)="(/[^"]+)"', page))
    missing = [one for one in loaded if staff.get(one, follow=True).status_code != 200]
    assert missing == []


def test_an_icon_is_found_where_browsers_look_for_it(client: Client) -> None:
    response: Any = client.get("/favicon.ico", follow=True)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
