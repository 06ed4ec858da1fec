"""Zips for tests: ordinary ones, and such as are made to hurt."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Mapping


def zip_of(files: Mapping[str, bytes], *, kind: int = zipfile.ZIP_STORED, link: str = "") -> bytes:
    """A zip of these files, by path; `link` is the name of one that is a symbolic link."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=kind)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
    return made.getvalue()


def bomb(name: str = "a.jpg", size: int = 2**21) -> bytes:
    """Zeros that pack to a thousandth."""
    return zip_of({name: bytes(size)}, kind=zipfile.ZIP_DEFLATED)


def claiming(content: bytes, size: int) -> bytes:
    """A zip of one file that says that it is `size` bytes long, in both of its places."""
    whole = bytearray(content)
    central = whole.index(b"PK\x01\x02")
    whole[22:26] = whole[central + 24 : central + 28] = size.to_bytes(4, "little")
    return bytes(whole)


def locked(content: bytes) -> bytes:
    """The zip as if a password were needed."""
    whole = bytearray(content)
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    return bytes(whole)


def transforms(*names: str) -> bytes:
    """A transforms.json with positions of these photos (120×110 px), side by side."""
    frames = [
        {"file_path": name, "transform_matrix": [[1, 0, 0, x], [0, 1, 0, 0], [0, 0, 1, 0]]}
        for x, name in enumerate(names)
    ]
    lens = {"w": 120, "h": 110, "fl_x": 100.0}
    return json.dumps({**lens, "frames": frames}).encode()
