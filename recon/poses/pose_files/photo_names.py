"""Which photo is which: the file's names and those that the photos have here.

People move photos into other folders, convert them, or send them without their folders. So a photo
is looked for by its path, then by as much of the path as both have, then by its name alone, at last
without the ending; a name that two have decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

Key = Callable[[PurePosixPath], str]

_KEYS: tuple[Key, ...] = (
    lambda path: str(path),
    lambda path: "/".join(path.parts[-2:]),
    lambda path: path.name,
    lambda path: path.name.casefold(),
    lambda path: path.stem.casefold(),
)


def match_names(photos: Mapping[str, str], file_names: Iterable[str]) -> dict[str, str]:
    """The file's name of each photo that it has. `photos`: what people call each, by whatever key
    the caller has for it; the result has the same keys."""
    mine = {key: _path(name) for key, name in photos.items()}
    theirs = {name: _path(name) for name in dict.fromkeys(file_names)}
    found: dict[str, str] = {}
    for shorten in _KEYS:
        known = _only_once(theirs, shorten)
        for short, key in _only_once(mine, shorten).items():
            if short in known:
                found[key] = known[short]
                del mine[key], theirs[known[short]]
    return found


def _only_once(paths: Mapping[str, PurePosixPath], shorten: Key) -> dict[str, str]:
    """What is called so, by its short name, where it is the only one."""
    shorts = {key: shorten(path) for key, path in paths.items()}
    counts = Counter(shorts.values())
    return {short: key for key, short in shorts.items() if counts[short] == 1}


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(*(part for part in name.replace("\\", "/").split("/") if part != "."))
