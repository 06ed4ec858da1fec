"""Asks decoding processes about what people sent: the calls of `decoding.tasks`, with the same
results and errors, but in a process of its own.

Two kinds of callers: those with somebody waiting at a request (`Opener` with few slots that all web
processes share, and little patience), and those that do jobs (`own_opener`, without settings: also
for the command line).
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from recon.pipeline.decoding import budgets
from recon.pipeline.decoding.pool import BudgetExceeded, Pool, UnreadableFile
from recon.pipeline.decoding.slots import Slots
from recon.pipeline.errors import UserError

if TYPE_CHECKING:
    from recon.pipeline.config import PreflightConfig
    from recon.pipeline.photos.photo_zips import UnpackedFile, ZipLimits
    from recon.pipeline.photos.video import TakenFrame, VideoLimits
    from recon.poses.photo_check.photo_look import PhotoLook
    from recon.poses.pose_files.contents import PoseFile
    from recon.reporting import Progress

#: For one process that does jobs; it works on one thing after another, except in the check.
OWN_PROCESSES = min(os.cpu_count() or 1, 4)

#: px, longest side of the small picture of a photo: sharp at 160 CSS px on a dense screen.
SMALL_SIDE = 320
SMALL_QUALITY = 80

#: A picture that is made anew; and how many times the pixels of the new one it may have.
REDRAWN_QUALITY = 90
REDRAWN_FROM = 4


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of a photo whose every pixel was decoded."""

    width: int  # px, upright
    height: int  # px, upright
    format: str  # one of `photos.FORMATS`, by content
    small: bytes  # a JPEG of it, upright, without metadata, at most SMALL_SIDE px
    taken_on: date | None  # as its metadata says


@dataclass(frozen=True)
class RedrawnPicture:
    """A picture made anew."""

    jpeg: bytes
    width: int  # px
    height: int  # px


@dataclass(frozen=True)
class DevelopedPhoto:
    """A photo as it is used: upright 8-bit sRGB, and what its metadata said."""

    jpeg: bytes
    width: int  # px
    height: int  # px
    focal: float | None  # px of this picture
    device: str | None  # the same for one body and lens; a digest
    orientation: int = 1  # EXIF's, of the file: it is upright here
    ev100: float | None = None  # exposure value, see `exif.exposure_value`


class Opener:
    """Opens files in the processes of a pool. All its methods may raise
    PipelineError("too_busy")."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def check_photo(
        self, source: Path | BinaryIO, *, name: str, min_image_size: int, max_megapixels: int
    ) -> PhotoFacts:
        """Raises UserError as `photos.decode` does, and photo_too_complex."""
        limits = {"min_image_size": min_image_size, "max_megapixels": max_megapixels}
        with _photo(source, name) as file:
            facts = {"name": name, "side": SMALL_SIDE, "quality": SMALL_QUALITY} | limits
            answer = self.pool.result("check_photo", file, facts, budgets.ONE_PHOTO)
        found = answer.facts
        width, height = int(found["width"]), int(found["height"])
        taken_on = date.fromisoformat(str(found["taken_on"])) if found["taken_on"] else None
        return PhotoFacts(width, height, str(found["format"]), answer.body, taken_on)

    def small_picture(self, source: Path) -> bytes:
        """The small JPEG of a photo, as `check_photo` makes it. Raises UserError,
        FileNotFoundError."""
        facts = {"name": source.name, "side": SMALL_SIDE, "quality": SMALL_QUALITY}
        with _photo(source, source.name) as file:
            return self.pool.result("small_picture", file, facts, budgets.ONE_PHOTO).body

    def redraw(self, source: BinaryIO, *, name: str, side: int) -> RedrawnPicture:
        """A picture that somebody's browser drew as a JPEG of ours, without metadata, at most
        `side` px. Raises UserError; where it is much larger than that, too."""
        facts = {"name": name, "side": side, "quality": REDRAWN_QUALITY}
        facts |= {"max_pixels": REDRAWN_FROM * side**2}
        with _photo(source, name) as file:
            answer = self.pool.result("redraw", file, facts, budgets.ONE_PHOTO)
        return RedrawnPicture(answer.body, int(answer.facts["width"]), int(answer.facts["height"]))

    def develop(self, source: Path, *, name: str, config: PreflightConfig) -> DevelopedPhoto:
        """As `prepared.develop`."""
        facts = {"name": name, "config": asdict(config)}
        with _photo(source, name) as file:
            made = self.pool.result("prepare", file, facts, budgets.ONE_PHOTO_IN_FULL)
        return DevelopedPhoto(jpeg=made.body, **made.facts)

    def look_at(self, source: Path) -> PhotoLook:
        """As `checking.look_here`."""
        from recon.pipeline.photo_check import check_cache

        with _photo(source, source.name) as file:
            budget = budgets.ONE_PHOTO_IN_FULL
            seen = self.pool.result("look", file, {"name": source.name}, budget)
        look = check_cache.unpack_look(io.BytesIO(seen.body))
        if look is None:
            raise UserError("photo_unreadable", name=source.name)
        return look

    def probe(self, source: Path | BinaryIO, *, name: str, limits: VideoLimits) -> float:
        """As `video.probe`; raises UserError("video_too_complex"), too."""
        facts = {"name": name, "limits": asdict(limits)}
        with _video(source, name) as file:
            found = self.pool.result("probe", file, facts, budgets.VIDEO_INDEX).facts
        return float(found["seconds"])

    def take_frames(
        self, source: Path, *, name: str, wanted: int, report: Progress
    ) -> Iterator[TakenFrame]:
        """As `video.take_frames`; raises UserError("video_too_complex"), too."""
        from recon.pipeline.photos.video import TakenFrame

        facts = {"name": name, "wanted": wanted}
        with _video(source, name) as file:
            for news in self.pool.ask("take_frames", file, facts, budgets.VIDEO_FRAMES):
                if "seconds" in news.facts:
                    yield TakenFrame(float(news.facts["seconds"]), news.body)
                else:
                    counts = {str(fact): int(count) for fact, count in news.facts["counts"].items()}
                    report(float(news.facts["fraction"]), str(news.facts["code"]), **counts)

    def unpack(
        self, source: Path | BinaryIO, *, name: str, limits: ZipLimits
    ) -> Iterator[UnpackedFile]:
        """As `photo_zips.unpack`; raises UserError("zip_unreadable") where it costs too much."""
        from recon.pipeline.photos.photo_zips import UnpackedFile

        try:
            with _open_source(source) as file:
                facts = {"name": name, "limits": asdict(limits)}
                for news in self.pool.ask("unpack", file, facts, budgets.ONE_ZIP):
                    is_poses = news.facts["kind"] == "poses"
                    yield UnpackedFile(
                        "poses" if is_poses else "photo", str(news.facts["path"]), news.body
                    )
        except (BudgetExceeded, UnreadableFile) as error:
            raise UserError("zip_unreadable", name=name) from error

    def list_poses(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The names of the photos that files of camera positions have.

        Raises UserError: poses_unreadable, poses_unknown_camera, poses_too_large.
        """
        with _poses(files) as (file, facts):
            answer = self.pool.result("list_poses", file, facts, budgets.POSE_FILES)
            names = json.loads(answer.body)
        return tuple(str(name) for name in names)

    def read_poses(self, files: Sequence[Path]) -> PoseFile:
        """All that files of camera positions say. Raises as `list_poses`."""
        from recon.pipeline.decoding import pose_messages
        from recon.poses.pose_files.contents import PoseFile

        with _poses(files) as (file, facts):
            photos = []
            work = self.pool.ask("read_poses", file, facts, budgets.POSE_FILES)
            try:
                while True:
                    news = next(work)
                    photos.append(pose_messages.read_photo(news.facts, news.body))
            except StopIteration as end:
                return PoseFile(tuple(photos), pose_messages.read_points(end.value.body))
            except (ValueError, TypeError, KeyError) as error:
                raise UnreadableFile from error


