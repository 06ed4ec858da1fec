"""Pictures of every page from real jobs: phone and desktop size, light and dark.

    make screens                                     # about ten minutes on two cores, no GPU

Starts a site and its worker on their own data, does what people do there with photos that the
project renders itself, and writes build/screens/ anew, which git ignores: WebP files, and a
README.md that shows them. The few pictures in docs/images were taken by this and chosen by hand. If
a page lacks something (yet, or at the moment of the picture), that is reported and left out.
"""

from __future__ import annotations

import argparse
import io
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

from scripts.screen_tour import tour
from scripts.temporary_site import BROWSER_FLAGS, ROOT, chromium_path, new_site

SIZES = {"phone": (390, 844), "desk": (1440, 900)}  # CSS px
THEMES = ("light", "dark")
SCALE = {"phone": 1.0, "desk": 0.75}  # of the stored pictures
LONGEST = 2000  # CSS px of a long page
QUALITY = 38
#: Also shows what waits for scrolling; and phones set no room apart for a scroll bar.
SHOW_ALL = """async (gutter) => {
  document.documentElement.style.scrollbarGutter = gutter;
  const images = [...document.querySelectorAll("img[loading=lazy]")];
  for (const image of images) image.loading = "eager";
  const all = Promise.all(images.map((image) => image.decode().catch(() => undefined)));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 5000))]);
}"""
HEAD = f"""# Every page, from real jobs

Made by `make screens`, which starts a site, does what people do there and
takes each page at 390×844 and 1440×900 (kept at three quarters), light and dark. The photos are the
project's own rendered ones. Long pages are shown down to {LONGEST} px.
"""


@dataclass
class Screens:
    """The pictures taken so far."""

    folder: Path
    taken: dict[str, str] = field(default_factory=dict)  # name: what it shows

    def take(self, page: Page, name: str, shows: str) -> None:
        """`page` as it is now, in every size and theme."""
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate(SHOW_ALL, "auto" if size == "phone" else "")
                page.wait_for_timeout(500)  # a software renderer is slow
                picture = compact(whole(page, width, height), SCALE[size])
                (self.folder / f"{name}-{size}-{theme}.webp").write_bytes(picture)
        self.taken[name] = shows
        say(f"{name}: {shows}")

    def try_to(self, name: str, page: Page, what: str, shows: str = "") -> bool:
        """Waits for a selector and takes the page; reports it if the selector never appears."""
        try:
            page.wait_for_selector(what)
        except Error:
            self.leave_out(f"{name}: no {what}")
            return False
        self.take(page, name, shows)
        return True

    def leave_out(self, why: str) -> None:
        say(f"left out: {why}")

    def write_index(self) -> None:
        lines = [HEAD]
        for name, shows in self.taken.items():
            pictures = [
                f'<img src="{name}-{size}-{theme}.webp" alt="{shows}, {size}, {theme}" '
                f'width="{150 if size == "phone" else 420}">'
                for size in SIZES
                for theme in THEMES
            ]
            lines.append(f"## {shows}\n\n" + "\n".join(pictures) + "\n")
        (self.folder / "README.md").write_text("\n".join(lines))


def whole(page: Page, width: int, height: int) -> bytes:
    """A PNG of the page, down to `LONGEST`."""
    long = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(max(long, height), LONGEST)}
    return page.screenshot(full_page=True, clip=clip)


def compact(png: bytes, scale: float) -> bytes:
    """The same as WebP: lossless if that is smaller, as with pages of text."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    size = round(picture.width * scale), round(picture.height * scale)
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    options = ({"quality": QUALITY}, {"lossless": True})
    tries = []
    for option in options:
        file = io.BytesIO()
        picture.save(file, "WEBP", method=6, **option)
        tries.append(file.getvalue())
    return min(tries, key=len)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "screens")
    parser.add_argument("--iterations", help="training steps at most")
    options = parser.parse_args()
    out = options.out
    settings = {"TRAINING_ITERATIONS": options.iterations} if options.iterations else {}
    path = chromium_path()
    if not path:
        sys.exit("There is no Chromium: scripts/ensure_chromium.py installs one.")
    with tempfile.TemporaryDirectory(prefix="screens-") as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "pictures").mkdir()
        screens = Screens(folder / "pictures")
        browser: Browser = playwright.chromium.launch(
            executable_path=path, args=list(BROWSER_FLAGS)
        )
        with new_site(folder, **settings) as site:
            tour(site, browser, screens, folder)
        browser.close()
        screens.write_index()
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(screens.folder, out)
    size = sum(file.stat().st_size for file in out.iterdir())
    say(f"{len(screens.taken)} pages, {size / 2**20:.1f} MB, in {out}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
