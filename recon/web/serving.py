"""Files out: with validators (ETag, Last-Modified), byte ranges (RFC 9110) and a good name.

Large files may be sent by others (DOWNLOADS): by nginx (`X-Accel-Redirect`), or by the object store
itself, which a signed address leads to. Who may have them is decided here all the same.

Everything is sent with `no-cache`: a browser may keep a copy but asks each time whether it still
may use it, so that a link switched off or a job deleted stops at once.
"""

from __future__ import annotations

import os
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date
from django.utils.translation import gettext_lazy as _

from recon.jobs.folder import mirror
from recon.models import Artifact, Job
from recon.web.access import NotThere

#: What nginx knows `DATA_DIR/jobs/` by: an `internal` location.
X_ACCEL = "/_jobs/"
CHUNK = 256 * 1024  # bytes per write
GONE = _(
    "This file is not there, or no longer there. The scene may still be running, or its files "
    "were cleaned up."
)

#: What each kind is called after the title, its media type, and whether it is saved, not shown.
KINDS: dict[str, tuple[str, str, bool]] = {
    Artifact.Kind.PLY: ("-unfiltered.ply", "application/octet-stream", True),
    Artifact.Kind.FILTERED_PLY: ("-filtered.ply", "application/octet-stream", True),
    Artifact.Kind.SCENE_PLY: (".ply", "application/octet-stream", True),
    Artifact.Kind.SPLAT: (".splat", "application/octet-stream", True),
    Artifact.Kind.SPZ: (".spz", "application/octet-stream", True),
    Artifact.Kind.OTHER_SPZ: ("-other.spz", "application/octet-stream", True),
    Artifact.Kind.FIRST: ("-first.spz", "application/octet-stream", True),
    Artifact.Kind.POSTER: (".jpg", "image/jpeg", False),
    Artifact.Kind.TURNTABLE: (".mp4", "video/mp4", False),
    Artifact.Kind.COLMAP: ("-colmap.zip", "application/zip", True),
    Artifact.Kind.RESULTS: ("-results.json", "application/json", True),
    Artifact.Kind.CAMERAS: ("-cameras.json", "application/json", True),
}


class Piece:
    """Bytes `start` to `start + length` of an open file, as a file of its own.

    It can seek: the web server's I/O loop then sends it by itself, and no thread waits for slow
    readers.
    """

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        left = max(self._length - self.tell(), 0)
        return self._file.read(left if size < 0 else min(size, left))

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._length}[whence]
        return self._file.seek(self._start + max(base + offset, 0)) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start

    def close(self) -> None:
        self._file.close()


class PieceResponse(FileResponse):
    """Like its parent, with larger writes: scenes are megabytes."""

    block_size = CHUNK


def serve_artifact(request: HttpRequest, job: Job, kind: str) -> HttpResponseBase:
    """One of a finished job's files. Raises NotThere where it does not exist."""
    artifact = job.artifacts.filter(kind=kind).first() if job.is_completed else None
    if artifact is None:
        raise NotThere(GONE)
    ending, media_type, saved = KINDS[kind]
    name = job.file_stem + ending
    if settings.DOWNLOADS == "signed" and saved and not _is_asked_by_script(request):
        signed = mirror.address_of(job, artifact.path, name=name, media_type=media_type)
        if signed is None:
            raise NotThere(GONE)
        return HttpResponseRedirect(signed)
    mirror.pull(job, artifact.path)
    path = check_contained(job, artifact.file)
    if settings.DOWNLOADS == "x-accel":
        return _by_nginx(job, path, name, media_type, saved=saved)
    return serve_file(request, path, name, media_type, saved=saved)


def _is_asked_by_script(request: HttpRequest) -> bool:
    """Whether the viewer's script reads it: our pages let it read from this site alone."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _by_nginx(job: Job, path: Path, name: str, media_type: str, *, saved: bool) -> HttpResponseBase:
    """Has nginx send the file, ranges and validators included. It takes the answer's other
    headers over."""
    there = quote(f"{job.pk}/{path.relative_to(job.folder.resolve()).as_posix()}")
    response = HttpResponse(content_type=media_type)
    response["X-Accel-Redirect"] = f"{X_ACCEL}{there}"
    response["Content-Disposition"] = content_disposition_header(saved, name) or "inline"
    response["Cache-Control"] = "private, no-cache"
    return response


def check_contained(job: Job, path: Path) -> Path:
    """`path`, resolved, if it lies in the job's folder and is a file. Raises NotThere."""
    resolved = path.resolve()
    if not resolved.is_relative_to(job.folder.resolve()) or not resolved.is_file():
        raise NotThere(GONE)
    return resolved


def serve_jpeg(request: HttpRequest, path: Path | None, name: str) -> HttpResponseBase:
    """A picture to show. Raises NotThere where there is none."""
    if path is None:
        raise NotThere(GONE)
    return serve_file(request, path, name, "image/jpeg", saved=False)


def serve_file(
    request: HttpRequest, path: Path, name: str, media_type: str, *, saved: bool
) -> HttpResponseBase:
    """The file, a part of it (206), or word that the client's copy is still good (304)."""
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotThere(GONE) from error
    facts = os.fstat(file.fileno())
    etag, modified = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"', int(facts.st_mtime)
    span = requested_span(request, etag, modified, facts.st_size)
    unsent = get_conditional_response(request, etag=etag, last_modified=modified)
    if unsent is None and span is not None and not span:
        unsent = HttpResponse(status=416, headers={"Content-Range": f"bytes */{facts.st_size}"})
    if unsent is not None:
        file.close()
        return _with_headers(unsent, etag, modified)
    wanted = range(facts.st_size) if span is None else span
    response = PieceResponse(
        Piece(file, wanted.start, 0 if request.method == "HEAD" else len(wanted)),
        as_attachment=saved,
        filename=name,
        content_type=media_type,
    )
    response["Content-Length"] = str(len(wanted))
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{facts.st_size}"
    return _with_headers(response, etag, modified)


def requested_span(request: HttpRequest, etag: str, modified: int, size: int) -> range | None:
    """The bytes that a GET asks for; an empty range outside the file; None for all of it.

    Several ranges, other units and what makes no sense are answered with the whole file, as
    RFC 9110 (14.2) allows; so is a range of an older version (If-Range).
    """
    header = request.headers.get("Range", "").strip() if request.method == "GET" else ""
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header)
    if match is None or not any(match.groups()) or not _if_range_holds(request, etag, modified):
        return None
    first, last = match.groups()
    if not first:  # the last N bytes
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def _if_range_holds(request: HttpRequest, etag: str, modified: int) -> bool:
    condition = request.headers.get("If-Range", "").strip()
    if not condition or condition.startswith(('"', "W/")):
        return condition in ("", etag)
    try:
        return int(parsedate_to_datetime(condition).timestamp()) == modified
    except (ValueError, OverflowError):  # no date, or none that a clock could show
        return False


def _with_headers(response: HttpResponseBase, etag: str, modified: int) -> HttpResponseBase:
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    return response
