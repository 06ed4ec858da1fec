"""A program that uses the site: it sends photos, and sends them again where nobody answered."""

from __future__ import annotations

import http.client
import io
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from PIL import Image

PATIENCE_S, PAUSE_S, TIMEOUT_S = 180.0, 0.5, 60.0
PHOTOS = 3


@dataclass
class Program:
    """What it was told: `accepted` are the jobs that it may rely on."""

    port: int
    token: str
    random: random.Random
    accepted: list[str] = field(default_factory=list)
    unheard: int = 0  # requests without a usable answer
    refused: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    photos: tuple[bytes, ...] = ()  # of each job; without them, nothing that makes a scene

    def submit(self) -> None:
        """Makes a job in one request; again until somebody says that it is there."""
        photos = self.photos or [_photo(self.random) for _ in range(PHOTOS)]
        files = [("files", f"{n}.jpg", photo) for n, photo in enumerate(photos)]
        answer = self._sent("/recon/jobs", *_form([("title", "fault")], files))
        self.accepted.append(str(answer["job_id"]))

    def collect(self, halfway: Callable[[], None]) -> None:
        """Makes a draft, sends its photos one by one, starts it. Calls `halfway` while one photo
        arrives."""
        draft = str(self._sent("/recon/drafts", *_form([("title", "fault")], []))["job_id"])
        chosen = self.random.randrange(PHOTOS)
        for number in range(PHOTOS):
            files = [("file", f"{number}.jpg", _photo(self.random, size=900))]
            body, kind = _form([], files)
            path = f"/recon/jobs/{draft}/photos"
            if number == chosen:
                self._ask(path, body, kind, halfway)
            self._sent(path, body, kind)
        self._sent(f"/recon/jobs/{draft}/start", *_form([], []), already=409)
        self.accepted.append(draft)

    def _sent(self, path: str, body: bytes, kind: str, already: int = 200) -> dict[str, object]:
        """The answer of a request that is sent until one comes that says yes or no."""
        end = time.monotonic() + PATIENCE_S
        while True:
            status, said = self._ask(path, body, kind)
            if status in (200, 201, 202, already):
                answer: dict[str, object] = json.loads(said)
                return answer
            if 400 <= status < 500 or time.monotonic() > end:
                raise RuntimeError(f"{path} gave {status}: {said[:200]!r}")
            if status >= 500 and status not in (503, 507):
                self.refused.append(f"{path} gave {status}")
            self.unheard += 1
            time.sleep(PAUSE_S)

    def _ask(
        self, path: str, body: bytes, kind: str, halfway: Callable[[], None] | None = None
    ) -> tuple[int, bytes]:
        """(status, body); status 0: nobody answered."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.putrequest("POST", path)
            connection.putheader("Authorization", f"Bearer {self.token}")
            connection.putheader("Content-Type", kind)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            middle = self.random.randrange(len(body)) if halfway and len(body) else 0
            connection.send(body[:middle])
            if halfway and self.random.random() < 0.5:  # while it arrives, else while it is kept
                halfway()
                halfway = None
            connection.send(body[middle:])
            if halfway:
                time.sleep(self.random.uniform(0, 0.5))
                halfway()
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


def _photo(chance: random.Random, size: int = 120) -> bytes:
    """A JPEG of nothing, another each time."""
    file = io.BytesIO()
    Image.frombytes("RGB", (size, size), chance.randbytes(size * size * 3)).save(file, "JPEG")
    return file.getvalue()


def _form(fields: list[tuple[str, str]], files: list[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """A multipart body and its content type."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    for name, filename, content in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
        parts += [f"--{boundary}\r\n{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode(), content]
        parts.append(b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
