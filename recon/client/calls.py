"""Each call of a site's `/api/v1` as steps (`recon.client.exchange`), waiting and awaiting alike.

All of them raise NotReached, and Refused by its kinds (`recon.client.errors`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from recon.client.answers import (
    Account,
    Artifact,
    Job,
    Limits,
    Photo,
    Poses,
    Presets,
    Queue,
    Quota,
    Result,
    Said,
    Share,
    ShareChange,
    Team,
    Video,
    Wishes,
)
from recon.client.errors import NotThere, Refused, TimedOut, WrongUse
from recon.client.exchange import (
    NOT_MODIFIED,
    LineLost,
    Pause,
    Request,
    Steps,
    Tries,
    send,
    send_once,
)

ROOT = "/api/v1"
#: Between two looks at a job that is waited for: about 30 calls a minute.
LOOK_EVERY_S = 2.0

T = TypeVar("T")
S = TypeVar("S", bound=Said)


class _Photos(Said, frozen=True, kw_only=True):
    items: list[Photo]


class _Videos(Said, frozen=True, kw_only=True):
    items: list[Video]


class _Artifacts(Said, frozen=True, kw_only=True):
    items: list[Artifact]


class _Teams(Said, frozen=True, kw_only=True):
    items: list[Team]


class _KnownPhoto(Said, frozen=True, kw_only=True):
    sha256: str
    photo: Photo


class _Known(Said, frozen=True, kw_only=True):
    known: list[_KnownPhoto]
    missing: list[str]


def get(path: str, kind: type[S], **query: str | int | Sequence[str]) -> Steps[S]:
    answer = yield from send(Request(method="GET", path=ROOT + path, query=query))
    return answer.read_as(kind)


def change(
    method: str, path: str, kind: type[S], content: Mapping[str, object] | None = None
) -> Steps[S]:
    answer = yield from send(Request(method=method, path=ROOT + path, content=content or {}))
    return answer.read_as(kind)


def job_path(job_id: str, *more: str) -> str:
    """Raises WrongUse for what is no job's id."""
    try:
        return "/".join(["/jobs", str(uuid.UUID(job_id)), *more])
    except ValueError as error:
        raise WrongUse(
            f"“{job_id}” is not the id of a job.", "instarecon list shows them."
        ) from error


# --- The site and the account ---


def account() -> Steps[Account]:
    return get("/account", Account)


def quota() -> Steps[Quota]:
    return get("/quota", Quota)


def teams() -> Steps[list[Team]]:
    return (yield from get("/teams", _Teams)).items


def limits() -> Steps[Limits]:
    return get("/limits", Limits)


def presets() -> Steps[Presets]:
    return get("/presets", Presets)


def queue() -> Steps[Queue]:
    return get("/queue", Queue)


# --- Drafts ---


def create_draft(title: str, tags: Sequence[str], wishes: Wishes, team: str = "") -> Steps[Job]:
    content: dict[str, Any] = wishes.to_dict()
    content |= {name: text for name, text in (("title", title), ("team", team)) if text}
    if tags:
        content["tags"] = list(tags)
    return change("POST", "/drafts", Job, content)


def draft_from(job_id: str) -> Steps[Job]:
    return change("POST", job_path(job_id, "draft"), Job)


def photos(job_id: str) -> Steps[list[Photo]]:
    return (yield from get(job_path(job_id, "photos"), _Photos)).items


def videos(job_id: str) -> Steps[list[Video]]:
    return (yield from get(job_path(job_id, "videos"), _Videos)).items


def take_known(job_id: str, names: Mapping[str, str]) -> Steps[dict[str, Photo]]:
    """The photos, by digest, that the site has among `names` (digest -> name). Those of them that
    were in another job are in this draft from now on, too."""
    listed = [{"sha256": digest, "name": name} for digest, name in names.items()]
    found = yield from change("POST", job_path(job_id, "photos", "known"), _Known,
                              {"photos": listed})  # fmt: skip
    return {one.sha256: one.photo for one in found.known}


def order_photos(job_id: str, photo_ids: Sequence[int]) -> Steps[list[Photo]]:
    content = {"photo_ids": list(photo_ids)}
    ordered = yield from change("PUT", job_path(job_id, "photos", "order"), _Photos, content)
    return ordered.items


