"""How files of a job's folder are read as what their stage wrote, or rejected.

A record is a frozen dataclass (or a typed dictionary). The file may lack a part that has a default,
and may have unknown parts; a part of another type is an error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import msgspec

#: Goes up when the readers can no longer make sense of what was written before.
VERSION = 1

T = TypeVar("T")


class RecordError(ValueError):
    """A file that exists, but is not what its stage writes. The message names file and place."""


def read_record(path: Path, kind: type[T]) -> T:
    """The record in the file `path`. Raises FileNotFoundError and RecordError."""
    return as_record(read_content(path), kind, path)


def read_content(path: Path) -> object:
    """The JSON in the file `path`. Raises FileNotFoundError and RecordError."""
    try:
        text = path.read_bytes()
    except NotADirectoryError as error:
        raise FileNotFoundError(str(error)) from error
    try:
        # Python's own reader: msgspec's refuses NaN, which a figure may be.
        return json.loads(text)
    except ValueError as error:
        raise RecordError(f"{path.name} is no JSON: {error}") from error


def as_record(content: object, kind: type[T], path: Path) -> T:
    """`content` of the file `path` as a record. Raises RecordError."""
    if isinstance(content, dict) and content.get("version", VERSION) != VERSION:
        raise RecordError(f"{path.name} has version {content['version']}, this reads {VERSION}")
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise RecordError(f"{path.name}: {error}") from error
