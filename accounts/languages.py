"""Languages: a person's own, and using it for them.

Visitors are served in their browser's language, or in what they chose on a page, which a cookie
keeps (Django's LocaleMiddleware). Whoever is signed in and has chosen one sees it in every browser,
and gets mails in it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy


def valid_code(code: str) -> str:
    """`code` where the site speaks that language, else ""."""
    return code if code in dict(settings.LANGUAGES) else ""


def choices() -> list[tuple[str, str]]:
    """Each language under its own name, so that people who can't read the page find theirs."""
    return [("", gettext_lazy("Same as my browser")), *settings.LANGUAGES]  # type: ignore[list-item]


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Texts are in this language, or in the site's, for as long as the block runs."""
    with translation.override(valid_code(code) or settings.LANGUAGE_CODE):
        yield


def in_their_language(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: whoever is signed in and has chosen a language is served in it.

    It is not put back afterwards: LocaleMiddleware tells the browser which it was, and sets it
    anew for each request.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if code := valid_code(getattr(request.user, "language", "")):
            translation.activate(code)
            request.LANGUAGE_CODE = code
        return get_response(request)

    return middleware
