"""Photos are sent one by one and removed again, survive lost lines and closed tabs, and start."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from accounts.models import User
from recon.jobs import queue
from recon.jobs.drafts import drafts
from recon.models import Job
from tests.browser.fitting import fits
from tests.browser.waiting import until
from tests.browser.windows import PHONE, SIZES
from tests.site.making import job_of, person, photo, photo_bytes
from tests.zips import transforms, zip_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ERRORS = "[data-photo-errors]"
ON_ITS_WAY = ".tile.on-its-way"
PHOTOS_URL = "**/jobs/*/photos/"
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


@pytest.fixture
def page(new_context: NewContext, ann: User, listen: Callable[[Page], Page]) -> Page:
    page = listen(new_context(ann).new_page())
    page.goto("/jobs/new/")
    return page


def upload(name: str, seed: int = 1, content: bytes | None = None, **more: Any) -> dict[str, Any]:
    body = photo_bytes(seed, **more) if content is None else content
    return {"name": name, "mimeType": "image/jpeg", "buffer": body}


def choose(page: Page, *files: dict[str, Any]) -> None:
    page.set_input_files("input[type=file]", list(files))


class Gate:
    """Holds back the photos' requests until it is opened."""

    def __init__(self, page: Page) -> None:
        self.held: list[Route] = []
        self.is_open = False
        page.route(PHOTOS_URL, self._arrive)

    def _arrive(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


def tally(page: Page, *words: str) -> None:
    for said in words:
        expect(page.locator("[data-tally]")).to_contain_text(said)


def arrived(page: Page, count: int) -> None:
    expect(page.locator(ON_ITS_WAY)).to_have_count(0)
    tally(page, f"{count} of at most 20 photos")


def start(page: Page) -> None:
    page.get_by_role("button", name="Start", exact=True).click()


def names(job: Job) -> list[str]:
    return [photo.original_name for photo in job.photos.all()]


def test_a_zip_becomes_photos_whose_positions_are_used_unless_refused(
    page: Page, ann: User, complaints: list[str]
) -> None:
    positions = transforms("scan/0.jpg", "scan/1.jpg", "scan/2.jpg")
    content = zip_of(
        {f"scan/{number}.jpg": photo_bytes(number) for number in range(3)}
        | {"scan/transforms.json": positions}
    )
    choose(page, upload("one.jpg", 7))
    arrived(page, 1)
    choose(page, {"name": "scan.zip", "mimeType": "application/zip", "buffer": content})
    arrived(page, 4)
    found = page.locator("#poses")
    expect(found).to_contain_text("Camera positions of 3 of 4 photos came with them")
    assert fits(page)
    found.get_by_label("Don’t use them").check()
    start(page)
    expect(page.locator("[data-draft]")).to_have_count(0)
    job = Job.objects.get(owner=ann)
    assert names(job) == ["one.jpg", "0.jpg", "1.jpg", "2.jpg"]
    assert job.wishes.without_poses
    assert not complaints


@SIZES
def test_photos_go_up_one_fails_another_takes_its_place_and_the_scene_is_queued(
    new_context: NewContext,
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    size: dict[str, int],
) -> None:
    page = listen(new_context(ann, viewport=size).new_page())
    page.goto("/jobs/new/")
    interrupted: list[str] = []

    def interrupt(route: Route) -> None:
        """The first request is cut off; later ones pass."""
        interrupted.append(route.request.url)
        if len(interrupted) == 1:
            route.abort("connectionreset")
        else:
            route.fallback()

    page.route(PHOTOS_URL, interrupt)
    good = [upload(f"{name}.jpg", seed) for seed, name in enumerate(("one", "two", "three"))]
    choose(page, *good[:2], upload("broken.jpg", content=b"\xff\xd8\xff no photo"), good[2])
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    arrived(page, 3)
    assert len(interrupted) == 4, "three photos, one of them twice, and never the broken one"
    tally(page, "1 not accepted")
    expect(page.locator(".tile.bad .tile-problem")).to_contain_text("“broken.jpg” can’t be read")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert fits(page)

    start(page)
    expect(page.locator(ERRORS)).to_contain_text("The marked photos are not in the scene.")
    assert ann.jobs.get().is_draft
    page.get_by_role("button", name="Remove broken.jpg").click()
    expect(page.locator(ERRORS)).to_be_empty()
    choose(page, upload("four.jpg", 4))
    page.get_by_label("Title").fill("Four of noise")
    arrived(page, 4)
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    job = ann.jobs.get()
    assert (job.status, job.title) == ("PENDING", "Four of noise")
    assert names(job) == ["one.jpg", "two.jpg", "three.jpg", "four.jpg"]
    assert queue.carried_ids() == {job.queue_id}
    assert [c for c in complaints if "ERR_CONNECTION_RESET" not in c] == []


def test_a_closed_tab_finds_what_has_arrived_and_the_same_choice_sends_only_the_rest(
    page: Page, ann: User
) -> None:
    page.get_by_label("Title").fill("Fern")
    chosen = [upload(f"{n}.jpg", n) for n in range(3)]
    choose(page, *chosen)
    arrived(page, 3)
    context = page.context
    page.close()

    again = context.new_page()
    sent: list[str] = []
    again.on("request", lambda r: sent.append(r.url) if r.url.endswith("/photos/") else None)
    again.goto("/jobs/")
    again.get_by_role("link", name="Fern").click()
    expect(again.locator(".tile img")).to_have_count(3)
    expect(again.get_by_label("Title")).to_have_value("Fern")
    choose(again, *chosen, upload("3.jpg", 3))
    arrived(again, 4)
    tally(again, "3 are already here")
    assert len(sent) == 1
    start(again)
    expect(again.get_by_role("list", name="Steps")).to_be_visible()
    assert names(ann.jobs.get()) == [f"{n}.jpg" for n in range(4)]


def test_no_more_than_three_photos_are_on_the_way_at_once(page: Page, ann: User) -> None:
    gate = Gate(page)
    choose(page, *[upload(f"{n}.jpg", n) for n in range(5)])
    tally(page, "0 of at most 20 photos", "5 on the way")
    until(page, "document.querySelectorAll('.tile').length === 5")
    while len(gate.held) < 3:
        page.wait_for_timeout(50)
    page.wait_for_timeout(500)
    assert len(gate.held) == 3
    gate.open()
    arrived(page, 5)
    assert names(ann.jobs.get()) == [f"{n}.jpg" for n in range(5)]


def test_a_server_in_trouble_ends_in_a_button_that_tries_again(page: Page, ann: User) -> None:
    page.clock.install()
    page.route(PHOTOS_URL, lambda route: route.fulfill(status=502, body="no"))
    choose(page, upload("one.jpg"))
    retry = page.get_by_role("button", name="Try again with one.jpg")
    while not retry.is_visible():
        page.clock.run_for(1000)
        page.wait_for_timeout(20)
    expect(page.locator(".tile-problem")).to_have_text("The site could not accept it (502).")
    page.unroute(PHOTOS_URL)
    retry.click()
    arrived(page, 1)


def test_a_photo_that_only_the_server_can_judge_says_so_and_the_others_go_on(
    page: Page, ann: User
) -> None:
    moving = upload("moving.jpg", 5, kind="GIF")  # browsers show it all the same
    choose(page, moving, upload("one.jpg", 1))
    arrived(page, 1)
    expect(page.locator(".tile.bad .tile-problem")).to_contain_text(
        "“moving.jpg” is not a photo that can be read here: its format is GIF."
    )
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    assert names(ann.jobs.get()) == ["one.jpg"]


def test_start_waits_for_photos_on_their_way_and_can_be_taken_back(page: Page, ann: User) -> None:
    gate = Gate(page)
    choose(page, *[upload(f"{n}.jpg", n) for n in range(3)])
    tally(page, "3 on the way")
    start(page)
    expect(page.get_by_text("Starts when all have arrived")).to_be_visible()
    page.get_by_role("button", name="Not yet").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    start(page)
    gate.open()
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    assert ann.jobs.get().status == "PENDING"


def test_leaving_while_photos_are_sent_asks_first(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.route(PHOTOS_URL, lambda route: None)  # never answers
    page.get_by_label("Title").click()  # browsers ask only people who did something
    choose(page, upload("one.jpg"))
    tally(page, "1 on the way")
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]


def test_progress_moves_with_the_bytes_and_removing_ends_the_request(page: Page, ann: User) -> None:
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2**21}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    choose(page, upload("large.jpg", content=photo_bytes(1) + bytes(6 * 2**20)))
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/photos/")):
        until(page, "0.1 < (document.querySelector('.tile progress')?.value ?? 0)")
        page.get_by_role("button", name="Remove large.jpg").click()
    expect(page.locator(".tile")).to_have_count(0)
    assert names(ann.jobs.get()) == []


