"""When a large scene is first seen on a line of 10 Mbit/s, with nothing in the browser's cache.

    python benchmarks/first_picture.py
    python benchmarks/first_picture.py --before /tmp/before     # beside an older tree, in turns
    python benchmarks/first_picture.py --mbit 0                 # the line as it is

Makes a scene of 250,000 Gaussians with the project's own writers, serves it with the real web
server on loopback, and opens it in a fresh Chromium profile, throttled through the DevTools
protocol. Prints Markdown: seconds from the start of the navigation to the last byte that the first
picture needs (the line), to its splats being read, sorted and handed to the graphics card (the line
and the processor), how long drawing took (the graphics card, or the processor in its place if there
is none), to the picture itself, which is not the poster, and to the whole scene; then what had
arrived by then, by kind. An older tree needs its .venv and static/dist (`node static/build.mjs`).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.jobs import machine
from benchmarks.parts.first_picture_line import KINDS, Line, Visit
from benchmarks.parts.servers import wait_until_up
from benchmarks.parts.tables import table
from scripts.temporary_site import (
    BROWSER_FLAGS,
    ROOT,
    chromium_path,
    free_port,
    site_environment,
)

SCENE = Path(__file__).parent / "parts" / "first_picture_scene.py"
LIMIT_S = 120
#: Runs before the page. Records when the viewer has the graphics card draw its first splats, when
#: it shows a picture, and when that is of the whole scene.
LISTEN = """
  const graphics = WebGL2RenderingContext.prototype;
  const draw = graphics.drawElementsInstanced;
  graphics.drawElementsInstanced = function (...given) {
    if (given[4] > 1000) window.readyAt ??= performance.now();
    return draw.apply(this, given);
  };
  new MutationObserver((_, observer) => {
    const viewer = document.querySelector("[data-splat-viewer]");
    if (viewer?.dataset.state !== "ready") return;
    window.pictureAt ??= performance.now();
    if ("first" in viewer.dataset) return;
    window.wholeAt = performance.now();
    observer.disconnect();
  }).observe(document, { attributes: true, childList: true, subtree: true });
"""


@dataclass(frozen=True)
class Site:
    address: str
    session: str
    pages: dict[str, str]  # paths by name
    sizes: dict[str, int]  # bytes by kind of file


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", type=Path, help="an older tree to measure beside this one")
    parser.add_argument("--gaussians", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mbit", type=float, default=10.0, help="a second; 0 does not throttle")
    parser.add_argument("--latency", type=float, default=40.0, help="ms")
    parser.add_argument("--size", default="1440x900", help="of the window, CSS px")
    options = parser.parse_args()
    path = chromium_path()
    if not path:
        sys.exit("There is no Chromium: scripts/ensure_chromium.py installs one.")
    trees = ({"before": options.before.resolve()} if options.before else {}) | {"after": ROOT}
    with ExitStack() as stack:
        play = stack.enter_context(sync_playwright())
        chromium = partial(play.chromium.launch, executable_path=path, args=list(BROWSER_FLAGS))
        sites = {
            name: stack.enter_context(serve_site(tree, options.gaussians))
            for name, tree in trees.items()
        }
        visits = measure(chromium, sites, options)
        with chromium() as browser:
            version = browser.version
    show(visits, {name: site.sizes for name, site in sites.items()}, version)


@contextmanager
def serve_site(tree: Path, gaussians: int) -> Iterator[Site]:
    """The web server of `tree` on data of its own, with one scene."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="first-picture-") as name:
        folder = Path(name)
        environment = site_environment(folder, PORT=str(port), STATIC_ROOT=str(folder / "static"))
        environment |= {"PYTHONPATH": str(tree)}
        made = subprocess.run(
            [sys.executable, str(SCENE), str(gaussians)],
            env=environment, cwd=tree, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "instarecon_site.wsgi", "--bind",
             f"127.0.0.1:{port}", "--workers", "2", "--worker-class",
             "instarecon_site.server.worker.BufferingWorker", "--threads", "8", "--timeout", "120",
             "--log-level", "error", "--no-control-socket"],
            env=environment, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_until_up(port, server)
            # To a browser "localhost" is as good as HTTPS, so it accepts Brotli.
            yield Site(f"http://localhost:{port}", **json.loads(made.stdout.splitlines()[-1]))
        finally:
            server.terminate()
            server.wait()


