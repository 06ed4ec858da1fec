"""Prints the path of a Chromium for the tests, after installing one if there is none.

In this order: CHROMIUM in the environment, a browser on PATH, Debian's package (as root, or with a
sudo that needs no password), the build that Playwright downloads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: The first is Chromium without windows: a page opens in it at half the cost.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip
#: Debian's packages, the best first. Ubuntu has only the second, as a snap that may not run.
PACKAGES = ("chromium-headless-shell", "chromium")


def main() -> None:
    path = find_installed() or from_packages() or from_playwright()
    if not path:
        sys.exit(
            "The tests drive a real browser, and none could be found or installed.\n"
            "Install Chromium (for example: sudo apt-get install chromium), or name one:\n"
            "make test CHROMIUM=/path/to/chromium"
        )
    sys.stdout.write(path + "\n")


def find_installed() -> str:
    named = os.environ.get("CHROMIUM", "")
    for candidate in (named, *(shutil.which(name) or "" for name in NAMES)):
        if candidate and runs(candidate):
            return candidate
    return ""


def from_packages() -> str:
    if not shutil.which("apt-get"):
        return ""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and not shutil.which("sudo"):
        return ""
    say("Installing Chromium with apt-get")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*apt, "update"], stdout=sys.stderr, check=False)
    for package in PACKAGES:
        install = [*apt, "install", "--yes", "--no-install-recommends", package]
        subprocess.run(install, stdout=sys.stderr, check=False)
        if path := find_installed():
            return path
    return ""


def from_playwright() -> str:
    say("Downloading Playwright's Chromium")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        return ""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if runs(path) else ""


def runs(path: str) -> bool:
    if not Path(path).exists():
        return False
    done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def say(text: str) -> None:
    sys.stderr.write(f"==> {text}\n")


if __name__ == "__main__":
    main()
