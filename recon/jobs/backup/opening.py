"""The store at an address: a bucket (s3://…), a tar file (NAME.tar), or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.jobs.backup.bucket import BucketStore, is_bucket
from recon.jobs.backup.stores import (
    FolderStore,
    Shelf,
    TarStore,
    archive_for_reading,
    archive_for_writing,
    folder_for_writing,
)

#: Where a backup lies, as people write it.
Place = str | Path


def holds_one(place: Place) -> bool:
    """Whether it is a tar file, by its name: it may not be there yet."""
    return not is_bucket(place) and Path(place).suffix == ".tar"


@contextmanager
def opened_for_writing(place: Place, profile: str = "") -> Iterator[Shelf | TarStore]:
    """One writer at a time; `profile` is AWS's, for a bucket. Raises StoreError."""
    if is_bucket(place):
        store = BucketStore(str(place), profile)
        with store.only_writer():
            yield store
    elif holds_one(place):
        with archive_for_writing(Path(place)) as archive:
            yield archive
    else:
        with folder_for_writing(Path(place)) as folder:
            yield folder


@contextmanager
def opened_for_reading(place: Place, profile: str = "") -> Iterator[Shelf | TarStore]:
    """Raises StoreError."""
    if is_bucket(place):
        yield BucketStore(str(place), profile)
    elif Path(place).is_dir():
        yield FolderStore(Path(place))
    else:
        with archive_for_reading(Path(place)) as archive:
            yield archive
