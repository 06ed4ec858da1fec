"""How much may be sent, and how a body of photos is read.

Django parses a form's body in one go, files first, and a view hears of it only afterwards. So the
limits are kept by an upload handler that is in force for every address (`FILE_UPLOAD_HANDLERS`):
it lets files in only where a view asked for them, counts bytes as they come, stops storing at the
limit and remembers what was too large. What it lets through goes on to Django's own handlers,
which put it into temporary files.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext

from accounts import throttling
from accounts.requests import SignedInRequest
from accounts.throttling import HOUR, Counter, Limit
from instarecon_site.server.limits import FORM_OVERHEAD, MB, READ_TO_THE_END
from recon.pipeline.photos.file_kinds import RAW_SUFFIXES
from recon.pipeline.photos.media import (
    HEAD,
    PHOTO_SUFFIXES,
    PHOTO_TYPES,
    VIDEO_SUFFIXES,
    VIDEO_TYPES,
    ZIP_SUFFIXES,
    ZIP_TYPES,
    container_of,
)
from recon.pipeline.photos.photo_zips import is_zip
from recon.pipeline.words import sizes

_SHORT = 1024  # bytes: a form without a field has a boundary of 70 at most


class UploadRefused(Exception):
    """The body could not be taken at all; `sentences` are for the person."""

    def __init__(self, status: int, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.status = status
        self.sentences = sentences


def limits() -> dict[str, str | int]:
    """What the pages say and offer, and scripts check before they send. The kinds of files are
    lists as in HTML's `accept`."""
    return {
        "photo_kinds": ",".join((*PHOTO_TYPES, *PHOTO_SUFFIXES)),
        "video_kinds": ",".join((*VIDEO_TYPES, *VIDEO_SUFFIXES)),
        "raw_kinds": ",".join(RAW_SUFFIXES),
        "zip_kinds": ",".join((*ZIP_TYPES, *ZIP_SUFFIXES)),
        "min_photos": settings.MIN_PHOTOS,
        "max_photos": settings.MAX_PHOTOS,
        "max_file_mb": settings.MAX_FILE_SIZE_MB,
        "max_total_mb": settings.MAX_UPLOAD_SIZE_MB,
        "max_video_mb": settings.MAX_VIDEO_SIZE_MB,
        "min_side": settings.MIN_IMAGE_SIZE,
    }


def receive(request: SignedInRequest) -> None:
    """Reads the body of `request`, photos and all, so that POST and FILES can be used.

    Raises TooMany for somebody who has sent very many within the hour, before a byte is read, and
    UploadRefused: 413 where a photo or all together are too large, whatever else is
    wrong; 400 where the body is broken or holds too many files.
    """
    if request.content_type == "multipart/form-data":
        each = Limit("uploads", settings.UPLOADS_AN_HOUR, HOUR)
        throttling.spend([Counter(each, str(request.user.pk))])
    request.accepts_photos = True  # type: ignore[attr-defined]
    refused = _parse(request)
    too_large: list[str] = getattr(request, "too_large", [])
    if too_large:
        raise UploadRefused(413, *too_large)
    if refused:
        raise refused


def _parse(request: HttpRequest) -> UploadRefused | None:
    is_form = request.content_type == "multipart/form-data"
    try:
        # What is short is read first: Django takes whatever has no boundary for an empty form.
        short = request.body if is_form and _declared_size(request) <= _SHORT else None
        _ = request.POST
    except TooManyFilesSent:
        _drain(request)
        said = gettext("That is more than {count} files; a scene takes {least} to {most} photos.")
        return UploadRefused(
            400,
            said.format(
                count=settings.DATA_UPLOAD_MAX_NUMBER_FILES,
                least=settings.MIN_PHOTOS,
                most=settings.MAX_PHOTOS,
            ),
        )
    except RequestDataTooBig:
        return UploadRefused(413, gettext("The text in the form is too long."))
    except (TooManyFieldsSent, MultiPartParserError, UnreadablePostError):
        return _damaged()
    if is_form and not request.POST and not request.FILES:
        boundary = (request.content_params or {}).get("boundary", "")
        if short is None or short.strip(b"\r\n") != f"--{boundary}--".encode():
            return _damaged()
    return None


def _damaged() -> UploadRefused:
    return UploadRefused(400, gettext("The upload arrived damaged or cut off. Send it again."))


def _drain(request: HttpRequest) -> None:
    """Reads what is left of a body that was given up, within the limits, and forgets it."""
    if _declared_size(request) <= READ_TO_THE_END * _total_limit():
        with suppress(UnreadablePostError):  # nobody is left to read the answer
            while request.read(MB):
                pass


class QuotaUploadHandler(FileUploadHandler):
    """Counts bytes per file and in all. Stores nothing itself and says nothing to the person.

    What was too large is left as sentences in `request.too_large`, for `receive`.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.in_all = 0
        self.in_file = 0
        self.is_video = False
        self.is_zip = False
        self.too_large: list[str] = []
        self.total_reported = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Decides before the first byte where the declared size already says enough."""
        self.expected = getattr(self.request, "accepts_photos", False)
        self.declared = content_length
        self.request.too_large = self.too_large  # type: ignore[union-attr]
        if self.expected and content_length > _total_limit() + FORM_OVERHEAD:
            self._report_total()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.in_file = 0
        if self.declared > READ_TO_THE_END * _total_limit():
            raise StopUpload(connection_reset=True)
        if not self.expected or self.total_reported:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if not self.in_file:
            self.is_video = container_of(raw_data[:HEAD]) is not None
            self.is_zip = is_zip(raw_data[:HEAD])
        self.in_file += len(raw_data)
        self.in_all += len(raw_data)
        limit = settings.MAX_VIDEO_SIZE_MB if self.is_video else settings.MAX_FILE_SIZE_MB
        if self.is_zip:  # as large as all photos together may be
            limit = settings.MAX_UPLOAD_SIZE_MB
        if self.in_file > limit * MB:
            said = _too_large(self.is_video)
            self.too_large.append(
                said.format(name=self.file_name, limit=sizes.size_in_words(limit * MB))
            )
            raise SkipFile
        if self.in_all > _total_limit():
            self._report_total()
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Nothing: the handlers after this one make the file object."""

    def _report_total(self) -> None:
        self.total_reported = True
        said = gettext(
            "Together, the photos are larger than {limit}, the limit for one upload. Send fewer "
            "or smaller ones."
        )
        self.too_large.append(said.format(limit=sizes.size_in_words(_total_limit())))


class SpoolingUploadHandler(TemporaryFileUploadHandler):
    """Puts files on the disk as its parent does, but not under the ending of the name that was
    sent, which may be longer than a disk's names can be."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        kind = (self.content_type, 0, self.charset, self.content_type_extra)
        self.file = TemporaryUploadedFile("file", *kind)
        self.file.name = self.file_name


def _too_large(is_video: bool) -> str:
    if is_video:
        return gettext(
            "“{name}” is larger than {limit}, the limit for one video. Record a shorter one, or "
            "record in 1080p."
        )
    return gettext("“{name}” is larger than {limit}, the limit for one photo.")


def _total_limit() -> int:
    """Bytes."""
    return int(settings.MAX_UPLOAD_SIZE_MB) * MB


def _declared_size(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
