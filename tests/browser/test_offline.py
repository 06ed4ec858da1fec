"""A lost connection: the page says so, and nothing that was typed or chosen is lost with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from accounts.models import User
from recon.models import Job
from tests.browser.every_page import running
from tests.photos import rendered_photos
from tests.site.making import finished_job, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
LOST, UNSENT = "You are offline", "That was not sent"


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def test_a_page_says_that_the_connection_is_lost_until_it_is_back(
    new_context: NewContext, ann: User
) -> None:
    context = new_context(ann)
    page = context.new_page()
    page.goto("/jobs/")
    expect(page.get_by_text(LOST)).to_be_hidden()
    context.set_offline(True)
    expect(page.get_by_role("alert").filter(has_text=LOST)).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text(LOST)).to_be_hidden()


def test_a_running_job_says_it_in_its_own_words_at_once(new_context: NewContext, ann: User) -> None:
    context = new_context(ann)
    page = context.new_page()
    page.goto(running(ann).get_absolute_url())
    context.set_offline(True)
    expect(page.get_by_text("This page keeps trying")).to_be_visible(timeout=1500)
    expect(page.get_by_text(LOST)).to_be_hidden()
    context.set_offline(False)
    expect(page.get_by_text("This page keeps trying")).to_be_hidden()


def test_a_form_that_is_sent_without_a_connection_keeps_what_was_typed(
    new_context: NewContext, ann: User
) -> None:
    job = finished_job(ann)
    context = new_context(ann)
    page = context.new_page()
    page.goto(job.get_absolute_url())
    page.locator("summary", has_text="Change title, description and tags").click()
    words = page.get_by_role("textbox", name="Description")
    words.fill("By the well, in the rain.")
    context.set_offline(True)
    save = page.locator("section.about").get_by_role("button", name="Save")
    save.click()
    expect(page.get_by_role("alert").filter(has_text=UNSENT)).to_be_visible()
    expect(page.get_by_role("textbox", name="Description")).to_have_value(
        "By the well, in the rain."
    )
    context.set_offline(False)
    save.click()
    expect(page.locator(".description")).to_have_text("By the well, in the rain.")


def test_a_site_that_is_down_is_noticed_although_the_browser_takes_itself_to_be_online(
    new_context: NewContext, ann: User
) -> None:
    job = finished_job(ann)
    page = new_context(ann).new_page()

    def nobody(route: Route) -> None:
        route.abort("connectionrefused")

    page.goto(job.get_absolute_url())
    page.route("**/*", nobody)
    page.locator("summary", has_text="Change title, description and tags").click()
    page.get_by_role("textbox", name="Title").fill("Garden")
    save = page.locator("section.about").get_by_role("button", name="Save")
    save.click()
    expect(page.get_by_text(UNSENT)).to_be_visible()
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Garden")
    page.unroute("**/*")
    save.dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Garden")
    job.refresh_from_db()
    assert job.title == "Garden"


def test_photos_that_are_chosen_without_a_connection_are_sent_once_it_is_back(
    new_context: NewContext, ann: User
) -> None:
    context = new_context(ann)
    page = context.new_page()
    page.goto("/jobs/new/")
    page.get_by_label("Title").fill("Courtyard")
    context.set_offline(True)
    page.get_by_label("Choose photos").set_input_files(rendered_photos()[:3])
    expect(page.get_by_text("Your photos are still chosen")).to_be_visible()
    assert not Job.objects.exists()
    context.set_offline(False)
    page.wait_for_url("**/jobs/*-*/")
    expect(page.locator(".tile[data-photo]")).to_have_count(3)
    expect(page.get_by_label("Title")).to_have_value("Courtyard")
    assert Job.objects.count() == 1


def test_a_form_that_is_on_its_way_says_so_on_its_button(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann).new_page()
    page.goto("/accounts/")
    save = page.locator("#settings + form").get_by_role("button", name="Save")
    with page.expect_navigation():
        busy = save.evaluate("(button) => (button.click(), button.getAttribute('aria-busy'))")
    assert busy == "true"
    expect(save).not_to_have_attribute("aria-busy", "true")
