"""A site for programs: `Client` waits for each answer, `AsyncClient` is awaited.

Both make the same calls (`recon.client.calls`). Every call tries again after a lost line, and does
nothing twice by it. All raise `NotReached` and the kinds of `Refused` in `recon.client.errors`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from recon.client import calls, photo_files, sign_in
from recon.client.answers import (
    Account,
    Artifact,
    Job,
    JobSummary,
    Limits,
    Photo,
    Presets,
    Queue,
    Quota,
    Result,
    Share,
    ShareChange,
    Wishes,
)
from recon.client.download import choose, download
from recon.client.errors import PhotoRefused
from recon.client.line import AsyncLine, Line
from recon.client.upload import FilesChosen, Plan, Told, upload

NO_WISHES = Wishes()


def _ignore(_: object) -> None:
    """Listens to nothing."""


def _known(url: str | None, token: str | None) -> tuple[str, str]:
    """What is not given, from the environment or from `instarecon login`. Raises WrongUse."""
    if url is not None and token is not None:
        return url, token
    known = sign_in.read()
    return url or known.url, token or known.token


def _plan(
    photos: Path | Iterable[Path], *, draft: str, title: str, tags: Sequence[str], wishes: Wishes,
    share: ShareChange | None, start: bool, leave_out_refused: bool, tell: Callable[[Told], None],
) -> Plan:  # fmt: skip
    files, others = photo_files.find([photos] if isinstance(photos, Path) else photos)
    tell(FilesChosen(files, others))
    if not files and not draft:
        raise PhotoRefused("There are no photos and no videos to send.", status=400)
    return Plan(
        files=files, draft=draft, title=title, tags=tags, wishes=wishes, share=share, start=start,
        leave_out_refused=leave_out_refused, tell=tell,
    )  # fmt: skip


class Client(AbstractContextManager["Client"]):
    """A site, with its owner's token. Without arguments it is the one of `INSTARECON_URL` and
    `INSTARECON_TOKEN`, or of `instarecon login`. For one thread."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Raises WrongUse."""
        self._line = Line(*_known(url, token), pause=pause)

    def close(self) -> None:
        self._line.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    # The site and the account.

    def account(self) -> Account:
        return self._line.run(calls.account())

    def quota(self) -> Quota:
        return self._line.run(calls.quota())

    def limits(self) -> Limits:
        return self._line.run(calls.limits())

    def presets(self) -> Presets:
        return self._line.run(calls.presets())

    def queue(self) -> Queue:
        return self._line.run(calls.queue())

    # Photos.

    def upload(
        self, photos: Path | Iterable[Path], *, draft: str = "", title: str = "",
        tags: Sequence[str] = (), wishes: Wishes = NO_WISHES, share: ShareChange | None = None,
        start: bool = True, leave_out_refused: bool = False,
        tell: Callable[[Told], None] = _ignore,
    ) -> Job:  # fmt: skip
        """Sends the photos and videos in a folder, or these files, and queues them as a job.

        What the site has of them is not sent. With `draft`, an earlier draft's id, they are added
        to it; without `start` they stay in the draft. `tell` hears how far it is. Raises WrongUse
        for files that can't be read; FilesRefused.
        """
        plan = _plan(
            photos, draft=draft, title=title, tags=tags, wishes=wishes, share=share, start=start,
            leave_out_refused=leave_out_refused, tell=tell,
        )  # fmt: skip
        return self._line.run(upload(plan))

    def draft_from(self, job_id: str) -> Job:
        """A draft with the photos and wishes of a job that has ended."""
        return self._line.run(calls.draft_from(job_id))

    def photos(self, job_id: str) -> list[Photo]:
        return self._line.run(calls.photos(job_id))

    def start(
        self, job_id: str, *, wishes: Wishes = NO_WISHES, share: ShareChange | None = None
    ) -> Job:
        """Queues a draft."""
        return self._line.run(calls.start(job_id, wishes, share))

    # Jobs.

    def job(self, job_id: str) -> Job:
        return self._line.run(calls.job(job_id))

    def jobs(self, *, statuses: Sequence[str] = (), tag: str = "", preset: str = "",
             limit: int | None = None) -> Iterator[JobSummary]:  # fmt: skip
        """The caller's jobs, newest first, at most `limit`; pages are asked for as needed."""
        at = calls.Place(limit)
        while at.more:
            page = calls.page_of_jobs(
                statuses=statuses, tag=tag, preset=preset, limit=at.page, cursor=at.cursor
            )
            yield from at.after(self._line.run(page))

    def wait(
        self, job_id: str, *, limit_s: float | None = None, tell: Callable[[Job], None] = _ignore
    ) -> Job:
        """The job once it has ended, however it did. `tell` hears of every change. Raises TimedOut
        after `limit_s` seconds."""
        return self._line.run(calls.wait(job_id, limit_s=limit_s, tell=tell))

    def edit(self, job_id: str, **changes: Any) -> Job:
        """Changes `title`, `tags` or `description`."""
        return self._line.run(calls.edit(job_id, changes))

    def cancel(self, job_id: str) -> Job:
        return self._line.run(calls.cancel(job_id))

    def retry(self, job_id: str) -> Job:
        """A new job with the photos and wishes of one that failed or was cancelled."""
        return self._line.run(calls.retry(job_id))

    def run_again(self, job_id: str, *, wishes: Wishes = NO_WISHES, title: str = "") -> Job:
        return self._line.run(calls.run_again(job_id, wishes, title))

    def delete(self, job_id: str) -> None:
        """The job, its photos, its scene and its link, for good."""
        self._line.run(calls.delete(job_id))

    # What becomes of it.

    def result(self, job_id: str) -> Result:
        return self._line.run(calls.result(job_id))

    def artifacts(self, job_id: str) -> list[Artifact]:
        """The files of a finished job."""
        return self._line.run(calls.artifacts(job_id))

    def download(
        self, job_id: str, folder: Path, *, kinds: Sequence[str] = ("scene_ply",),
        overwrite: bool = False, on_bytes: Callable[[Artifact, int], None] | None = None,
    ) -> list[Path]:  # fmt: skip
        """Brings files into `folder`, all of them without any `kinds`, and says where they lie.

        `on_bytes` hears how much of each file is here. Raises WrongUse where another file has the
        name, WrongFile where what arrives is not what the site has.
        """
        found = choose(self.artifacts(job_id), list(kinds))
        return [
            self._line.run(
                download(job_id, one, folder, overwrite=overwrite, on_bytes=_about(one, on_bytes))
            )
            for one in found
        ]

    def share(self, job_id: str, change: ShareChange | None = None) -> Share:
        """How the job is shared, after this change."""
        if change is None:
            return self._line.run(calls.share(job_id))
        return self._line.run(calls.change_share(job_id, change))


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
    """`Client`, awaited. Its methods say the same."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *, pause: Any = asyncio.sleep
    ) -> None:
        """Raises WrongUse."""
        self._line = AsyncLine(*_known(url, token), pause=pause)

    async def close(self) -> None:
        await self._line.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.close()

    async def account(self) -> Account:
        return await self._line.run(calls.account())

    async def quota(self) -> Quota:
        return await self._line.run(calls.quota())

    async def limits(self) -> Limits:
        return await self._line.run(calls.limits())

    async def presets(self) -> Presets:
        return await self._line.run(calls.presets())

    async def queue(self) -> Queue:
        return await self._line.run(calls.queue())

    async def upload(
        self, photos: Path | Iterable[Path], *, draft: str = "", title: str = "",
        tags: Sequence[str] = (), wishes: Wishes = NO_WISHES, share: ShareChange | None = None,
        start: bool = True, leave_out_refused: bool = False,
        tell: Callable[[Told], None] = _ignore,
    ) -> Job:  # fmt: skip
        plan = await asyncio.to_thread(
            _plan, photos, draft=draft, title=title, tags=tags, wishes=wishes, share=share,
            start=start, leave_out_refused=leave_out_refused, tell=tell,
        )  # fmt: skip
        return await self._line.run(upload(plan))

    async def draft_from(self, job_id: str) -> Job:
        return await self._line.run(calls.draft_from(job_id))

    async def photos(self, job_id: str) -> list[Photo]:
        return await self._line.run(calls.photos(job_id))

    async def start(
        self, job_id: str, *, wishes: Wishes = NO_WISHES, share: ShareChange | None = None
    ) -> Job:
        return await self._line.run(calls.start(job_id, wishes, share))

    async def job(self, job_id: str) -> Job:
        return await self._line.run(calls.job(job_id))

    async def jobs(self, *, statuses: Sequence[str] = (), tag: str = "", preset: str = "",
                   limit: int | None = None) -> AsyncIterator[JobSummary]:  # fmt: skip
        at = calls.Place(limit)
        while at.more:
            page = calls.page_of_jobs(
                statuses=statuses, tag=tag, preset=preset, limit=at.page, cursor=at.cursor
            )
            for one in at.after(await self._line.run(page)):
                yield one

    async def wait(
        self, job_id: str, *, limit_s: float | None = None, tell: Callable[[Job], None] = _ignore
    ) -> Job:
        return await self._line.run(calls.wait(job_id, limit_s=limit_s, tell=tell))

    async def edit(self, job_id: str, **changes: Any) -> Job:
        return await self._line.run(calls.edit(job_id, changes))

    async def cancel(self, job_id: str) -> Job:
        return await self._line.run(calls.cancel(job_id))

    async def retry(self, job_id: str) -> Job:
        return await self._line.run(calls.retry(job_id))

    async def run_again(self, job_id: str, *, wishes: Wishes = NO_WISHES, title: str = "") -> Job:
        return await self._line.run(calls.run_again(job_id, wishes, title))

    async def delete(self, job_id: str) -> None:
        await self._line.run(calls.delete(job_id))

    async def result(self, job_id: str) -> Result:
        return await self._line.run(calls.result(job_id))

    async def artifacts(self, job_id: str) -> list[Artifact]:
        return await self._line.run(calls.artifacts(job_id))

    async def download(
        self, job_id: str, folder: Path, *, kinds: Sequence[str] = ("scene_ply",),
        overwrite: bool = False, on_bytes: Callable[[Artifact, int], None] | None = None,
    ) -> list[Path]:  # fmt: skip
        found = choose(await self.artifacts(job_id), list(kinds))
        return [
            await self._line.run(
                download(job_id, one, folder, overwrite=overwrite, on_bytes=_about(one, on_bytes))
            )
            for one in found
        ]

    async def share(self, job_id: str, change: ShareChange | None = None) -> Share:
        if change is None:
            return await self._line.run(calls.share(job_id))
        return await self._line.run(calls.change_share(job_id, change))


def _about(
    artifact: Artifact, on_bytes: Callable[[Artifact, int], None] | None
) -> Callable[[int], None]:
    """What hears how many bytes of `artifact` are here."""
    if on_bytes is None:
        return _ignore
    return lambda count: on_bytes(artifact, count)
