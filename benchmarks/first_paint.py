"""When a page is first seen on a machine four times as slow as this one.

    python benchmarks/first_paint.py
    python benchmarks/first_paint.py --runs 15 --slower 6

Starts a site and its worker on their own data, waits for the sample job of a first start, and opens
each page in a fresh Chromium profile (nothing cached) at a phone's size, with the processor slowed
down through the DevTools protocol. Prints the medians as a Markdown table. Times are from the start
of the navigation: the first byte, the first contentful paint, the largest one until the page has
been quiet for a second, all as reported by the browser.
"""

from __future__ import annotations

import argparse
import datetime
import signal
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.jobs import machine
from benchmarks.parts.tables import table
from scripts import measurement_pages
from scripts.temporary_site import (
    BROWSER_FLAGS,
    FINISHED,
    TemporarySite,
    chromium_path,
    first_scene,
    new_site,
    sign_in,
)

PHONE = {"width": 390, "height": 844}  # CSS px
STEPS = "60"  # of training: the page is what is measured, not the scene
QUIET_MS = 1000
JOB_MS = 20 * 60 * 1000
Visit = dict[str, float]
#: Runs before the page: largest paints are only reported to listeners that were there in time.
LISTEN = """
  window.largestPaint = 0;
  new PerformanceObserver((list) => {
    window.largestPaint = list.getEntries().at(-1).startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
"""
PAINTS = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [first] = performance.getEntriesByName("first-contentful-paint");
  return {
    "first byte": page.responseStart,
    "first paint": first?.startTime ?? 0,
    "largest paint": window.largestPaint,
  };
}"""


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--slower", type=float, default=4.0, help="times")
    parser.add_argument("--save", action="store_true", help="add it to docs/measurements")
    options = parser.parse_args()
    path = chromium_path()
    if not path:
        sys.exit("There is no Chromium: scripts/ensure_chromium.py installs one.")
    with tempfile.TemporaryDirectory(prefix="first-paint-") as name, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        with new_site(Path(name), TRAINING_ITERATIONS=STEPS) as site:
            cookies, pages = prepare(browser, site)
            measured = {
                page: [
                    measure(browser, site, address, cookies if page in OWN else [], options.slower)
                    for _ in range(options.runs)
                ]
                for page, address in pages.items()
            }
        version = browser.version
        browser.close()
    kinds, rows = table_of(measured)
    where, command = f"{machine()}, Chromium {version}", " ".join(["python", *sys.argv])
    print(f"\n{datetime.date.today()}, {where}, `{command}`\n")
    print(
        f"Milliseconds, median (least to most) of {options.runs} visits, "
        f"processor {options.slower:g}× slower.\n"
    )
    print(table(["page", *kinds], rows))
    if options.save:
        head = ["page", *(f"{kind} ms" for kind in kinds)]
        measurement_pages.save("first-paint.csv", where, command, head, rows)


#: Pages that need somebody who is signed in.
OWN = ("gallery", "job page, done")


def prepare(browser: Browser, site: TemporarySite) -> tuple[list[Any], dict[str, str]]:
    """Waits for the sample job and shares it. Returns the session's cookies and the pages'
    addresses."""
    context = browser.new_context(base_url=site.address)
    sign_in(context, *site.account())
    scene = first_scene(context)
    page = context.new_page()
    page.goto(scene)
    page.wait_for_selector(FINISHED, timeout=JOB_MS)
    page.get_by_role("switch", name="Anyone with the link can see it").click()
    link = page.locator("#share-url").input_value()
    pages = {"home": "/", "gallery": "/jobs/", "job page, done": scene, "public page": link}
    cookies = context.cookies()
    context.close()
    return cookies, pages


def measure(
    browser: Browser, site: TemporarySite, address: str, cookies: list[Any], slower: float
) -> Visit:
    """Milliseconds of one visit with an empty cache."""
    context: BrowserContext = browser.new_context(base_url=site.address, viewport=PHONE)
    context.add_cookies(cookies)
    page = context.new_page()
    page.add_init_script(LISTEN)
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(QUIET_MS)
    paints: Visit = page.evaluate(PAINTS)
    context.close()
    return paints


def table_of(measured: dict[str, list[Visit]]) -> tuple[list[str], list[list[str]]]:
    """The table's columns, and one row per page."""
    kinds = list(next(iter(measured.values()))[0])
    rows = [
        [page, *(spread([visit[kind] for visit in visits]) for kind in kinds)]
        for page, visits in measured.items()
    ]
    return kinds, rows


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


if __name__ == "__main__":
    main()
