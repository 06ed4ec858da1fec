"""What can go wrong between this program and a site, and the exit code that each kind has.

Every error is a sentence for a person and, where there is one, what to do about it.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How the command `instarecon` ends. Scripts rely on the numbers."""

    DONE = 0
    FAULT = 1
    WRONG_USE = 2
    PHOTOS = 3
    NOT_ALLOWED = 4
    NOT_THERE = 5
    NOT_REACHED = 6
    NOT_NOW = 7
    TIMED_OUT = 8
    STOPPED = 130


#: The codes of jobs that failed by the site's fault or its machine's; all others are the photos'.
SITE_FAULTS = frozenset({
    "disk_full", "environment_broken", "folder_not_writable", "gpu_out_of_memory", "internal",
    "out_of_memory", "storage_away", "timed_out", "worker_lost",
})  # fmt: skip


class ClientError(Exception):
    """What a person is told: `sentence`, and `advice` where there is some."""

    exit_code = Exit.FAULT

    def __init__(self, sentence: str, advice: str = "", *, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.advice, self.code = sentence, advice, code

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


class NotReached(ClientError):
    """The site did not answer, or the line was lost again and again."""

    exit_code = Exit.NOT_REACHED


class WrongUse(ClientError):
    """The call makes no sense; the sentence says why."""

    exit_code = Exit.WRONG_USE


class TimedOut(ClientError):
    """The job had not ended when the time to wait was over. It goes on."""

    exit_code = Exit.TIMED_OUT


class Refused(ClientError):
    """The site answered with an error: `status` is HTTP's, `code` the site's, "" if it has none."""

    def __init__(
        self, sentence: str, advice: str = "", *, status: int, code: str = "",
        retry_after_s: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(sentence, advice, code=code)
        self.status, self.retry_after_s = status, retry_after_s


class NotAllowed(Refused):
    """No token, one that is not valid (any more), or one that may not do this."""

    exit_code = Exit.NOT_ALLOWED


class NotThere(Refused):
    """No such job among the caller's, or no such file."""

    exit_code = Exit.NOT_THERE


class NotNow(Refused):
    """A limit is reached, the site is busy, or the job's state does not allow it."""

    exit_code = Exit.NOT_NOW


class PhotoRefused(Refused):
    """A photo, a video or a wish is not as it has to be."""

    exit_code = Exit.PHOTOS


class FilesRefused(PhotoRefused):
    """The site does not take some of the files. What it takes is in the draft `draft_id`, which is
    not started."""

    def __init__(self, sentence: str, *, status: int, code: str, draft_id: str) -> None:
        advice = f"The draft {draft_id} has the rest. Replace these files, or leave them out."
        super().__init__(sentence, advice, status=status, code=code)
        self.draft_id = draft_id


class SiteFault(Refused):
    """The site failed."""


class WrongFile(ClientError):
    """What arrived is not the file that the site has: its length or checksum differ."""


_KINDS: dict[int, type[Refused]] = {
    400: PhotoRefused, 401: NotAllowed, 403: NotAllowed, 404: NotThere, 409: NotNow,
    410: NotThere, 413: PhotoRefused, 415: PhotoRefused, 422: PhotoRefused, 429: NotNow,
    503: NotNow, 507: NotNow,
}  # fmt: skip


def kind_of(status: int) -> type[Refused]:
    """The class of error that an answer's status stands for."""
    return _KINDS.get(status, PhotoRefused if status < 500 else SiteFault)