def test_a_photo_that_the_server_has_but_the_page_does_not_know_is_taken_out_too(
    page: Page, ann: User
) -> None:
    answered: list[Any] = []
    page.route(PHOTOS_URL, lambda route: answered.append((route, route.fetch())))
    choose(page, upload("one.jpg", 1))
    while not answered:
        page.wait_for_timeout(50)
    assert names(ann.jobs.get()) == ["one.jpg"], "the server has it, the page does not know yet"
    page.get_by_role("button", name="Remove one.jpg").click()
    expect(page.locator(".tile:visible")).to_have_count(0)
    for route, response in answered:
        route.fulfill(response=response)
    expect(page.locator(".tile")).to_have_count(0)
    assert names(ann.jobs.get()) == []
    assert page.locator("#photos").evaluate("e => e === document.activeElement")


def test_removing_leads_the_keyboard_to_the_neighbour(page: Page, ann: User) -> None:
    choose(page, *[upload(f"{n}.jpg", n) for n in range(3)])
    arrived(page, 3)
    page.get_by_role("button", name="Remove 1.jpg").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove 2.jpg")).to_be_focused()
    arrived(page, 2)
    assert names(ann.jobs.get()) == ["0.jpg", "2.jpg"]


def test_a_photo_chosen_twice_counts_once_whatever_it_is_called(page: Page, ann: User) -> None:
    choose(page, *[upload(f"{n}.jpg", 7) for n in range(3)])
    arrived(page, 1)
    tally(page, "2 are already here")
    start(page)
    expect(page.locator(ERRORS)).to_contain_text("There is 1 photo; a scene needs 3 to 20.")
    assert ann.jobs.get().is_draft


