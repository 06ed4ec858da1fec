"""What a decoding process can be asked to do. Runs in the child alone; `opening` is the other side.

Each takes the open file, `tell` for news on the way, and the request's facts; it returns facts and
bytes. Large libraries are imported by the first task that needs them.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from recon.pipeline.config import PreflightConfig
from recon.pipeline.decoding import pose_messages
from recon.pipeline.decoding.messages import Facts
from recon.pipeline.errors import UserError
from recon.pipeline.photos import photo_file
from recon.poses.exif import day_taken, upright
from recon.poses.pose_files.contents import PoseFile, PoseFileError
from recon.poses.pose_files.finding import read_pose_files

Result = tuple[Facts, bytes]
Tell = Callable[[Facts, bytes], None]
Task = Callable[[BinaryIO, Tell, Facts], Result]


def check_photo(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    photo = photo_file.decode(
        file,
        name=facts["name"],
        min_image_size=facts["min_image_size"],
        max_megapixels=facts["max_megapixels"],
    )
    found = {"width": photo.width, "height": photo.height, "format": photo.format}
    day = day_taken(photo.image)
    found["taken_on"] = day.isoformat() if day else None
    return found, _small(photo.image, facts)


def small_picture(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    image, _ = photo_file.load_photo(file, name=facts["name"], longest_needed=facts["side"])
    with image:
        return {}, _small(image, facts)


def redraw(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    """A picture that is no photo: plain, and no larger than `side`."""

    def look(image: Image.Image) -> None:
        if image.width * image.height > facts["max_pixels"]:
            raise UserError("photo_unreadable", name=facts["name"])

    image, _ = photo_file.load_photo(file, name=facts["name"], look=look)
    with image:
        plain = _small(image, facts)
        return {"width": image.width, "height": image.height}, plain


def _small(image: Image.Image, facts: Facts) -> bytes:
    """Made small before it is turned: a turned picture is another copy of all its pixels."""
    image.thumbnail((facts["side"], facts["side"]))
    plain = upright(image).convert("RGB")
    plain.info.clear()
    jpeg = io.BytesIO()
    plain.save(jpeg, "JPEG", quality=facts["quality"])
    return jpeg.getvalue()


def prepare(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    from recon.pipeline.photos import prepare

    with _with_name(file) as path:
        made = prepare.develop(path, facts["name"], PreflightConfig(**facts["config"]))
    found = asdict(made)
    return found, found.pop("jpeg")


def look(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    from recon.pipeline.photo_check import check, check_cache

    with _with_name(file) as path:
        seen = check.look_here(path, facts["name"])
    packed = io.BytesIO()
    check_cache.pack_look(packed, seen)
    return {}, packed.getvalue()


def probe(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    from recon.pipeline.photos import video

    limits = video.VideoLimits(**facts["limits"])
    return {"seconds": video.probe(file, name=facts["name"], limits=limits)}, b""


def take_frames(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    from recon.pipeline.photos import video

    def report(fraction: float, code: str = "", /, **counts: object) -> None:
        tell({"fraction": fraction, "code": code, "counts": counts}, b"")

    wanted = facts["wanted"]
    for frame in video.take_frames(file, name=facts["name"], wanted=wanted, report=report):
        tell({"seconds": frame.seconds}, frame.jpeg)
    return {}, b""


def unpack(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    from recon.pipeline.photos import photo_zips

    limits = photo_zips.ZipLimits(**facts["limits"])
    for one in photo_zips.unpack(file, facts["name"], limits):
        tell({"kind": one.kind, "path": one.path}, one.content)
    return {}, b""


def list_poses(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    """The names of the photos that files of camera positions have."""
    names = [photo.name for photo in _pose_file(file, facts).photos]
    return {}, json.dumps(names).encode()


def read_poses(file: BinaryIO, tell: Tell, facts: Facts) -> Result:
    """All that they say, photo by photo."""
    found = _pose_file(file, facts)
    for photo in found.photos:
        tell(*pose_messages.of_photo(photo))
    return pose_messages.of_points(found.points)


def _pose_file(file: BinaryIO, facts: Facts) -> PoseFile:
    """`file` has one after the other, as `parts` says: names and bytes."""
    contents = {name: file.read(size) for name, size in facts["parts"]}
    try:
        return read_pose_files(contents)
    except PoseFileError as error:
        said = {name: _plain(fact) for name, fact in error.facts.items()}
        raise UserError(error.code, **said, detail=_plain(error.detail)) from error


def _plain(fact: object) -> object:
    """A fact that may be the sender's text, as it may stand in a row and a log."""
    return "".join(c for c in fact if c.isprintable())[:200] if isinstance(fact, str) else fact


@contextmanager
def _with_name(file: BinaryIO) -> Iterator[Path]:
    """The file under a name, for libraries that open by name.

    On Linux a copy in memory: what was passed in may not be opened again from here.
    """
    if sys.platform != "linux":
        yield Path(f"/dev/fd/{file.fileno()}")
        return
    copy = os.memfd_create("photo")
    with os.fdopen(copy, "wb") as written:
        file.seek(0)
        while part := file.read(2**20):
            written.write(part)
        written.flush()
        yield Path(f"/proc/self/fd/{copy}")


TASKS: dict[str, Task] = {
    task.__name__: task
    for task in (
        check_photo,
        small_picture,
        redraw,
        prepare,
        look,
        probe,
        take_frames,
        unpack,
        list_poses,
        read_poses,
    )
}
