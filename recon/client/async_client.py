"""`Client` for programs that await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from recon.client import calls, job_pages, pose_files, sign_in
from recon.client.answers import (
    Account,
    Artifact,
    Job,
    JobSummary,
    Limits,
    Photo,
    Poses,
    Presets,
    Queue,
    Quota,
    Result,
    Share,
    ShareChange,
    Team,
    Wishes,
)
from recon.client.download import choose, download, hears_of
from recon.client.exchange import nobody
from recon.client.line import AsyncLine
from recon.client.upload import NO_WISHES, Told, plan, upload


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
    """`Client`, awaited. Its methods say the same."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *, pause: Any = asyncio.sleep
    ) -> None:
        """Raises WrongUse."""
        self._line = AsyncLine(*sign_in.site_and_token(url, token), pause=pause)

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

    async def teams(self) -> list[Team]:
        return await self._line.run(calls.teams())

    async def limits(self) -> Limits:
        return await self._line.run(calls.limits())

    async def presets(self) -> Presets:
        return await self._line.run(calls.presets())

    async def queue(self) -> Queue:
        return await self._line.run(calls.queue())

    async def upload(
        self, photos: Path | Iterable[Path], *, poses: Path | None = None, draft: str = "",
        title: str = "", team: str = "", tags: Sequence[str] = (), wishes: Wishes = NO_WISHES,
        share: ShareChange | None = None, start: bool = True, leave_out_refused: bool = False,
        tell: Callable[[Told], None] = nobody,
    ) -> Job:  # fmt: skip
        wanted = await asyncio.to_thread(
            plan, photos, poses=poses, draft=draft, title=title, team=team, tags=tags,
            wishes=wishes, share=share, start=start, leave_out_refused=leave_out_refused, tell=tell,
        )  # fmt: skip
        return await self._line.run(upload(wanted))

    async def draft_from(self, job_id: str) -> Job:
        return await self._line.run(calls.draft_from(job_id))

    async def photos(self, job_id: str) -> list[Photo]:
        return await self._line.run(calls.photos(job_id))

    async def poses(self, job_id: str) -> Poses:
        return await self._line.run(calls.poses(job_id))

    async def set_poses(self, job_id: str, place: Path) -> Poses:
        return await self._line.run(calls.set_poses(job_id, pose_files.find(place)))

    async def drop_poses(self, job_id: str) -> None:
        await self._line.run(calls.drop_poses(job_id))

    async def start(
        self, job_id: str, *, wishes: Wishes = NO_WISHES, share: ShareChange | None = None
    ) -> Job:
        return await self._line.run(calls.start(job_id, wishes, share))

    async def job(self, job_id: str) -> Job:
        return await self._line.run(calls.job(job_id))

    async def jobs(
        self, *, statuses: Sequence[str] = (), tag: str = "", preset: str = "", team: str = "",
        limit: int | None = None,
    ) -> AsyncIterator[JobSummary]:  # fmt: skip
        at = job_pages.Place(limit)
        while at.more:
            page = job_pages.page_of_jobs(
                statuses=statuses, tag=tag, preset=preset, team=team, limit=at.page,
                cursor=at.cursor,
            )  # fmt: skip
            for one in at.after(await self._line.run(page)):
                yield one

    async def wait(
        self, job_id: str, *, limit_s: float | None = None, tell: Callable[[Job], None] = nobody
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
                download(job_id, one, folder, overwrite=overwrite, on_bytes=hears_of(one, on_bytes))
            )
            for one in found
        ]

    async def share(self, job_id: str, change: ShareChange | None = None) -> Share:
        if change is None:
            return await self._line.run(calls.share(job_id))
        return await self._line.run(calls.change_share(job_id, change))
