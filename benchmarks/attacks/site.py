"""A real site to attack: web, queue and workers on their own data, and people as whom to attack it.

with attacked_site() as site:
    ann = site.person("ann@example.org")
    draft = ann.draft()
    ann.send(draft, "a.jpg", content).status
"""

from __future__ import annotations

import http.cookiejar
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from scripts.temporary_site import ROOT, TemporarySite, site_environment

PASSWORD = "a long enough password"  # noqa: S105 - of a site that lives for a minute
#: Creates people before the site's first start; once there is somebody, it renders no sample scene.
_MAKE_PEOPLE = """
import sys, django
django.setup()
from django.core.management import call_command
from accounts.models import User
from instarecon_site import folders
folders.make()
call_command("migrate", verbosity=0)
for email in sys.argv[1:]:
    User.objects.create_user(email, {password!r})
"""


@dataclass(frozen=True)
class Answer:
    """What came back, if anything did."""

    status: int  # 0: nobody answered in time
    body: bytes
    seconds: float
    retry_after: int | None = None  # s, when a busy site asks to try again

    @property
    def said(self) -> str:
        """The sentences of an error, as the pages' scripts read them."""
        try:
            answer = json.loads(self.body)
        except ValueError:
            return ""
        return " ".join(answer.get("errors", []) or [str(answer.get("detail", ""))])


class Person:
    """Somebody who is signed in, with a browser's cookies."""

    def __init__(self, address: str, email: str) -> None:
        self.address, self.email = address, email
        self.cookies = http.cookiejar.CookieJar()
        # No proxy from the environment between us and loopback.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def sign_in(self) -> None:
        self.get("/accounts/sign-in/")
        fields = {"username": self.email, "password": PASSWORD}
        answer = self.post("/accounts/sign-in/", fields)
        if answer.status != 200 or not self._cookie("instarecon_session"):
            raise RuntimeError(f"could not sign in: {answer.status}")

    def draft(self) -> str:
        """The path of a new draft's page."""
        answer = self.post("/jobs/drafts/", {"title": "attacked"})
        return str(json.loads(answer.body)["location"])

    def send(self, draft: str, name: str, content: bytes, *, timeout: float = 300) -> Answer:
        """One photo or video into the draft, as the pages' scripts send it."""
        return self.post(f"{draft}photos/", {}, files={name: content}, timeout=timeout)

    def get(self, path: str, *, timeout: float = 60) -> Answer:
        return self._ask(urllib.request.Request(self.address + path), timeout)  # noqa: S310

    def post(
        self,
        path: str,
        fields: Mapping[str, str],
        *,
        files: Mapping[str, bytes] | None = None,
        timeout: float = 60,
    ) -> Answer:
        token = self._cookie("instarecon_csrf")
        body, kind = form(fields, files or {})
        headers = {"X-CSRFToken": token, "Accept": "application/json", "Content-Type": kind}
        headers["Referer"] = self.address + "/"
        request = urllib.request.Request(self.address + path, body, headers)  # noqa: S310
        return self._ask(request, timeout)

    def headers(self) -> dict[str, str]:
        """For requests sent by hand: who asks, with the CSRF token."""
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        token, referer = self._cookie("instarecon_csrf"), self.address + "/"
        return {"Cookie": cookies, "X-CSRFToken": token, "Referer": referer}

    def _ask(self, request: urllib.request.Request, timeout: float) -> Answer:
        started = time.monotonic()
        status, body, later = 0, b"", None
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
            later = int(error.headers.get("Retry-After", 0)) or None
        except OSError:
            pass  # no answer, or not a complete one
        return Answer(status, body, time.monotonic() - started, later)

    def _cookie(self, name: str) -> str:
        return next((str(one.value) for one in self.cookies if one.name == name), "")


def form(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """A multipart body, its files in the field `photos`, and its content type."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = f'Content-Disposition: form-data; name="photos"; filename="{name}"'
        kind = "Content-Type: application/octet-stream"
        parts += [f"--{boundary}\r\n{head}\r\n{kind}\r\n\r\n".encode(), content, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


class AttackedSite(TemporarySite):
    """A temporary site and the people on it."""

    def person(self, email: str = "") -> Person:
        """Signs in one of the people that the site was made with, by default the first."""
        person = Person(self.address, email or self.people[0])
        person.sign_in()
        return person

    people: tuple[str, ...] = ()


@contextmanager
def attacked_site(
    *people: str, folder: Path | None = None, **settings: str
) -> Iterator[AttackedSite]:
    """A started site with these settings and these people, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="attacked-") as temporary:
        place = folder or Path(temporary)
        site = AttackedSite(place, **settings)
        site.people = people or ("mallory@example.org", "ann@example.org")
        subprocess.run(
            [sys.executable, "-c", _MAKE_PEOPLE.format(password=PASSWORD), *site.people],
            env=site_environment(place, **settings),
            cwd=ROOT,
            check=True,
        )
        site.start()
        try:
            yield site
        finally:
            site.stop(signal.SIGTERM)
