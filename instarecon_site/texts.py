"""The scripts' texts in the visitor's language, as a script of their own; English needs none."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

_YEAR = 365 * 24 * 60 * 60  # seconds


class _Catalog(JavaScriptCatalog):
    """Django's, with our own texts only: its administration pages have many."""

    packages: list[str] | None = ["recon"]

    def get_paths(self, packages: list[str]) -> list[str]:
        return [str(path) for path in settings.LOCALE_PATHS]


@cache
def _version(language: str) -> str:
    """Of the texts of one language, for their address; empty where they have not been compiled."""
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "djangojs.mo"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else ""


def script_address() -> str:
    """Where a page in the language being served has its scripts' texts from; empty for none."""
    language = translation.get_language() or ""
    version = _version(language) if language != settings.LANGUAGE_CODE else ""
    return reverse("texts", args=(language, version)) if version else ""


@require_safe
def script(request: HttpRequest, language: str, version: str) -> HttpResponseBase:
    """The texts. Their address changes with them, so browsers keep them."""
    if not version or version != _version(language):
        raise Http404
    with translation.override(language):
        response = _Catalog.as_view()(request)
    patch_cache_control(response, public=True, max_age=_YEAR, immutable=True)
    return response