def measure(
    chromium: Callable[[], Browser], sites: dict[str, Site], options: argparse.Namespace
) -> dict[tuple[str, str], list[Visit]]:
    """Visits by page and tree.

    The trees take turns: the machine may get busier meanwhile. Each visit has a separate browser,
    or it would wait for the last visit's pictures, which are still being drawn.
    """
    found: dict[tuple[str, str], list[Visit]] = {}
    for page in next(iter(sites.values())).pages:
        for _ in range(options.runs):
            for name, site in sites.items():
                with chromium() as browser:
                    seen = visit(browser, site, page, options)
                found.setdefault((page, name), []).append(seen)
    return found


def visit(browser: Browser, site: Site, name: str, options: argparse.Namespace) -> Visit:
    width, height = map(int, options.size.split("x"))
    context = browser.new_context(viewport={"width": width, "height": height})
    if name.startswith("its owner"):
        cookie = {"name": "instarecon_session", "value": site.session, "url": site.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.add_init_script(LISTEN)
    devtools = context.new_cdp_session(page)
    line = Line()
    devtools.send("Network.enable")
    for event in ("requestWillBeSent", "dataReceived", "loadingFinished"):
        devtools.on(f"Network.{event}", getattr(line, event))
    if options.mbit:
        speed = options.mbit * 1e6 / 8  # bytes a second
        devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": options.latency, "downloadThroughput": speed,
             "uploadThroughput": speed},
        )  # fmt: skip
    page.goto(site.address + site.pages[name], wait_until="commit")
    times = wait_for_whole(page)
    context.close()
    return line.visit(*times)


def wait_for_whole(page: Page) -> list[float]:
    """Seconds to the first drawing, the first picture and the whole scene.

    Asks again and again: the page's policy forbids Playwright's own way of waiting for a condition.
    """
    give_up_at = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up_at:
        page.wait_for_timeout(250)
        if page.evaluate("Boolean(window.wholeAt)"):
            times: list[float] = page.evaluate("[readyAt, pictureAt, wholeAt].map(t => t / 1000)")
            return times
    raise TimeoutError(f"{page.url} shows no whole scene after {LIMIT_S} s")


def show(
    visits: dict[tuple[str, str], list[Visit]], sizes: dict[str, dict[str, int]], chrome: str
) -> None:
    command = " ".join(["python", *sys.argv])
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    print(f"\n{datetime.date.today()}, {machine()}, Chromium {chrome}, {load}, `{command}`\n")
    for name, files in sizes.items():
        print(f"Files {name}: " + ", ".join(f"{k} {v / 1000:,.0f} kB" for k, v in files.items()))
    print("\nSeconds, median (least to most):\n")
    rows = []
    for (page, name), seen in visits.items():
        times = [[one.line_s for one in seen], [one.ready_s for one in seen]]
        times.append([one.picture_s - one.ready_s for one in seen])
        times += [[one.picture_s for one in seen], [one.whole_s for one in seen]]
        rows.append([page, name, *map(spread, times)])
    head = ["page", "", "all has come", "ready to draw", "drawn in", "first picture", "whole scene"]
    print(table(head, rows))
    print("\nkB until the first picture, compressed as sent, median:\n")
    rows = [
        [page, name, *(f"{middle(seen, kind) / 1000:,.0f}" for kind in KINDS)]
        for (page, name), seen in visits.items()
    ]
    print(table(["page", "", *KINDS], rows))


def middle(seen: list[Visit], kind: str) -> float:
    return statistics.median(one.received[kind] for one in seen)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
