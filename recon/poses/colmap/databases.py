"""COLMAP's SQLite database: digests of what it says, whatever its bytes.

The file's own hash would change with every match written into it and with SQLite's page layout;
these digests change when and only when the features or the matches do.

Never call these while pycolmap has the file open: two copies of SQLite in one process lose each
other's locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FEATURE_TABLES = ("cameras", "images", "keypoints", "descriptors")
MATCH_TABLES = ("matches", "two_view_geometries")


def features_digest(path: Path) -> str:
    """SHA-256 of the cameras, images, keypoints and descriptors; "missing" without a database."""
    return _digest(path, FEATURE_TABLES)


def matches_digest(path: Path) -> str:
    """SHA-256 of the matches and verified pairs; "missing" without a database."""
    return _digest(path, MATCH_TABLES)


def count_photos(path: Path) -> int:
    """The photos in the database."""
    with closing(_open(path)) as database:
        return int(database.execute("SELECT COUNT(*) FROM images").fetchone()[0])


def count_descriptors(path: Path) -> dict[str, int]:
    """Features found, by photo name."""
    query = (
        "SELECT images.name, COALESCE(descriptors.rows, 0) FROM images "
        "LEFT JOIN descriptors USING (image_id) ORDER BY images.name"
    )
    with closing(_open(path)) as database:
        return {str(name): int(rows) for name, rows in database.execute(query)}


def keypoints(path: Path, name: str) -> NDArray[np.float32]:
    """Where the features of the photo `name` lie and how large they are, [N, 3]: x, y, radius, px.

    The centre of the top-left pixel is at (0.5, 0.5). Empty where the photo has none.
    """
    query = (
        "SELECT keypoints.rows, keypoints.cols, keypoints.data FROM keypoints "
        "JOIN images USING (image_id) WHERE images.name = ?"
    )
    with closing(_open(path)) as database:
        row = database.execute(query, [name]).fetchone()
    if row is None or not row[0]:
        return np.zeros((0, 3), np.float32)
    values = np.frombuffer(row[2], np.float32).reshape(row[0], row[1])
    if row[1] == 2:
        radii = np.ones(len(values), np.float32)
    elif row[1] == 4:  # scale, orientation
        radii = values[:, 2]
    else:  # an affine shape
        radii = np.hypot(values[:, 2], values[:, 4])
    return np.column_stack([values[:, :2], radii]).astype(np.float32)


def copy_with_journal(made: Path, place: Path) -> None:
    """Copies the database `made`, with what still lies in its journal, to the new file `place`.

    pycolmap may leave a journal beside a database that it has closed; moved without it, the file
    is damaged. Raises sqlite3.DatabaseError where it is so already.
    """
    with closing(sqlite3.connect(made)) as database:
        database.execute("VACUUM INTO ?", [str(place)])
    if not is_sound(place):
        raise sqlite3.DatabaseError(f"{made.name} is damaged")


def is_sound(path: Path) -> bool:
    """Whether every page of the database can be read."""
    try:
        with closing(_open(path)) as database:
            return database.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False


def recover(path: Path, names: Sequence[str]) -> bool:
    """Whether work on the database, cut short by a kill, can go on: it is sound, has exactly these
    photos, and each of them has whole features or none."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as database:  # brings in what lies in its journal
            if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return False
            with database:
                half = "image_id NOT IN (SELECT image_id FROM descriptors)"
                database.execute(f"DELETE FROM keypoints WHERE {half}")  # noqa: S608
            found = database.execute("SELECT name FROM images ORDER BY name").fetchall()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return False
    return [name for (name,) in found] == sorted(names)


def sign(path: Path, made_with: str) -> None:
    """Notes in the database, in a table of our own, what its features were made with."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS made_with (made_with TEXT NOT NULL)")
        database.execute("DELETE FROM made_with")
        database.execute("INSERT INTO made_with VALUES (?)", [made_with])


def signature(path: Path) -> str | None:
    """What `sign` noted; None where it didn't, or the file is no database."""
    try:
        with closing(_open(path)) as database:
            row = database.execute("SELECT made_with FROM made_with").fetchone()
    except sqlite3.DatabaseError:
        return None
    return None if row is None else str(row[0])


def _digest(path: Path, tables: Sequence[str]) -> str:
    if not path.is_file():
        return "missing"
    total = hashlib.sha256()
    try:
        with closing(_open(path)) as database:
            for table in tables:
                total.update(table.encode())
                # The table names are the constants above; the first column is the key.
                for row in database.execute(f"SELECT * FROM {table} ORDER BY 1"):  # noqa: S608
                    for value in row:
                        total.update(_as_bytes(value))
    except sqlite3.DatabaseError:
        return "damaged"
    return total.hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    # immutable: no lock files and no journal are looked for, so a read leaves no trace.
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _as_bytes(value: object) -> bytes:
    content = value if isinstance(value, bytes) else repr(value).encode()
    return f"{type(value).__name__}:{len(content)}:".encode() + content
