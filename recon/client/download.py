"""A job's files onto this machine: in parts if the line breaks, checked, and only then under their
names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from recon.client import calls
from recon.client.answers import Artifact
from recon.client.errors import NotThere, Refused, WrongFile, WrongUse
from recon.client.exchange import LineLost, Request, Steps, Tries, nobody, send_once

_CHUNK = 1 << 20  # bytes
PARTIAL = 206
_BEYOND_ITS_END = 416

Progress = Callable[[int], None]


def choose(artifacts: list[Artifact], kinds: list[str]) -> list[Artifact]:
    """The files of these kinds, or all of them without any. Raises NotThere."""
    by_kind = {artifact.kind: artifact for artifact in artifacts}
    if not by_kind:
        raise NotThere("This job has no files: it is not done, or it failed.", status=404)
    missing = [kind for kind in kinds if kind not in by_kind]
    if missing:
        has = ", ".join(sorted(by_kind))
        raise NotThere(f"This job has no {missing[0]}. It has: {has}.", status=404)
    return [by_kind[kind] for kind in kinds] if kinds else list(by_kind.values())


def download(
    job_id: str, artifact: Artifact, folder: Path, *, overwrite: bool, on_bytes: Progress
) -> Steps[Path]:
    """Where the file now lies. One that is there already, byte for byte, is left as it is.

    `on_bytes` hears how many bytes of the file are here. Raises WrongUse where another file has the
    name, unless it is to be overwritten; WrongFile where what arrives is not what the site has.
    """
    target = target_of(artifact, folder)
    if target.exists() and not overwrite:
        if _is_the_same(target, artifact):
            on_bytes(artifact.size)
            return target
        raise WrongUse(f"{target} is there and is another file.", "Use --overwrite to replace it.")
    folder.mkdir(parents=True, exist_ok=True)
    path = calls.ROOT + calls.job_path(job_id, "artifacts", artifact.kind)
    # The digest keeps parts of different files with one name apart.
    part = target.with_name(f"{target.name}.{(artifact.sha256 or 'new')[:12]}.part")
    with PartFile(part, on_bytes) as partial:
        if not artifact.sha256:  # nothing says whether a part is of this file
            partial.empty()
        yield from fetch(path, artifact, partial)
    part.replace(target)
    return target


def fetch(path: str, artifact: Artifact, part: PartFile) -> Steps[None]:
    """Fills `part`. After a lost line it goes on where it was; a whole that turns out to be wrong
    is fetched once more from its beginning. Raises WrongFile."""
    tries, may_begin_again = Tries(), True
    while True:
        before = part.size
        try:
            if part.size < artifact.size or not artifact.size:
                yield from send_once(
                    Request(method="GET", path=path, headers=part.headers(), into=part)
                )
        except LineLost as error:
            if part.size > before:
                tries.begin_again()
            yield from tries.after(error)
            continue
        except Refused as error:
            if error.status != _BEYOND_ITS_END:
                yield from tries.after(error)
                continue
        if part.size == artifact.size and artifact.sha256 in (None, part.digest()):
            return
        part.empty()
        if not may_begin_again:
            raise WrongFile(
                f"What arrived of {artifact.name} is not what the site has: its checksum differs.",
                "Run the same command again.",
            )
        may_begin_again = False


class PartFile:
    """A file that arrives in parts. It stays as it is when the work is interrupted."""

    def __init__(self, path: Path, on_bytes: Progress) -> None:
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise WrongUse(f"{path} can't be written: {error.strerror}.") from error
        self._on_bytes = on_bytes
        self._hash = hashlib.sha256()
        self._file.seek(0)
        while piece := self._file.read(_CHUNK):
            self._hash.update(piece)
        self.size = self._file.tell()
        on_bytes(self.size)

    def headers(self) -> dict[str, str]:
        """What to ask for: the rest."""
        return {"Range": f"bytes={self.size}-"} if self.size else {}

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        expected = f"bytes {self.size}-"
        is_the_rest = headers.get("content-range", "").startswith(expected)
        if status != PARTIAL or not is_the_rest:  # the whole file, from its beginning
            self.empty()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        self._on_bytes(self.size)

    def empty(self) -> None:
        self._file.truncate(0)
        self._hash, self.size = hashlib.sha256(), 0

    def digest(self) -> str:
        return self._hash.hexdigest()

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()


def target_of(artifact: Artifact, folder: Path) -> Path:
    """Where the file goes. Its name is the site's, so only its last part counts."""
    name = artifact.name.replace("\\", "/").rpartition("/")[2].replace("\0", "").lstrip(".")
    return folder / (name or artifact.kind)


def _is_the_same(path: Path, artifact: Artifact) -> bool:
    if not path.is_file() or path.stat().st_size != artifact.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == artifact.sha256


def hears_of(
    artifact: Artifact, on_bytes: Callable[[Artifact, int], None] | None
) -> Callable[[int], None]:
    """What hears how many bytes of `artifact` are here."""
    if on_bytes is None:
        return nobody
    return lambda count: on_bytes(artifact, count)
