"""How static files are named and compressed for the web server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from whitenoise.storage import CompressedManifestStaticFilesStorage

#: What the build (static/build.mjs) has compressed with Brotli lies beside it under this ending.
_BROTLI = ".br"


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Whitenoise's, which leaves JavaScript as esbuild made it, and takes Brotli from the build.

    Spark carries its worker's source as a string, and in it a comment that names a source map.
    The base class would look for that map, and fail.
    """

    patterns = tuple(
        (extension, patterns)
        for extension, patterns in CompressedManifestStaticFilesStorage.patterns
        if extension != "*.js"
    )

    def post_process(
        self, paths: dict[str, object], dry_run: bool = False, **options: object
    ) -> Iterator[tuple[str, str, bool]]:
        """As its parent's; a file's compressed copy gets the name that the file gets, and no mark
        of its own."""
        brotli = {name for name in paths if name.endswith(_BROTLI)}
        others = {name: path for name, path in paths.items() if name not in brotli}
        for name, named, processed in super().post_process(others, dry_run=dry_run, **options):
            copy = name + _BROTLI
            if not dry_run and named and copy in brotli and self._is_of(name, named):
                shutil.copyfile(self.path(copy), self.path(named + _BROTLI))
            yield name, named, processed

    def _is_of(self, name: str, named: str) -> bool:
        """Whether the file under its marked name is the one that was built: in a style sheet,
        addresses may have been replaced by marked ones."""
        return Path(self.path(name)).read_bytes() == Path(self.path(named)).read_bytes()
