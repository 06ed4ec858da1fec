"""A real S3 server for tests: `rclone serve s3` from a wheel, on a folder."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sysconfig
from pathlib import Path
from typing import Self

from tests.waiting import wait_until

KEY, SECRET = "instarecon", "instarecon-secret"
BUCKET = "scenes"


class S3Server:
    """It runs until the block ends; `stop` and `start` in between are its failures."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1") -> None:
        self.folder, self._host = folder, host
        self._site = "site"
        (folder / BUCKET).mkdir()
        with socket.socket() as probe:
            probe.bind((host, 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a site that uses it."""
        return {
            "STORAGE_URL": f"s3://{BUCKET}/{self._site}",
            "AWS_ENDPOINT_URL_S3": f"http://{self._host}:{self._port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if self._process is not None:
            return
        address, keys = f"{self._host}:{self._port}", f"{KEY},{SECRET}"
        self._process = subprocess.Popen(
            [_program(), "serve", "s3", str(self.folder), "--addr", address, "--auth-key", keys,
             "--config", "/dev/null"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, "the S3 server answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def site_folder(self) -> Path:
        """The folder in the bucket that the site has, on the disk."""
        return self.folder / BUCKET / self._site

    def objects(self) -> list[str]:
        """The keys of all objects."""
        found = (path for path in self.site_folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.site_folder).as_posix() for path in found)

    def use_empty_folder(self) -> None:
        """What is removed behind the server's back would confuse it."""
        self._site = f"site-{secrets.token_hex(4)}"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self._host, self._port)) == 0


def _program() -> str:
    found = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    assert found, "rclone is not installed: run scripts/bootstrap.py"
    return found
