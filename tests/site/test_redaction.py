"""Logs hold nothing that opens a scene or an account."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from instarecon_site.redaction import RedactingFormatter, redact, redacted_address
from instarecon_site.server import access_log

KEY = "k3yOfAScene-0123456789abcdef_XYZ"

#: Parts of addresses that give a reader no access: numbers of rows that need an account, names of
#: things, and the version of a file.
HARMLESS = {
    *("pk", "other_pk", "photo_pk", "video_pk", "job_id", "photo_id", "video_id", "number"),
    *("kind", "name", "handle", "language", "version", "app_label"),
    *("object_id", "url", "content_type_id", "webhook_id", "delivery_id"),
}  # fmt: skip


def addresses(patterns: Any, before: str = "/") -> Iterator[tuple[str, list[str]]]:
    """Every address of the site as a pattern, with the names of its parts."""
    for pattern in patterns:
        route = before + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, list(pattern.pattern.converters) or list(pattern.pattern.regex.groupindex)


def test_whatever_part_of_an_address_gives_access_is_not_logged() -> None:
    """Walks every address: a new one with a key or a token in it fails here until it is known."""
    checked = 0
    for route, names in addresses(get_resolver().url_patterns):
        secret = [name for name in names if name not in HARMLESS]
        if route.startswith("/admin/"):  # rows and jobs, for staff, except one
            secret = [name for name in secret if name == "token"]
        for name in secret:
            path = route
            for converter in ("str", "slug", "uuid", "int", "path"):
                path = path.replace(f"<{converter}:{name}>", KEY)
            path = path.replace(f"<{name}>", KEY)
            path = path.replace(f"(?P{KEY}[\\w]+)?/?", KEY)  # as django-rq spells it
            path = re.sub(r"<[^>]+>", "other", path)
            assert KEY in path, f"{route} is not understood here"
            checked += 1
            for said in (
                redacted_address(path),
                redact(f"Not Found: {path}"),
                redact(f"see https://example.org{path}?next=1 for more"),
            ):
                assert KEY not in said, f"{name} of {route} is logged"
    assert checked >= 15


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET /jobs/?q=my+house", "GET /jobs/?…"),
        ("Referer: https://example.org/v/abc123", "Referer: https://example.org/v/…"),
        ("/recon/pub/abc123/cloud.ply", "/recon/pub/…/cloud.ply"),
        ("/accounts/reset/Mg/abc-123/ failed", "/accounts/reset/…/…/ failed"),
        ("/accounts/reset/done/", "/accounts/reset/done/"),
        ("Authorization: Bearer ir3d_0123456789", "Authorization: Bearer …"),
        ("postgres://me:secret@db:5432/recon", "postgres://me:…@db:5432/recon"),
        ("redis://:secret@queue:6379/0", "redis://:…@queue:6379/0"),
        (
            "see 'https://example.org/oembed?url=x' there",
            "see 'https://example.org/oembed?…' there",
        ),
        ("a value with /v/ in it, and 3/4", "a value with /v/ in it, and 3/4"),
        ("Ready: 3 photos, 95% done?", "Ready: 3 photos, 95% done?"),
    ],
)
def test_what_gives_access_is_left_out_of_a_line(line: str, shown: str) -> None:
    assert redact(line) == shown


@pytest.mark.parametrize("part", ["/", "/a", "/v/", "a.", "a://", "a://a:", "bearer ", "token="])
def test_the_longest_address_takes_no_time(part: str) -> None:
    """Steps that grow with its square would take a minute; these take milliseconds."""
    line = "Not Found: /" + part * (64 * 1024 // len(part))
    began = time.process_time()
    redact(line)
    assert time.process_time() - began < 2


def test_tracebacks_are_covered_too() -> None:
    try:
        raise ValueError(f"no scene at /v/{KEY}")
    except ValueError:
        record = logging.makeLogRecord({"msg": "Failed", "exc_info": __import__("sys").exc_info()})
    said = RedactingFormatter("%(message)s").format(record)
    assert "no scene at /v/…" in said
    assert KEY not in said


def test_every_line_of_the_site_s_log_goes_through_it() -> None:
    formatter = settings.LOGGING["formatters"]["line"]["()"]
    assert formatter == "instarecon_site.redaction.RedactingFormatter"
    handlers = settings.LOGGING["handlers"].values()
    assert all(handler["formatter"] == "line" for handler in handlers)


@pytest.mark.django_db
def test_a_wrong_link_is_not_written_out(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get(f"/v/{KEY}")
    record = next(r for r in caplog.records if "Not Found" in r.getMessage())
    assert KEY not in RedactingFormatter("%(message)s").format(record)


def test_the_access_log_tells_who_asked_for_what_and_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="recon.access")
    request = SimpleNamespace(
        error=None,
        command="GET",
        path=f"/v/{KEY}",
        version="1.1",
        query=f"key={KEY}",
        headers={"USER_AGENT": 'curl "1"\n200 forged', "REFERER": f"https://example.org/v/{KEY}"},
    )
    access_log.write(
        SimpleNamespace(
            request=request,
            channel=SimpleNamespace(address="192.0.2.7"),
            status="200 OK",
            content_length=12,
            start_time=0.0,
        )
    )
    line = caplog.messages[0]
    assert line.startswith('192.0.2.7 "GET /v/… HTTP/1.1" 200 12 ')
    assert line.endswith('"curl ?1??200 forged"')
    assert KEY not in line
