"""Photos dropped on any page become a new scene for whoever dropped them, and for nobody else."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.models import Job
from tests.browser.conftest import session_cookie
from tests.browser.test_drafts import arrived, names, upload
from tests.browser.waiting import until
from tests.browser.windows import DESK
from tests.site.making import PASSWORD, job_of, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
MARK = "localStorage.getItem('handed-over:since')"  # whether there is anything to look for


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


#: Drags these files, or words if there are none, over the page with the event `act`.
DRAG = """([files, act]) => {
    const dataTransfer = new DataTransfer();
    for (const [name, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    }
    if (!files.length) dataTransfer.setData("text/plain", "words");
    const where = document.querySelector("main");
    const event = new DragEvent(act, { dataTransfer, bubbles: true, cancelable: true });
    return !where.dispatchEvent(event);
}"""


def drag(page: Page, act: str, *photos: dict[str, Any]) -> bool:
    """Whether the page accepts what is dragged over it."""
    files = [[one["name"], base64.b64encode(one["buffer"]).decode()] for one in photos]
    return bool(page.evaluate(DRAG, [files, act]))


def test_photos_dropped_on_any_page_become_a_draft(
    new_context: NewContext, ann: User, listen: Callable[[Page], Page], complaints: list[str]
) -> None:
    job = job_of(ann, status=Job.Status.CANCELLED)
    page = listen(new_context(ann, viewport=DESK).new_page())
    photos = [upload(f"{n}.jpg", n) for n in range(3)]
    pages = ["/jobs/", "/usage/", "/notices/", job.get_absolute_url(), "/accounts/"]
    for address in pages:
        page.goto(address)
        cover = page.locator("[data-drop-anywhere]")
        assert not drag(page, "dragover"), "words are not photos"
        expect(cover).to_be_hidden()
        assert drag(page, "dragover", *photos)
        expect(cover).to_be_visible()
        drag(page, "dragleave", *photos)
        expect(cover).to_be_hidden()
    assert drag(page, "drop", *photos)
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    arrived(page, 3)
    draft = ann.jobs.exclude(pk=job.pk).get()
    assert draft.is_draft
    assert sorted(names(draft)) == ["0.jpg", "1.jpg", "2.jpg"]
    page.goto("/jobs/new/")
    expect(page.get_by_text("Choose photos")).to_be_visible()
    assert page.evaluate(MARK) is None, "taken once"
    assert complaints == []


def test_an_upload_page_takes_drops_itself(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    page.goto("/jobs/new/")
    photos = [upload("0.jpg", 0)]
    assert drag(page, "dragover", *photos)
    expect(page.locator("[data-drop].over")).to_be_visible()
    expect(page.locator("[data-drop-anywhere]")).to_be_hidden()


#: What is still in the browser's store of photos that were handed over.
COUNT_STORED = """() => new Promise((resolve, reject) => {
    const request = indexedDB.open("handed-over", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
        const count = request.result.transaction("files").objectStore("files").count();
        count.onsuccess = () => { request.result.close(); resolve(count.result); };
    };
})"""


def dropped_and_lost(page: Page) -> None:
    """A drop whose next page never came."""
    page.goto("/jobs/")
    page.locator("[data-drop-anywhere]").evaluate("(one) => { one.dataset.dropAnywhere = '#'; }")
    assert drag(page, "drop", upload("0.jpg", 0))
    page.wait_for_url("**/jobs/#")
    page.goto("/usage/")
    assert page.evaluate(COUNT_STORED) == 1


def test_photos_that_one_person_dropped_never_reach_another(
    new_context: NewContext, ann: User, live_server: Any
) -> None:
    context = new_context(ann, viewport=DESK)
    page = context.new_page()
    dropped_and_lost(page)
    bob = person("bob@example.org")
    context.add_cookies([session_cookie(bob, live_server.url)])
    page.goto("/jobs/new/")
    expect(page.get_by_text("Choose photos")).to_be_visible()
    until(page, f"{MARK} === null")
    assert page.evaluate(COUNT_STORED) == 0
    assert not Job.objects.exists()


def test_signing_out_forgets_photos_that_were_dropped(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    dropped_and_lost(page)
    page.goto("/accounts/sign-out/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    until(page, f"{MARK} === null")
    assert page.evaluate(COUNT_STORED) == 0


def test_a_page_of_nobody_leaves_what_was_dropped_and_another_person_s_forgets_it(
    new_context: NewContext, ann: User, live_server: Any
) -> None:
    context = new_context(ann, viewport=DESK)
    page = context.new_page()
    dropped_and_lost(page)
    context.clear_cookies()
    other = context.new_page()
    for address in ("/", "/accounts/sign-in/"):
        other.goto(address, wait_until="networkidle")
        assert page.evaluate(COUNT_STORED) == 1, "another tab may be about to take it"
    context.add_cookies([session_cookie(person("bob@example.org"), live_server.url)])
    other.goto("/usage/")
    until(other, f"{MARK} === null")
    assert other.evaluate(COUNT_STORED) == 0


def test_photos_dropped_after_the_session_ended_wait_for_their_owner(
    new_context: NewContext, ann: User
) -> None:
    context = new_context(ann, viewport=DESK)
    page = context.new_page()
    page.goto("/jobs/")
    context.clear_cookies()
    assert drag(page, "drop", *[upload(f"{n}.jpg", n) for n in range(3)])
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    arrived(page, 3)
    assert ann.jobs.get().is_draft


@pytest.mark.parametrize("answer", ["Stay here", "Leave and make the scene", "Escape"])
def test_a_drop_asks_before_it_leaves_what_was_typed(
    new_context: NewContext, ann: User, answer: str
) -> None:
    job = job_of(ann, status=Job.Status.CANCELLED)
    page = new_context(ann, viewport=DESK).new_page()
    page.goto(job.get_absolute_url())
    page.locator("details:has(#about-title)").evaluate("(fold) => { fold.open = true; }")
    page.locator("#about-title").fill("Half a tit")
    assert drag(page, "drop", *[upload(f"{n}.jpg", n) for n in range(3)])
    question = page.get_by_role("dialog", name="Leave this page?")
    expect(question).to_be_visible()
    expect(question.get_by_role("button", name="Stay here")).to_be_focused()
    if answer == "Escape":
        page.keyboard.press("Escape")
    else:
        question.get_by_role("button", name=answer).click()
    if answer.startswith("Leave"):
        arrived(page, 3)
        return
    expect(question).to_be_hidden()
    expect(page.locator("#about-title")).to_have_value("Half a tit")
    assert page.evaluate(MARK) is None
    assert ann.jobs.count() == 1


def test_a_drop_that_the_browser_can_t_keep_says_so(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    page.add_init_script("IDBFactory.prototype.open = () => { throw new Error('no room'); };")
    page.goto("/usage/")
    assert drag(page, "drop", upload("0.jpg", 0))
    expect(
        page.get_by_role("alert").filter(has_text="couldn’t pass these photos on")
    ).to_be_visible()
    assert page.url.endswith("/usage/")
    expect(page.locator("[data-drop-anywhere]")).to_be_hidden()
