"""How often something may be done: the one place that counts, for every limit of the site.

Counts are kept in Redis, where all web processes see them and each step is atomic (the library
`limits`, moving windows). If Redis is down, each process counts for itself until it is back: the
limits then hold per process, and no page fails because of it.

Two ways to count. `spend` counts what is done (a sign-up, a mail, an upload). For guesses, `check`
asks before the slow look at a password and again after a right one, and `note_wrong` counts a wrong
one: so of forty guesses sent at once no more than the limit get an answer, and somebody who sends
many right passwords at once never blocks themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from accounts.waiting import wait_sentence
from instarecon_site.errors import answer

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Redis is tried again this long after a failure; a dead network costs its timeout each time.
AWAY_S = 10.0
TIMEOUT_S = 1.0

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


@dataclass(frozen=True)
class Limit:
    """At most `amount` times in any `seconds`. `name` is part of the key, and says it in texts."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True)
class Counter:
    """One limit for one key: a person, an address, a link."""

    limit: Limit
    key: str

    @property
    def item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.limit.amount, self.limit.seconds)

    @property
    def names(self) -> tuple[str, str]:
        """What it is called in the store, which must know neither addresses nor accounts."""
        digest = hmac.new(settings.SECRET_KEY.encode(), self.key.encode(), hashlib.sha256)
        return self.limit.name, digest.hexdigest()[:32]


class TooMany(Exception):
    """A limit is reached. `wait_s`: seconds until it may be tried again, at least 1."""

    def __init__(self, limit: Limit, wait_s: int) -> None:
        super().__init__(f"{limit.name}: wait {wait_s} s")
        self.limit, self.wait_s = limit, wait_s

    @property
    def sentence(self) -> str:
        return wait_sentence(self.limit.name, self.wait_s)


def check(counters: Sequence[Counter]) -> None:
    """Raises TooMany where one of them is full. Counts nothing."""
    for counter in counters:
        if not _has_room(counter):
            raise _too_many(counter)


def spend(counters: Sequence[Counter]) -> None:
    """Counts once in each. Raises TooMany where one of them was full before."""
    for counter in counters:
        if not _count(counter):
            raise _too_many(counter)


def note_wrong(counters: Sequence[Counter]) -> None:
    """Counts a wrong guess in all of them, even where one is full already: then raises TooMany,
    and whoever guessed must not be told that it was wrong."""
    full = [counter for counter in counters if not _count(counter)]
    if full:
        raise _too_many(full[0])


def forget(counters: Sequence[Counter]) -> None:
    """Starts them anew."""
    for counter in counters:
        _forget(counter)


def room(counter: Counter) -> tuple[int, int]:
    """How many times more it may be done, and seconds until there is room for all of them."""
    stats = _ask(lambda store: store.get_window_stats(counter.item, *counter.names))
    return stats.remaining, max(0, math.ceil(stats.reset_time - time.time()))


def _has_room(counter: Counter) -> bool:
    return _ask(lambda store: store.test(counter.item, *counter.names))


def _count(counter: Counter) -> bool:
    """Counts once more; whether there was room for it."""
    return _ask(lambda store: store.hit(counter.item, *counter.names))


def _forget(counter: Counter) -> None:
    _ask(lambda store: store.clear(counter.item, *counter.names))


def _too_many(counter: Counter) -> TooMany:
    stats = _ask(lambda store: store.get_window_stats(counter.item, *counter.names))
    return TooMany(counter.limit, max(1, math.ceil(stats.reset_time - time.time())))


# --- The store ---

_away_until: dict[str, float] = {}


def _ask(do: Callable[[MovingWindowRateLimiter], T]) -> T:
    url = settings.REDIS_URL
    if time.monotonic() >= _away_until.get(url, 0.0):
        try:
            return do(_shared(url))
        except RedisError as error:
            logger.warning("Limits are counted by each web process for itself: %s", error)
            _away_until[url] = time.monotonic() + AWAY_S
    return do(_own())


@cache
def _own() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@cache
def _shared(url: str) -> MovingWindowRateLimiter:
    options: dict[str, Any] = {"socket_timeout": TIMEOUT_S}
    if not url.startswith("unix:"):
        options["socket_connect_timeout"] = TIMEOUT_S
    return MovingWindowRateLimiter(RedisStorage(url, key_prefix="limits", **options))


def forget_all_here() -> None:
    """Empties what this process has counted for itself, and asks Redis again at once. For tests."""
    _own().storage.reset()
    _away_until.clear()


# --- The answer to one request too many ---


def answer_too_many(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: TooMany, wherever a view raises it, is a 429 that says how long to wait."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer_429(request, exception) if isinstance(exception, TooMany) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def answer_429(request: HttpRequest, too_many: TooMany) -> HttpResponse:
    name = too_many.limit.name
    is_code, is_sign_in = name.endswith("code"), name.startswith("sign_in")
    answered = answer(
        request,
        429,
        "errors/429_code.html"
        if is_code
        else "errors/429.html"
        if is_sign_in
        else "errors/429_slow_down.html",
        sentence=too_many.sentence,
        code="too_many_requests",
    )
    answered["Retry-After"] = str(too_many.wait_s)
    return answered
