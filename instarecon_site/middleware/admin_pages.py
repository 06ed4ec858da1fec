"""The administration's pages are Django's and django-rq's, and write styles and scripts into the
pages themselves, which the site's Content-Security-Policy stops, with an error in the console.

Here it lets in their styles: those that stand in the installed templates, by digest, so nothing
that anybody else put there. django-rq's scripts are taken out: they call a jQuery plugin that
Django's administration no longer has (its `actions.js` does the same by itself), and make rows of
a table into links that have a link already.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import django_rq
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from instarecon_site.middleware.queue_pages import is_ours

_STYLES = (r"<style>(.*?)</style>", r' style="([^"]*)"')
_SCRIPT = r'<script type="text/javascript">.*?</script>'
_HANDLER = rb' on[a-z]+="[^"]*"'  # in a page's texts quotes are escaped


def without_console_errors(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, inside the one that writes the policy."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not request.path_info.startswith("/admin/"):
            return response
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response._csp_update = {"style-src": list(_style_sources())}  # type: ignore[attr-defined]
            if is_ours(request) and not response.streaming:
                response.content = _without_scripts(response.content)  # type: ignore[attr-defined]
        return response

    return middleware


def _without_scripts(page: bytes) -> bytes:
    for script in _scripts():
        page = page.replace(script, b"")
    return re.sub(_HANDLER, b"", page)


@cache
def _style_sources() -> tuple[str, ...]:
    digests = (_digest(style) for pattern in _STYLES for style in _found(pattern))
    return "'unsafe-hashes'", *sorted(set(digests))  # the word is for those in attributes


@cache
def _scripts() -> frozenset[bytes]:
    return frozenset(script.encode() for script in _found(_SCRIPT))


def _found(pattern: str) -> Iterable[str]:
    """What the installed templates have of it and don't fill in."""
    for template in _templates():
        for found in re.findall(pattern, template, re.DOTALL):
            if "{%" not in found and "{{" not in found:
                yield found


@cache
def _templates() -> tuple[str, ...]:
    folders = (Path(admin.__file__).parent, Path(django_rq.__file__).parent)
    files = (file for folder in folders for file in (folder / "templates").rglob("*.html"))
    return tuple(file.read_text(encoding="utf-8") for file in sorted(files))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
