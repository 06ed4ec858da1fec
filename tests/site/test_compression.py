"""Pages are compressed; what already is, or could be probed for a secret, is not."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from tests.site.making import browser_of, finished_job, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
CLICKED = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


def coding(response: HttpResponseBase) -> str:
    return response.get("Content-Encoding", "")


def test_pages_are_compressed_for_those_who_can_read_it() -> None:
    job = finished_job(person(), shared=True)
    for browser, address in (
        (Client(), "/"),
        (Client(), reverse("recon:public", args=(job.share.key,))),
        (browser_of(job.owner), job.get_absolute_url()),
    ):
        plain = browser.get(address)
        small = browser.get(address, headers=GZIP)
        assert (coding(plain), coding(small)) == ("", "gzip")
        assert "Accept-Encoding" in small["Vary"]
        assert int(small["Content-Length"]) == len(small.content)
        assert gzip.decompress(small.content).startswith(b"<!doctype html>")
        assert len(small.content) < len(plain.content) / 2


def test_the_same_page_is_not_of_the_same_length_twice() -> None:
    """Random bytes hide how much a guess has shortened it."""
    lengths = {len(Client().get("/", headers=GZIP).content) for _ in range(12)}
    assert len(lengths) > 3


def test_files_are_sent_as_they_are() -> None:
    job = finished_job(person(), shared=True)
    browser = browser_of(job.owner)
    for kind in ("spz", "splat", "poster", "turntable", "colmap", "results"):
        answer = browser.get(reverse("recon:file", args=(job.pk, kind)), headers=GZIP)
        assert (answer.status_code, coding(answer)) == (200, "")
        assert int(answer["Content-Length"]) == len(b"".join(answer.streaming_content))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_learns_from_the_length_of_a_signed_in_person_s_page(site: str) -> None:
    job = finished_job(person(), shared=True)
    owner, headers = browser_of(job.owner), GZIP | CLICKED | {"Sec-Fetch-Site": site}
    assert coding(owner.get(job.get_absolute_url(), headers=headers)) == ""
    for from_here in ("same-origin", "none"):
        headers |= {"Sec-Fetch-Site": from_here}
        assert coding(owner.get(job.get_absolute_url(), headers=headers)) == "gzip"


def test_a_link_opened_from_another_site_is_small_for_those_without_a_session() -> None:
    job = finished_job(person(), shared=True)
    headers = GZIP | CLICKED | {"Sec-Fetch-Site": "cross-site"}
    page = Client().get(reverse("recon:public", args=(job.share.key,)), headers=headers)
    assert coding(page) == "gzip"


def test_the_answer_to_a_form_is_sent_as_it_is() -> None:
    answer: Any = Client().post("/accounts/sign-in/", {"username": "x"}, headers=GZIP)
    assert answer.status_code == 400
    assert "password" in answer.content.decode()
    assert coding(answer) == ""


def test_the_build_s_brotli_is_served_under_the_files_marked_names(
    settings: Any, tmp_path: Path
) -> None:
    source, root = tmp_path / "source", tmp_path / "collected"
    source.mkdir()
    (source / "a.js").write_text("let a = 1;" * 100)
    (source / "a.js.br").write_bytes(b"as Brotli")
    (source / "same.css").write_text("p { color: red }")
    (source / "same.css.br").write_bytes(b"as Brotli, too")
    (source / "other.css").write_text("p { background: url(a.svg) }")
    (source / "other.css.br").write_bytes(b"of what the file no longer is")
    (source / "a.svg").write_text("<svg/>")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], root
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "instarecon_site.storage.StaticStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)

    def brotli_of(name: str) -> bytes | None:
        copy = root / f"{staticfiles_storage.stored_name(name)}.br"
        return copy.read_bytes() if copy.exists() else None

    assert brotli_of("a.js") == b"as Brotli"
    assert brotli_of("same.css") == b"as Brotli, too"
    assert brotli_of("other.css") is None, "the addresses in it have changed"
    assert (root / "a.js.br").exists()
