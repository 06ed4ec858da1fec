"""What is sent to a site, what comes back, and what is tried again; nothing here touches the
network.

A call of the site is a generator, `Steps[T]`: it yields each request that it wants sent and each
pause that it wants made, is given the answers, and returns its result. `recon.client.line` carries
the steps out, waiting or with `await`, so that every call is written once. A line that is lost
arrives in the generator as `LineLost`.
"""

from __future__ import annotations

import email.utils
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from recon.client.errors import ClientError, NotReached, Refused, kind_of

#: How often a request is sent before its caller hears that the site can't be reached, and the
#: pauses before the second time and at most. Together some two minutes: a router that restarts.
TRIES = 9
#: The same while the site has never answered: it is more likely that the address is wrong.
TRIES_OF_THE_FIRST = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
#: A site that asks for a longer pause than this is not waited for; the sentence says how long.
LONGEST_WAIT_S = 120.0

NOT_MODIFIED = 304

T = TypeVar("T")


class LineLost(Exception):
    """No whole answer came. The request may have arrived, or not. `answered`: whether the site has
    answered any request before."""

    def __init__(self, said: str, *, answered: bool) -> None:
        super().__init__(said)
        self.answered = answered


def nobody(_: object) -> None:
    """Listens to nothing."""


class Receiver(Protocol):
    """Takes a file's bytes as they arrive."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Called once per answer that has the file or a part of it."""

    def write(self, data: bytes) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request. `path` is the site's own, with a leading slash, or a whole address there."""

    method: str
    path: str
    query: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    content: Mapping[str, object] | None = None  # sent as JSON
    file: Path | None = None  # sent as the field `file` of a form
    files: Mapping[str, Path] = field(default_factory=dict)  # by name, as `files` of a form
    on_sent: Callable[[int], None] = (
        nobody  # is told how many more bytes of the file are on their way
    )
    headers: Mapping[str, str] = field(default_factory=dict)
    into: Receiver | None = None  # takes the body of an answer below 300


@dataclass(frozen=True)
class Answer:
    """`body` is empty where a `Receiver` took it. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read_as(self, kind: type[T]) -> T:
        """The body's JSON. Raises NotReached where it is not what a site says: a proxy's page, say,
        or a sign-in page of a network."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotReached(
                "What answered is not an InstaRecon3D site, or one of another version.",
                f"Check the address; a proxy may be answering. ({error})",
            ) from error


@dataclass(frozen=True)
class Pause:
    """A wish to wait."""

    seconds: float


Steps = Generator[Request | Pause, Answer | None, T]


def send(request: Request) -> Steps[Answer]:
    """Sends `request` until it is answered: again after a lost line, and when the site was busy.

    Raises NotReached, and Refused for an answer of 400 and more.
    """
    request = with_key(request)
    tries = Tries()
    while True:
        try:
            return (yield from send_once(request))
        except (LineLost, Refused) as error:
            yield from tries.after(error)


class Tries:
    """Counts the tries of one thing, and makes the pauses between them."""

    def __init__(self) -> None:
        self._count = 0

    def after(self, error: LineLost | Refused) -> Steps[None]:
        """Pauses. Raises Refused where another try would not help, and NotReached after the last
        one."""
        if isinstance(error, Refused) and not may_pass(error):
            raise error
        self._count += 1
        never_answered = isinstance(error, LineLost) and not error.answered
        if self._count >= (TRIES_OF_THE_FIRST if never_answered else TRIES):
            raise given_up(error) from error
        yield Pause(pause_s(self._count, error))

    def begin_again(self) -> None:
        """Something has been achieved since the last try."""
        self._count = 0


def send_once(request: Request) -> Steps[Answer]:
    """Raises LineLost and Refused, and NotReached for an answer that sends us elsewhere."""
    answer = yield request
    assert answer is not None, "a request is answered"  # noqa: S101 - the one who drives us is ours
    if answer.status >= 400:
        raise refused(answer)
    if 300 <= answer.status < 400 and answer.status != NOT_MODIFIED:
        elsewhere = answer.headers.get("location", "another address")
        raise NotReached(f"The site sends us to {elsewhere}.", "Use its own address.")
    return answer


def with_key(request: Request) -> Request:
    """`request`, with a key by which a site recognises it when it arrives a second time."""
    if request.method != "POST" or "Idempotency-Key" in request.headers:
        return request
    return replace(request, headers={**request.headers, "Idempotency-Key": str(uuid.uuid4())})


def may_pass(error: Refused) -> bool:
    """Whether the same request may be granted soon: the site was busy or asked for a pause, or a
    proxy could not reach it. A person's quota is not waited for."""
    if error.status in (502, 504) or error.code == "idempotency_in_progress":
        return True
    if error.status not in (429, 503) or error.code.startswith("quota_"):
        return False
    return error.retry_after_s is not None and error.retry_after_s <= LONGEST_WAIT_S


def pause_s(attempt: int, last: Exception) -> float:
    """Twice as long each time, give or take a quarter, so that many programs do not come back at
    the same moment; at least what the site asked for."""
    pause = min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
    asked_for = getattr(last, "retry_after_s", None) or 0.0
    return float(max(pause * random.uniform(0.75, 1.25), asked_for))  # noqa: S311 - no secret


def given_up(last: LineLost | Refused) -> ClientError:
    if isinstance(last, Refused):
        return last
    return NotReached(
        f"The site can't be reached: {last}.",
        "Check the address and your connection, then run the same command again.",
    )


class _Field(msgspec.Struct):
    field: str = ""
    message: str = ""


class _Problem(msgspec.Struct):
    """application/problem+json (RFC 9457), with the site's codes."""

    detail: str = ""
    title: str = ""
    code: str = ""
    errors: list[_Field] = []


def refused(answer: Answer) -> Refused:
    """The error that an answer of 400 and more stands for."""
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a proxy's page
        problem = _Problem()
    sentence = problem.detail or problem.title or f"The site answered with error {answer.status}."
    named = [f"{one.field}: {one.message}".removeprefix(": ") for one in problem.errors]
    sentence = " ".join([sentence, *(line for line in named if line not in sentence)])
    wait_s = retry_after_s(answer.headers.get("retry-after", ""))
    advice = _advice(answer.status, problem.code, wait_s)
    kind = kind_of(answer.status)
    return kind(sentence, advice, status=answer.status, code=problem.code, retry_after_s=wait_s)


def _advice(status: int, code: str, wait_s: float | None) -> str:
    if status == 401:
        return "Make a token on the site's account page, then run: instarecon login."
    if code == "token_scope":
        return "Make a token that may do more on the site's account page, then: instarecon login."
    if wait_s is not None:
        return f"Try again in {in_words(wait_s)}."
    if status >= 500:
        return "If it happens again, tell whoever runs the site."
    return ""


def retry_after_s(said: str) -> float | None:
    """The header's seconds or date as seconds from now; None where there is none."""
    if said.strip().isdigit():
        return float(said)
    try:
        moment: Any = email.utils.parsedate_to_datetime(said)
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def in_words(seconds: float) -> str:
    """A duration as people say it: "40 s", "3 min"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"
