"""The whole site as `make run` starts it, on its own data, and a browser for it.

For tests, pictures and measurements that need a real site: web, queue and worker.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.ensure_chromium import NAMES

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"
#: WebGL 2 without a graphics card, and no calls home. The processor composites pages: with
#: SwiftShader in place of a graphics card, one blinking dot takes nine tenths of a core.
BROWSER_FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--disable-gpu-compositing",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
#: What the page of a finished scene has, and no other page of a job.
FINISHED = ".verdict"


def chromium_path() -> str | None:
    """The Chromium that CHROMIUM names, or the first on PATH; None if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def site_environment(folder: Path, **values: str) -> dict[str, str]:
    """An environment with no settings of ours but `values` and a data folder."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "instarecon_site.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
        **values,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TemporarySite:
    """`make run` after its set-up, on its own data."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.settings = folder, settings
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        self.output = folder / "output.txt"

    def start(self) -> None:
        environment = site_environment(
            self.folder,
            PORT=str(self.port),
            STATIC_ROOT=str(self.folder / "static"),
            **self.settings,
        )
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(SCRIPTS / "serve.py")],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        while "Address" not in self.said():  # serve.py gives up by itself
            if self.process.poll() is not None:
                raise RuntimeError(self.said())
            time.sleep(0.2)

    def said(self) -> str:
        return self.output.read_text()

    def account(self) -> tuple[str, str]:
        """Address and password of the first account, a member of staff, as printed at a first
        start.
        """
        found = re.search(r"Account +(\S+)\n +Password +(\S+)", self.said())
        if not found:
            raise RuntimeError("This site had accounts before it was started.")
        return found[1], found[2]

    def stop(self, sent: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sent)
        return self.process.wait()


@contextmanager
def new_site(folder: Path, **settings: str) -> Iterator[TemporarySite]:
    """A site at its first start: with one account, and the sample job that newcomers get."""
    site = TemporarySite(folder, **settings)
    site.start()
    try:
        yield site
    finally:
        if site.process.poll() is not None:  # nobody asked it to exit
            logs = sorted((folder / "data" / "logs").glob("*.log"))
            ends = [f"{log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs]
            sys.stderr.write("\n".join(["The site ended by itself.", site.said(), *ends]))
        site.stop(signal.SIGTERM)


def sign_in(context: BrowserContext, email: str, password: str) -> None:
    page = context.new_page()
    page.goto("/accounts/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/jobs/")
    page.close()


def first_scene(context: BrowserContext) -> str:
    """The address of the sample job, which a first start makes, for the first account."""
    page = context.new_page()
    page.goto("/jobs/")
    while not page.locator(".card a").count():  # its photos are rendered first
        page.wait_for_timeout(1000)
        page.reload()
    page.locator(".card a").first.click()
    page.wait_for_url("**/jobs/*-*/")
    address: str = page.url
    page.close()
    return address
