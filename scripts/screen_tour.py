"""The way through the site that `screens.py` takes: one person with scenes, one who is new."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, BrowserContext, Error, Page

from recon.samples import write_photos
from scripts.temporary_site import FINISHED, TemporarySite, first_scene, sign_in

if TYPE_CHECKING:
    from scripts.screens import Screens

ONLY_COMPONENTS = """() => document.querySelectorAll("section:not(:has(#components))")
  .forEach((section) => section.remove())"""

PhotoSets = dict[str, list[Path]]

WAIT_MS = 20 * 60 * 1000  # a job on a busy machine
SHORT_MS = 60_000
PASSWORD = "a long enough password"  # noqa: S105
LINK_SETTINGS = "form[action$='/share/settings/']"
LINK_PASSWORD = "open sesame"  # noqa: S105


def tour(site: TemporarySite, browser: Browser, screens: Screens, folder: Path) -> None:
    """Takes every page, in an order that keeps the worker busy during pages without jobs."""
    sets = render_photos(folder / "photos")
    stranger, own = visitor(browser, site), visitor(browser, site)
    parts = (
        lambda: of_nobody(stranger, screens),
        lambda: of_somebody_new(visitor(browser, site), screens),
        lambda: of_a_draft(own, screens, sets),
        lambda: of_jobs_on_their_way(own, screens, sets),
        lambda: of_a_scene(own, done_url, stranger, screens),
        lambda: of_an_account(own, stranger, screens),
        lambda: of_two_scenes(own, done_url, screens),
    )
    sign_in(own, *site.account())
    done_url = first_scene(own)
    for part in parts:
        try:
            part()
        except Error as error:
            screens.leave_out(str(error).splitlines()[0])


def render_photos(folder: Path) -> PhotoSets:
    """Photos of a bare wall, of which no scene can be made, and some with findings in the check."""
    for name, count in (("corner", 7), ("wall", 1), ("blank", 4)):
        write_photos(folder / name, count, scene=name)
        for file in (folder / name).glob("*.jpg"):
            file.rename(file.with_name(f"{name}-{file.name[6:]}"))
    corner, wall, blank = (sorted((folder / n).glob("*.jpg")) for n in ("corner", "wall", "blank"))
    return {"blank": blank, "draft": [*corner, *wall]}


def visitor(browser: Browser, site: TemporarySite) -> BrowserContext:
    context = browser.new_context(base_url=site.address, reduced_motion="reduce")
    context.set_default_timeout(SHORT_MS)
    return context


def waiting_for(page: Page, what: str, limit_ms: int) -> bool:
    try:
        page.wait_for_selector(what, timeout=limit_ms, state="attached")
    except Error:
        return False
    return True


def of_nobody(context: BrowserContext, screens: Screens) -> None:
    page = context.new_page()
    for name, address, shows in (
        ("home", "/", "The start page"),
        ("sign-in", "/accounts/sign-in/", "Signing in"),
        ("sign-up", "/accounts/sign-up/", "Signing up"),
        ("password-reset", "/accounts/reset/", "A forgotten password"),
        ("not-found", "/nowhere", "An address without a page"),
    ):
        page.goto(address)
        screens.take(page, name, shows)
    page.goto("/demo/")
    shown = "[data-splat-viewer][data-state=ready]"
    screens.try_to("demo", page, shown, "The demo scene, for everybody")
    page.goto("/accounts/sign-up/")
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Sign up").click()
    screens.try_to("sign-up-errors", page, ".errorlist", "A form with something wrong in it")
    context.set_offline(True)
    screens.try_to("offline", page, "[data-offline]:visible", "The connection is lost")
    context.set_offline(False)
    page.close()


def of_somebody_new(context: BrowserContext, screens: Screens) -> None:
    page = context.new_page()
    page.goto("/accounts/sign-up/")
    page.get_by_label("E-mail address").fill("new@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/jobs/")
    page.reload()  # without the welcome message
    screens.take(page, "gallery-empty", "No scenes yet")
    for name, address, shows in (
        ("notices-empty", "/notices/", "No notices yet"),
        ("usage-empty", "/usage/", "Nothing used yet"),
        ("upload", "/jobs/new/", "A new scene"),
        ("delete-account", "/accounts/delete/", "Leaving"),
    ):
        page.goto(address)
        screens.take(page, name, shows)
    page.close()


def of_jobs_on_their_way(
    own: BrowserContext, screens: Screens, sets: dict[str, list[Path]]
) -> None:
    """Three jobs in a row: one that is watched, one that fails, one that is cancelled."""
    running, failing, waiting = own.new_page(), own.new_page(), own.new_page()
    start_sample(running)
    draft_of(failing, sets["blank"], "A white wall")
    failing.locator("[data-submit]").click()
    waiting_for(failing, "#progress", SHORT_MS)
    start_sample(waiting)
    screens.try_to("job-waiting", waiting, "#progress", "A job in the queue")
    for shown, shows in (
        ("features", "A running job: features"),
        ("cloud", "A running job: points and cameras"),
        ("scene", "A running job: the scene, growing"),
    ):
        if waiting_for(running, f"#stage-said[data-shows={shown}]", WAIT_MS):
            if shown == "scene":
                waiting_for(running, "[data-splat-viewer][data-state=ready]", SHORT_MS)
            screens.take(running, f"job-{shown}", shows)
    waiting.get_by_role("button", name="Cancel").click()
    waiting.get_by_role("button", name="Cancel it").click()
    screens.try_to("job-cancelled", waiting, "#ended-title", "A cancelled job")
    if waiting_for(failing, f"#ended-title, {FINISHED}", WAIT_MS):
        screens.take(failing, "job-failed", "A failed job")
    for page in (running, failing, waiting):
        page.close()


def start_sample(page: Page) -> None:
    page.goto("/jobs/new/")
    page.get_by_role("button", name="Try it with sample photos").click()
    page.wait_for_url("**/jobs/*-*/")


def draft_of(page: Page, photos: list[Path], title: str) -> None:
    page.goto("/jobs/new/")
    page.get_by_label("Title").fill(title)
    page.locator("#photos").set_input_files(photos)
    page.wait_for_url("**/jobs/*-*/")
    waiting_for(page, f".tile[data-photo]:nth-child({len(photos)})", SHORT_MS)


def of_a_draft(own: BrowserContext, screens: Screens, sets: PhotoSets) -> None:
    page = own.new_page()
    draft_of(page, sets["draft"], "The corner")
    screens.take(page, "draft-checking", "A draft whose photos are being checked")
    waiting_for(page, "#check[data-check=current]", 60_000)
    page.reload()
    screens.take(page, "draft", "A draft with what the photo check says")
    page.close()


def of_a_scene(own: BrowserContext, url: str, stranger: BrowserContext, screens: Screens) -> None:
    """The finished scene: as its owner sees it, then through its link, open and locked."""
    page = own.new_page()
    page.goto(url)
    waiting_for(page, FINISHED, WAIT_MS)
    screens.try_to("scene", page, "[data-splat-viewer][data-state=ready]", "A finished scene")
    with page.expect_navigation():
        page.get_by_role("switch", name="Anyone with the link can see it").click()
    link = page.locator("#share-url").input_value()
    guest = stranger.new_page()
    for name, address, shows in (
        ("public", link, "A shared scene"),
        ("embed", f"{link}?embed=1", "A scene in a frame on another site"),
    ):
        guest.goto(address)
        screens.try_to(name, guest, "[data-splat-viewer][data-state=ready]", shows)
    page.locator(f"details:has({LINK_SETTINGS}) > summary").click()
    page.locator("#link-password").fill(LINK_PASSWORD)
    with page.expect_navigation():
        page.locator(f"{LINK_SETTINGS} button[type=submit]").click()
    guest.goto(link)
    screens.try_to("locked", guest, "#main form", "A link with a password")
    guest.goto(f"{link}?embed=1")
    screens.try_to("embed-locked", guest, ".embed-empty", "A link with a password, in a frame")
    page.locator(f"details:has({LINK_SETTINGS}) > summary").click()
    page.locator("#link-no_password").check()
    page.locator("#link-in_gallery").check()
    with page.expect_navigation():
        page.locator(f"{LINK_SETTINGS} button[type=submit]").click()
    page.close()
    guest.close()


def of_two_scenes(own: BrowserContext, url: str, screens: Screens) -> None:
    """The finished scene next to the other one from the same photos, once that is also done."""
    page = own.new_page()
    page.goto(url)
    give_up_at = time.monotonic() + WAIT_MS / 1000
    link = page.locator("#main a[href*='/compare/']").first
    while not link.count() and time.monotonic() < give_up_at:
        page.wait_for_timeout(3000)
        page.reload()
    page.goto(str(link.get_attribute("href")))
    both = ".compare section:last-child [data-splat-viewer][data-state=ready]"
    screens.try_to("compare", page, both, "Two scenes of the same photos side by side")
    page.close()


def of_an_account(own: BrowserContext, stranger: BrowserContext, screens: Screens) -> None:
    page = own.new_page()
    page.goto("/accounts/")
    page.locator("[name=gallery_open]").check()
    page.locator("[name=handle]").fill("fern")
    page.locator("[name=public_name]").fill("Fern and friends")
    page.locator("section", has=page.locator("[name=handle]")).get_by_role("button").click()
    page.wait_for_load_state()
    guest = stranger.new_page()
    guest.goto("/u/fern/")
    screens.take(guest, "public-gallery", "Somebody’s public page")
    guest.close()
    for name, address, shows in (
        ("gallery", "/jobs/", "The scenes"),
        ("gallery-search", "/jobs/?q=unicorn", "A search without a result"),
        ("notices", "/notices/", "Notices"),
        ("usage", "/usage/", "What is used"),
        ("account", "/accounts/", "The account"),
        ("password", "/accounts/password/", "A new password"),
        ("machines", "/staff/", "Machines and queues, for staff"),
        ("styleguide", "/styleguide/", "The styleguide, for staff"),
    ):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        screens.take(page, name, shows)
    page.evaluate(ONLY_COMPONENTS)
    screens.take(page, "styleguide-components", "The styleguide: components")
    page.close()