@contextmanager
def _poses(files: Sequence[Path]) -> Iterator[tuple[BinaryIO, dict[str, object]]]:
    """The files one after the other, and where each ends: a child is given one file. Any failure
    becomes an error about camera positions."""
    parts: list[tuple[str, int]] = []
    try:
        with tempfile.TemporaryFile() as together:
            for path in files:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, together)
                parts.append((path.name, together.tell() - sum(size for _, size in parts)))
            together.seek(0)
            yield together, {"parts": parts}
    except BudgetExceeded as error:
        from recon.poses.pose_files.finding import MOST_BYTES  # with it comes NumPy

        raise UserError("poses_too_large", limit_mb=MOST_BYTES // 2**20) from error
    except UnreadableFile as error:
        name = next((path.name for path in files), "?")
        raise UserError("poses_unreadable", file=name) from error


@contextmanager
def _photo(source: Path | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The open photo; any failure becomes an error about a photo."""
    try:
        with _open_source(source) as file:
            yield file
    except BudgetExceeded as error:
        raise UserError("photo_too_complex", name=name) from error
    except UnreadableFile as error:
        raise UserError("photo_unreadable", name=name) from error


@contextmanager
def _video(source: Path | BinaryIO, name: str) -> Iterator[BinaryIO]:
    try:
        with _open_source(source) as file:
            yield file
    except BudgetExceeded as error:
        raise UserError("video_too_complex", name=name) from error
    except UnreadableFile as error:
        raise UserError("video_unreadable", name=name) from error


@contextmanager
def _open_source(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A file that a child can be given: opened anew, for reading only; or a copy of what lies in
    memory, on its way from a form."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() if not hasattr(os, "memfd_create") else _in_memory() as copy:
        source.seek(0)
        while part := source.read(2**20):
            copy.write(part)
        copy.flush()
        copy.seek(0)
        source.seek(0)
        yield copy


def _in_memory() -> BinaryIO:
    return os.fdopen(os.memfd_create("upload"), "w+b")


_own: Opener | None = None


def own_opener() -> Opener:
    """This process's own, for jobs and the command line: waits for a slot as long as it takes."""
    global _own
    if _own is None:
        _own = Opener(Pool(Slots(OWN_PROCESSES)))
    return _own


def _forget() -> None:
    """A fork has none of its parent's children."""
    global _own
    if _own is not None:
        _own.pool.forget()
        _own = None


os.register_at_fork(after_in_child=_forget)
