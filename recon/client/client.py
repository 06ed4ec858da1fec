"""A site for programs: `Client` waits for each answer; `AsyncClient`, beside it, is awaited.

Both make the same calls (`recon.client.calls`). Every call tries again after a lost line, and does
nothing twice by it. All raise `NotReached` and the kinds of `Refused` in `recon.client.errors`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
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
from recon.client.line import Line
from recon.client.upload import NO_WISHES, Told, plan, upload


class Client(AbstractContextManager["Client"]):
    """A site, with its owner's token. Without arguments it is the one of `INSTARECON_URL` and
    `INSTARECON_TOKEN`, or of `instarecon login`. For one thread."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Raises WrongUse."""
        self._line = Line(*sign_in.site_and_token(url, token), pause=pause)

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

    def teams(self) -> list[Team]:
        """Those that the caller is in."""
        return self._line.run(calls.teams())

    def limits(self) -> Limits:
        return self._line.run(calls.limits())

    def presets(self) -> Presets:
        return self._line.run(calls.presets())

    def queue(self) -> Queue:
        return self._line.run(calls.queue())

    # Photos.

    def upload(
        self, photos: Path | Iterable[Path], *, poses: Path | None = None, draft: str = "",
        title: str = "", team: str = "", tags: Sequence[str] = (), wishes: Wishes = NO_WISHES,
        share: ShareChange | None = None, start: bool = True, leave_out_refused: bool = False,
        tell: Callable[[Told], None] = nobody,
    ) -> Job:  # fmt: skip
        """Sends the photos and videos in a folder, or these files, and queues them as a job.

        What the site has of them is not sent. With `draft`, an earlier draft's id, they are added
        to it; a new one belongs to `team`, a handle. Without `start` they stay in the draft.
        `poses` is a COLMAP model's folder, a transforms.json or a zip: the photos' camera
        positions. `tell` hears how far it is. Raises WrongUse for files that can't be read;
        FilesRefused.
        """
        wanted = plan(
            photos, poses=poses, draft=draft, title=title, team=team, tags=tags, wishes=wishes,
            share=share, start=start, leave_out_refused=leave_out_refused, tell=tell,
        )  # fmt: skip
        return self._line.run(upload(wanted))

    def draft_from(self, job_id: str) -> Job:
        """A draft with the photos and wishes of a job that has ended."""
        return self._line.run(calls.draft_from(job_id))

    def photos(self, job_id: str) -> list[Photo]:
        return self._line.run(calls.photos(job_id))

    def poses(self, job_id: str) -> Poses:
        """Raises NotThere where no camera positions came with the photos."""
        return self._line.run(calls.poses(job_id))

    def set_poses(self, job_id: str, place: Path) -> Poses:
        """Gives a draft camera positions. Raises WrongUse, PhotoRefused."""
        return self._line.run(calls.set_poses(job_id, pose_files.find(place)))

    def drop_poses(self, job_id: str) -> None:
        self._line.run(calls.drop_poses(job_id))

    def start(
        self, job_id: str, *, wishes: Wishes = NO_WISHES, share: ShareChange | None = None
    ) -> Job:
        """Queues a draft."""
        return self._line.run(calls.start(job_id, wishes, share))

    # Jobs.

    def job(self, job_id: str) -> Job:
        return self._line.run(calls.job(job_id))

    def jobs(self, *, statuses: Sequence[str] = (), tag: str = "", preset: str = "",
             team: str = "", limit: int | None = None) -> Iterator[JobSummary]:  # fmt: skip
        """The caller's own jobs, or those of their `team`, newest first, at most `limit`; pages are
        asked for as needed."""
        at = job_pages.Place(limit)
        while at.more:
            page = job_pages.page_of_jobs(
                statuses=statuses, tag=tag, preset=preset, team=team, limit=at.page,
                cursor=at.cursor,
            )  # fmt: skip
            yield from at.after(self._line.run(page))

    def wait(
        self, job_id: str, *, limit_s: float | None = None, tell: Callable[[Job], None] = nobody
    ) -> Job:
        """The job once it has ended, however it did. `tell` hears of every change. Raises TimedOut
        after `limit_s` seconds."""
        return self._line.run(calls.wait(job_id, limit_s=limit_s, tell=tell))

    def edit(self, job_id: str, **changes: Any) -> Job:
        """Changes `title`, `tags`, `description`, `team`, and with `is_kept` whether its age
        deletes it."""
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
                download(job_id, one, folder, overwrite=overwrite, on_bytes=hears_of(one, on_bytes))
            )
            for one in found
        ]

    def share(self, job_id: str, change: ShareChange | None = None) -> Share:
        """How the job is shared, after this change."""
        if change is None:
            return self._line.run(calls.share(job_id))
        return self._line.run(calls.change_share(job_id, change))
