"""Carries out the steps of a call over HTTP: `Line` waits, `AsyncLine` awaits.

httpx is loaded when the first line is made: a program that only asks for help does without.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from recon import __version__
from recon.client.errors import WrongUse
from recon.client.exchange import Answer, LineLost, Pause, Request, Steps
from recon.client.photo_files import sendable

if TYPE_CHECKING:
    import httpx

CONNECT_S, READ_S, WRITE_S = 10.0, 90.0, 60.0
CHUNK = 256 * 1024  # bytes

T = TypeVar("T")


class Line:
    """A connection to one site, for one thread. `pause` waits for so many seconds."""

    def __init__(
        self, url: str, token: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises WrongUse for what is not a site's address."""
        import httpx

        self._http = httpx.Client(**_options(url, token))
        self._pause, self._answered = pause, False

    def run(self, steps: Steps[T]) -> T:
        """Raises what the steps raise."""
        import httpx

        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    self._pause(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    answer = self._send(step)
                except httpx.TransportError as error:
                    step = steps.throw(_lost(error, answered=self._answered))
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            steps.close()

    def _send(self, request: Request) -> Answer:
        with ExitStack() as stack:
            answer = self._http.send(_build(self._http, request, stack), stream=True)
            stack.callback(answer.close)
            self._answered = True
            if request.into is None or answer.status_code >= 300:
                return _answer(answer, answer.read())
            request.into.begin(answer.status_code, answer.headers)
            for piece in answer.iter_raw(CHUNK):
                request.into.write(piece)
            return _answer(answer, b"")

    def close(self) -> None:
        self._http.close()


class AsyncLine:
    """The same, for programs that await. Files are read and written between two awaits, a piece at
    a time."""

    def __init__(
        self, url: str, token: str, *,
        pause: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """Raises WrongUse for what is not a site's address."""
        import httpx

        self._http = httpx.AsyncClient(**_options(url, token))
        self._pause, self._answered = pause, False

    async def run(self, steps: Steps[T]) -> T:
        """Raises what the steps raise."""
        import httpx

        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await self._pause(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    answer = await self._send(step)
                except httpx.TransportError as error:
                    step = steps.throw(_lost(error, answered=self._answered))
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            steps.close()

    async def _send(self, request: Request) -> Answer:
        async with AsyncExitStack() as stack:
            answer = await self._http.send(_build(self._http, request, stack), stream=True)
            stack.push_async_callback(answer.aclose)
            self._answered = True
            if request.into is None or answer.status_code >= 300:
                return _answer(answer, await answer.aread())
            request.into.begin(answer.status_code, answer.headers)
            async for piece in answer.aiter_raw(CHUNK):
                request.into.write(piece)
            return _answer(answer, b"")

    async def close(self) -> None:
        await self._http.aclose()


def site_address(url: str) -> str:
    """A site's address as it is kept: with its scheme, without a slash at the end. Raises
    WrongUse."""
    parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise WrongUse(f"“{url}” is not a site's address.", "One looks like https://example.org.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


# Helpers.


class _ReadFile(io.FileIO):
    """A file that says how much of it has been read."""

    def __init__(self, request: Request) -> None:
        super().__init__(str(request.file))
        self._on_read = request.on_sent

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self._on_read(len(data))
        return data


def _options(url: str, token: str) -> dict[str, Any]:
    import httpx

    agent = f"instarecon3d/{__version__} python-httpx/{httpx.__version__}"
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": agent}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return {
        "base_url": site_address(url),
        "headers": headers,
        "timeout": httpx.Timeout(READ_S, connect=CONNECT_S, write=WRITE_S),
    }


def _build(
    http: httpx.Client | httpx.AsyncClient, request: Request, stack: ExitStack | AsyncExitStack
) -> httpx.Request:
    """Raises WrongUse for an address on another host: the token is for this site alone."""
    base = str(http.base_url)
    address = urljoin(base, request.path.removeprefix("/"))
    if urlsplit(address)[:2] != urlsplit(base)[:2]:
        raise WrongUse(f"{address} is not an address of {base}.")
    headers, body = dict(request.headers), dict[str, Any]()
    if request.file is not None:
        file = stack.enter_context(_ReadFile(request))
        body["files"] = {"file": (sendable(request.file.name), file)}
    elif request.files:
        body["files"] = [
            ("files", (sendable(name), stack.enter_context(path.open("rb"))))
            for name, path in request.files.items()
        ]
    elif request.content is not None:
        body["content"] = msgspec.json.encode(request.content)
        headers["Content-Type"] = "application/json"
    query = dict(request.query) or None
    return http.build_request(request.method, address, params=query, headers=headers, **body)


def _answer(answer: httpx.Response, body: bytes) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status_code, headers, body)


def _lost(error: httpx.TransportError, *, answered: bool) -> LineLost:
    return LineLost(str(error) or type(error).__name__, answered=answered)
