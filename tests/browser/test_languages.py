"""The pages in Korean, on a phone and on a desk: chosen by a button, complete, and fitting."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.models import Job, Video
from tests.browser.fitting import fits
from tests.browser.test_pages import running_job
from tests.browser.test_result import shown_job
from tests.browser.windows import SIZES, SIZES_AND_SCRIPTS
from tests.site.making import finished_job, job_of, person, photo_bytes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]

#: What is spelled the same in Korean.
SAME = re.compile(
    r"InstaRecon(3D)?|3D|PSNR|SSIM|LPIPS|dB|PLY|splat|JSON|SPZ|ZIP|zip|COLMAP|nerfstudio|GPU|Spark|API|QR|HTML|"
    r"JPEG|PNG|WebP|HEIC|AVIF|MP4|MOV|WebM|secret garden|JavaScript|[GMKk]B|UTC|Bearer|"
    r"Space|English|WebGL|[\w.-]+@[\w.-]+|\S+\.(jpg|mp4|ply)|too_few_registered|[0-9a-f-]{36}|https?://\S+|/u/\w*/?"
)
#: Every text that is seen or read aloud, except code, logs and the list of time zones.
TEXTS = """
() => {
  const found = [];
  const quiet = "script, style, code, pre, kbd, noscript, template, option, [lang=en]";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(quiet)) found.push(walker.currentNode.data);
  }
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(quiet)) continue;
    for (const name of ["aria-label", "alt", "title", "placeholder", "data-title"])
      found.push(element.getAttribute(name) ?? "");
  }
  return [document.title, ...found];
}
"""


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any, live_server: Any, settings: Any) -> User:
    settings.BASE_URL = live_server.url
    return person(language="ko", handle="ann", public_name="앤", gallery_open=True)


def english_on(page: Page) -> list[str]:
    """What is left in English."""
    texts = [SAME.sub("", text) for text in page.evaluate(TEXTS)]
    return [text.strip() for text in texts if re.search(r"[A-Za-z]{2}", text)]


def is_korean(page: Page, name: str) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    if folder := os.environ.get("SCREENS"):  # for anybody who wants to look
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    assert english_on(page) == []
    assert fits(page)


@SIZES_AND_SCRIPTS
def test_somebody_switches_to_korean_signs_up_and_it_stays(
    new_context: NewContext, ann: User, size: dict[str, int], scripts: bool
) -> None:
    page = new_context(viewport=size, java_script_enabled=scripts).new_page()
    page.goto("/")
    page.get_by_role("link", name="Sign up", exact=True).click()
    page.get_by_role("button", name="한국어").click()
    expect(page).to_have_url(re.compile("/accounts/sign-up/$"))
    expect(page.get_by_role("heading", name="계정 만들기")).to_be_visible()
    page.get_by_label("이메일 주소").fill("new@example.org")
    page.get_by_label("비밀번호").fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name="회원가입").click()
    expect(page.get_by_role("heading", name="아직 장면이 없어요")).to_be_visible()
    new = User.objects.get(email="new@example.org")
    assert new.language == "ko"

    elsewhere = new_context(new, viewport=size, java_script_enabled=scripts).new_page()
    elsewhere.goto("/accounts/")
    expect(elsewhere.get_by_role("heading", name="계정", exact=True)).to_be_visible()
    elsewhere.get_by_label("페이지와 메일의 언어").select_option("en")
    elsewhere.locator("[aria-labelledby=settings]").get_by_role("button").click()
    expect(elsewhere.get_by_text("Your settings are saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="No scenes yet")).to_be_visible()


@SIZES
def test_what_a_visitor_meets_is_in_korean(
    new_context: NewContext, ann: User, size: dict[str, int], listen: Any, complaints: list[str]
) -> None:
    page = listen(new_context(viewport=size, locale="ko-KR").new_page())
    locked = finished_job(ann, title="현관", shared=True, share_password="x")
    pending = job_of(ann, title="현관", shared=True, status=Job.Status.PENDING)
    addresses = {
        "home": "/",
        "sign-up": "/accounts/sign-up/",
        "sign-in": "/accounts/sign-in/",
        "reset": "/accounts/reset/",
        "locked": f"/v/{locked.share.key}",
        "public-waiting": f"/v/{pending.share.key}",
        "public-gallery": "/u/ann/",
    }
    for name, address in addresses.items():
        page.goto(address)
        is_korean(page, name)
    # Asking for a password is a 403, which Chromium puts on its console.
    assert [line for line in complaints if "403" not in line] == []


@SIZES
@pytest.mark.parametrize("state", ["waiting", "done", "locked"])
def test_a_friend_switches_the_language_of_a_shared_page(
    new_context: NewContext, ann: User, size: dict[str, int], state: str
) -> None:
    if state == "waiting":
        scene = job_of(ann, title="현관", shared=True, status=Job.Status.PENDING)
    else:
        scene = shown_job(
            ann, title="현관", shared=True, share_password="x" if state == "locked" else ""
        )
    page = new_context(viewport=size).new_page()
    page.goto(f"/v/{scene.share.key}")
    page.get_by_role("button", name="한국어").click()
    expect(page).to_have_url(re.compile(f"/v/{scene.share.key}$"))
    is_korean(page, f"public-{state}")


@SIZES
def test_the_pages_of_a_person_are_in_korean(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    page = new_context(ann, viewport=size).new_page()
    for status in (Job.Status.FAILED, Job.Status.DRAFT, Job.Status.PENDING):
        job_of(ann, title="현관의 고사리", status=status, error_code="internal")
    finished_job(ann, title="")
    for address in ("jobs", "accounts", "accounts/password", "accounts/delete", "usage", "notices"):
        page.goto(f"/{address}/")
        is_korean(page, address.replace("/", "-"))


@SIZES
def test_choosing_photos_is_in_korean(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    page = new_context(ann, viewport=size).new_page()
    page.goto("/jobs/new/")
    is_korean(page, "upload")
    files = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": photo_bytes(n)} for n in range(2)
    ]
    page.locator("#photos").set_input_files(
        [*files, {"name": "메모.txt", "mimeType": "text/plain", "buffer": b"x"}]
    )
    expect(page.locator("[data-tally]")).to_contain_text("사진 2장 / 최대 20장")
    page.get_by_role("button", name="시작", exact=True).click()
    errors = page.locator("[data-photo-errors]")
    expect(errors).to_contain_text("표시된 사진은 장면에 들어가지 않았어요.")
    page.get_by_role("button", name="‘메모.txt’ 빼기").click()
    page.get_by_role("button", name="시작", exact=True).click()
    expect(page.locator("[data-photo-errors]")).to_contain_text("장면 하나에는 3~20장이 필요해요")
    draft = Job.objects.get()
    Video.objects.create(
        job=draft, original_name="a.mp4", sha256="0" * 64, size=2**20, state="failed",
        error_code="video_too_still", error_facts={"name": "a.mp4"},
    )  # fmt: skip
    page.reload()
    expect(page.locator(".video-problem")).to_contain_text("카메라가 거의 움직이지 않아요")
    is_korean(page, "draft")


@SIZES
def test_a_job_is_in_korean_while_it_runs_when_it_failed_and_when_it_is_done(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    photo = {"code": "photo", "facts": {"number": 2, "total": 3}}
    running = running_job(ann, title="현관의 고사리", progress=photo)
    failed = job_of(
        ann,
        title="현관의 고사리",
        status=Job.Status.FAILED,
        step="COLMAP_MAP",
        error_code="too_few_registered",
        error_facts={"registered": 2, "total": 3},
    )
    warning = {"code": "photos_left_out", "facts": {"count": 3, "total": 6, "photos": ["000.jpg"]}}
    done = shown_job(ann, title="현관의 고사리", shared=True, warnings=[warning])
    other = shown_job(ann, title="두 번째 고사리")
    page = new_context(ann, viewport=size).new_page()
    page.goto(running.get_absolute_url())
    expect(page.get_by_text("사진 3장 중 2번째")).to_be_visible()
    expect(page.locator("[data-elapsed]")).to_have_text(re.compile(r"^\d+초$"))
    is_korean(page, "running")
    page.goto(failed.get_absolute_url())
    is_korean(page, "failed")
    page.goto(done.get_absolute_url())
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")
    page.locator("details").evaluate_all("all => all.forEach((each) => (each.open = true))")
    page.get_by_role("button", name="더 보기").click()
    is_korean(page, "done")
    page.goto(reverse("recon:compare", args=(done.pk, other.pk)))
    is_korean(page, "compare")
    page.goto(f"/v/{done.share.key}")
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")
    is_korean(page, "public")