def poses(job_id: str) -> Steps[Poses]:
    return get(job_path(job_id, "poses"), Poses)


def set_poses(job_id: str, files: Mapping[str, Path]) -> Steps[Poses]:
    """Those of `files` (by the names that the site reads) take the place of the draft's."""
    path = ROOT + job_path(job_id, "poses")
    answer = yield from send(Request(method="POST", path=path, files=files))
    return answer.read_as(Poses)


def drop_poses(job_id: str) -> Steps[None]:
    """None where it had none: an answer may have been lost."""
    try:
        yield from send(Request(method="DELETE", path=ROOT + job_path(job_id, "poses")))
    except NotThere as error:
        if error.code != "no_poses":
            raise


def start(job_id: str, wishes: Wishes, share: ShareChange | None = None) -> Steps[Job]:
    """Queues a draft."""
    content: dict[str, Any] = wishes.to_dict()
    if share is not None:
        content["share"] = share.to_dict()
    return change("POST", job_path(job_id, "start"), Job, content)


# --- Jobs ---


def job(job_id: str) -> Steps[Job]:
    return get(job_path(job_id), Job)


def wait(
    job_id: str, *, limit_s: float | None = None, tell: Callable[[Job], None],
    now: Callable[[], float] = time.monotonic,
) -> Steps[Job]:  # fmt: skip
    """The job once it has ended, however it did. `tell` hears of every change before.

    Raises TimedOut after `limit_s` seconds. A draft never ends by itself, except that one with a
    video may start by itself.
    """
    began, etag, known = now(), "", None
    while True:
        headers = {"If-None-Match": etag} if etag else {}
        path = ROOT + job_path(job_id)
        answer = yield from send(Request(method="GET", path=path, headers=headers))
        if known is None or answer.status != NOT_MODIFIED:
            known, etag = answer.read_as(Job), answer.headers.get("etag", "")
            tell(known)
        if known.has_ended:
            return known
        left = LOOK_EVERY_S if limit_s is None else began + limit_s - now()
        if left <= 0:
            raise TimedOut(
                "The time to wait is over; the job goes on.", f"Later: instarecon wait {job_id}"
            )
        yield Pause(min(LOOK_EVERY_S, left))


def edit(job_id: str, changes: Mapping[str, object]) -> Steps[Job]:
    return change("PATCH", job_path(job_id), Job, changes)


def cancel(job_id: str) -> Steps[Job]:
    return change("POST", job_path(job_id, "cancel"), Job)


def retry(job_id: str) -> Steps[Job]:
    return change("POST", job_path(job_id, "retry"), Job)


def run_again(job_id: str, wishes: Wishes, title: str = "") -> Steps[Job]:
    content: dict[str, Any] = wishes.to_dict() | ({"title": title} if title else {})
    return change("POST", job_path(job_id, "run-again"), Job, content)


def delete(job_id: str) -> Steps[None]:
    """Where the answer was lost, the second request finds no job: it is deleted."""
    request, tries, was_lost = (
        Request(method="DELETE", path=ROOT + job_path(job_id)),
        Tries(),
        False,
    )
    while True:
        try:
            yield from send_once(request)
        except (LineLost, Refused) as error:
            if was_lost and isinstance(error, NotThere):
                return
            was_lost = was_lost or isinstance(error, LineLost)
            yield from tries.after(error)
        else:
            return


def result(job_id: str) -> Steps[Result]:
    return get(job_path(job_id, "result"), Result)


def artifacts(job_id: str) -> Steps[list[Artifact]]:
    return (yield from get(job_path(job_id, "artifacts"), _Artifacts)).items


# --- Sharing ---


def share(job_id: str) -> Steps[Share]:
    return get(job_path(job_id, "share"), Share)


def change_share(job_id: str, changes: ShareChange) -> Steps[Share]:
    return change("PATCH", job_path(job_id, "share"), Share, changes.to_dict())


def as_wishes(**fields: Any) -> Wishes:
    """Wishes of those fields that are not None."""
    known = {name: value for name, value in fields.items() if value is not None}
    return msgspec.convert(known, Wishes)
