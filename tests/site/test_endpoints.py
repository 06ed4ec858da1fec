"""What `GET /` and docs/use/api.md tell programs, compared with what the site answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern

from recon.api import urls as api
from recon.models import Job
from recon.web import urls as web
from tests.photos import PROJECT
from tests.site.making import finished_job, person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

DOCS = (PROJECT / "docs" / "use" / "api.md").read_text()
#: Addresses among the pages' that programs may call without a session.
OF_LINKS = re.compile(r"^(v/<str:pub_key>|recon/pub/.*|oembed)$")
#: Someone's ids, so that an address can be called.
IDS = {"job_id": "0" * 8, "pub_key": "k", "photo_id": "1", "video_id": "1", "kind": "ply"}


def told() -> dict[str, set[str]]:
    """The endpoints of `GET /`: paths as spelled in docs/use/api.md, and their methods."""
    found: dict[str, set[str]] = {}
    answer = Client().get("/", headers={"Accept": "application/json"}).json()
    for endpoint in answer["endpoints"].values():
        method, address = endpoint.split(" ")
        found.setdefault(address.partition("?")[0], set()).add(method)
    return found


def addresses() -> set[str]:
    """Everything that programs can call, from the URL configuration."""
    routes = [str(one.pattern) for one in api.urlpatterns]
    pages = [str(one.pattern) for one in web.urlpatterns if isinstance(one, URLPattern)]
    routes += [route for route in pages if OF_LINKS.match(route)]
    return {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route in routes}


def test_the_first_answer_lists_every_endpoint_and_no_other() -> None:
    assert set(told()) ^ addresses() == set()


def test_every_endpoint_is_told_with_the_methods_that_it_takes() -> None:
    for address, methods in told().items():
        allowed = Client().put(address.format(**IDS))["Allow"]
        methods_allowed = set(allowed.split(", ")) - {"HEAD", "OPTIONS"}
        assert methods == methods_allowed, address


def test_the_docs_name_every_endpoint() -> None:
    missing = [
        f"{method} {address}"
        for address, methods in told().items()
        for method in methods
        if f"{method} {address}" not in DOCS
    ]
    assert missing == []


def test_the_docs_example_of_an_end_is_sent_so_that_it_arrives(redis_queue: Any) -> None:
    ann = person()
    job = finished_job(ann)
    (sent,) = re.findall(r"--data-urlencode share_until=(\S+)", DOCS)
    headers = {"Authorization": f"Bearer {token_of(ann)}"}
    kind = "application/x-www-form-urlencoded"
    encoded = f"share=true&share_until={quote(sent)}"
    answer = Client().post(f"/recon/jobs/{job.pk}/share", encoded, kind, headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer.json()["share_until"] == "2027-01-31T17:00:00+00:00"
    plain = f"share=true&share_until={sent}"
    refused = Client().post(f"/recon/jobs/{job.pk}/share", plain, kind, headers=headers)
    assert refused.status_code == 400, "the + is a space"


@pytest.mark.parametrize("page", sorted((PROJECT / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_no_example_sends_a_time_zone_in_a_way_that_loses_it(page: Path) -> None:
    assert re.findall(r"(?:-d|--data)[ =]\S*share_until=\S*\+", page.read_text()) == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [("locked", 403), ("off", 404), ("elsewhere", 404), ("nothing", 404)],
)
def test_oembed_says_in_json_why_not(asked: str, status: int) -> None:
    job = finished_job(person(), shared=asked != "off", share_password="x" * (asked == "locked"))
    address = {"elsewhere": "https://example.org/v/k", "nothing": ""}.get(
        asked, f"http://localhost:8000/v/{Job.objects.get(pk=job.pk).share.key}"
    )
    for accept in ("text/html", "*/*", "application/json"):
        answer = Client().get("/oembed", {"url": address}, headers={"Accept": accept})
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["detail"].endswith(".")
