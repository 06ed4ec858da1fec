"""Time zones: which there are, and showing times in a person's own.

The database and the API keep UTC. Whoever has chosen no zone, or has no account, sees the site's.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

#: Names that are kept for old programs, or that count backwards: nobody lives in "Etc/GMT+3".
_ODD = ("Etc/", "SystemV/", "posix/", "right/")


@cache
def names() -> tuple[str, ...]:
    """The zones that a person may choose, such as "Europe/Berlin", and "UTC"."""
    places = (n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(_ODD))
    return ("UTC", *sorted(places))


def valid_name(name: str) -> str:
    """`name` where it is a zone that may be chosen, else "": browsers may know others."""
    return name if name in names() else ""


def choices() -> list[tuple[str, str]]:
    return [
        ("", gettext("Same as the site")),
        *((name, name.replace("_", " ")) for name in names()),
    ]


@contextmanager
def use_zone(name: str) -> Iterator[None]:
    """Times are shown in this zone, or in the site's, for as long as the block runs."""
    with timezone.override(zoneinfo.ZoneInfo(name) if valid_name(name) else None):
        yield


def in_their_time_zone(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: each request's times are in the zone of whoever asks."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with use_zone(getattr(request.user, "time_zone", "")):
            return get_response(request)

    return middleware