def test_a_photo_too_many_says_so_on_its_tile(new_context: NewContext, ann: User) -> None:
    draft = drafts.create_draft(ann)
    for number in range(19):
        drafts.add_photo(draft, photo(f"{number}.jpg", seed=number))
    page = new_context(ann).new_page()
    page.goto(draft.get_absolute_url())
    choose(page, upload("twenty.jpg", 90), upload("one too many.jpg", 91))
    expect(page.locator(".tile.bad .tile-problem")).to_contain_text("There are 21 photos")
    arrived(page, 20)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (upload("broken.jpg", content=b"\xff\xd8\xff no photo"), "“broken.jpg” can’t be read"),
        (upload("empty.jpg", content=b""), "“empty.jpg” is empty"),
        (upload("tiny.jpg", content=photo_bytes(1, (50, 120))), "“tiny.jpg” is 50×120 pixels"),
        (
            {"name": "note.txt", "mimeType": "text/plain", "buffer": b"note"},
            "“note.txt” is neither a photo (JPEG, PNG, WebP, HEIC, AVIF) nor a video",
        ),
    ],
    ids=["broken", "empty", "tiny", "text"],
)
def test_a_bad_file_is_named_and_never_sent(
    page: Page, ann: User, file: dict[str, Any], sentence: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.url.endswith("/photos/") else None)
    choose(page, file, upload("good.jpg"))
    arrived(page, 1)
    expect(page.locator(".tile.bad .tile-problem")).to_contain_text(sentence)
    assert len(sent) == 1


def test_a_choice_of_nothing_but_other_files_makes_no_draft(page: Page, ann: User) -> None:
    choose(page, {"name": "note.txt", "mimeType": "text/plain", "buffer": b"note"})
    expect(page.locator(ERRORS)).to_contain_text("“note.txt” is neither a photo (JPEG, PNG, WebP")
    start(page)
    expect(page.locator(ERRORS)).to_contain_text("There are no photos yet; a scene needs 3 to 20.")
    assert not ann.jobs.exists()


def test_one_draft_too_many_is_explained_where_the_photos_are_chosen(
    page: Page, ann: User, settings: Any
) -> None:
    settings.MAX_DRAFTS = 1
    drafts.create_draft(ann)
    choose(page, upload("one.jpg"))
    expect(page.locator(ERRORS)).to_contain_text("Start or delete one to make another.")


def test_a_thumbnail_is_drawn_of_each_photo(page: Page) -> None:
    choose(page, upload("one.jpg"))
    arrived(page, 1)
    until(
        page,
        "document.querySelector('.tile canvas').getContext('2d')"
        ".getImageData(100, 100, 1, 1).data[3] === 255",
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_measuring_on_every_photo_is_offered_where_it_is_done(
    new_context: NewContext, ann: User, scripts: bool
) -> None:
    page = new_context(ann, java_script_enabled=scripts).new_page()
    page.goto("/jobs/new/")
    wish = page.get_by_label("Measure quality on every photo")
    page.get_by_role("radio", name="Quick").check()
    expect(wish).to_be_hidden()
    page.get_by_role("radio", name="Standard").check()
    wish.check()
    choose(page, *[upload(f"{n}.jpg", n) for n in range(3)])
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    assert ann.jobs.get().wishes.cross_validate


def test_everything_works_without_scripts(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, java_script_enabled=False, viewport=PHONE).new_page()
    page.goto("/jobs/new/")
    assert fits(page)
    choose(page, *[upload(f"{n}.jpg", n) for n in range(3)])
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    assert ann.jobs.get().photos.count() == 3

    failed = job_of(ann, status=Job.Status.FAILED, error_code="no_features")
    page.goto(failed.get_absolute_url())
    page.get_by_role("button", name="Add photos and run again").click()
    expect(page.locator(".tile")).to_have_count(3)
    assert fits(page)
    choose(page, upload("x.jpg", 8), upload("broken.jpg", content=b"no photo"))
    page.get_by_role("button", name="Add these photos").click()
    expect(page.locator(ERRORS)).to_contain_text("“broken.jpg” can't be read as a photo.")
    expect(page.locator(".tile")).to_have_count(4)
    page.get_by_role("button", name="Remove secret garden 1.jpg").click()
    expect(page.locator(".tile")).to_have_count(3)
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    again = failed.runs_again.get()
    assert again.status == "PENDING"
    assert names(again) == ["secret garden 0.jpg", "secret garden 2.jpg", "x.jpg"]
