"""Lists of jobs, which a site gives a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recon.client.answers import JobSummary, Said
from recon.client.calls import get
from recon.client.exchange import Steps

LARGEST_PAGE = 100  # jobs


class Page(Said, frozen=True, kw_only=True):
    """Some of the caller's jobs, newest first. With `next_cursor` the next page is asked for."""

    items: list[JobSummary]
    total: int
    next_cursor: str | None = None


class Place:
    """Where one is in a list of jobs of which at most `limit` are wanted."""

    def __init__(self, limit: int | None) -> None:
        self._left, self.cursor, self.more = limit, "", limit is None or limit > 0

    @property
    def page(self) -> int:
        """How many jobs to ask for next."""
        return LARGEST_PAGE if self._left is None else min(self._left, LARGEST_PAGE)

    def after(self, page: Page) -> list[JobSummary]:
        """The jobs of `page`, which now lies behind."""
        self.cursor = page.next_cursor or ""
        if self._left is not None:
            self._left -= len(page.items)
        self.more = bool(self.cursor and page.items) and self._left != 0
        return page.items


def page_of_jobs(
    *, statuses: Sequence[str] = (), tag: str = "", preset: str = "", team: str = "",
    created_after: datetime | None = None, created_before: datetime | None = None,
    limit: int = LARGEST_PAGE, cursor: str = "",
) -> Steps[Page]:  # fmt: skip
    query: dict[str, str | int | Sequence[str]] = {"limit": limit}
    words = {"tag": tag, "preset": preset, "team": team, "cursor": cursor}
    query |= {name: word for name, word in words.items() if word}
    if statuses:
        query["status"] = list(statuses)
    for name, moment in (("created_after", created_after), ("created_before", created_before)):
        if moment is not None:
            query[name] = moment.isoformat()
    return get("/jobs", Page, **query)
