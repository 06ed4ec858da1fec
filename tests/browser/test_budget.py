"""What the scripts and styles of a page weigh as the site sends them: compressed by WhiteNoise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import override_settings
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Response

from accounts.models import User
from tests.browser.conftest import session_cookie
from tests.browser.every_page import one_of_each, running, scene
from tests.site.making import person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KB = 1000  # bytes
BUDGET = 150 * KB  # of JavaScript and CSS, before the viewer
VIEWER = "/viewer."
SCRIPT_BUDGET = 230 * KB  # all JavaScript of a shared scene's page, until its first picture
ENGINE_BUDGET = 450 * KB  # the WebAssembly that sorts splats and reads their files


@pytest.fixture(scope="module")
def collected(built_static: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings of a site with static files as `make run` collects them, compressed."""
    collecting = {
        "STATIC_ROOT": tmp_path_factory.mktemp("static"),
        "STORAGES": {
            **django_settings.STORAGES,
            "staticfiles": {"BACKEND": "instarecon_site.storage.StaticStorage"},
        },
    }
    with override_settings(**collecting):
        call_command("collectstatic", interactive=False, verbosity=0)
    return {**collecting, "WHITENOISE_USE_FINDERS": False}


@pytest.fixture
def site(settings: Any, data_dir: Path, collected: dict[str, Any]) -> Iterator[str]:
    """The address of a server with these files."""
    for name, value in collected.items():
        setattr(settings, name, value)
    server = LiveServerThread("127.0.0.1", lambda application: application)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    assert server.error is None
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture
def ann_s_browser(chromium: Browser, site: str, redis_queue: Any) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=site)
    context.add_cookies([session_cookie(person(), site)])
    yield context
    context.close()


@pytest.mark.parametrize(
    "page_of",
    [one_of_each, lambda ann: running(ann).get_absolute_url(),
     lambda ann: scene(ann).get_absolute_url()],
    ids=["gallery", "job running", "job done"],
)  # fmt: skip
def test_scripts_and_styles_stay_below_150_kb_before_the_viewer(
    ann_s_browser: BrowserContext, page_of: Callable[[Any], str]
) -> None:
    answers: list[Response] = []
    page = ann_s_browser.new_page()
    page.on("response", lambda answer: answers.append(answer))
    page.goto(page_of(User.objects.get()))
    page.wait_for_load_state("networkidle")
    counted = [a for a in answers if is_code(a) and VIEWER not in a.url]
    assert all(a.headers["content-encoding"] in ("gzip", "br") for a in counted)
    sent = {name_of(a): a.request.sizes()["responseBodySize"] for a in counted}
    whole = {name_of(a): len(a.body()) for a in counted}
    print(f"\n{'':32} sent  whole, bytes")
    for name in sent:
        print(f"{name:32} {sent[name]:6} {whole[name]:6}")
    print(f"{'together':32} {sum(sent.values()):6} {sum(whole.values()):6}")
    assert len(sent) >= 3, "styles, theme, site"
    assert 0 < sum(sent.values()) < BUDGET
    assert sum(whole.values()) < BUDGET, "even if nothing is compressed"


def test_what_a_first_picture_takes_stays_below_its_budget(
    ann_s_browser: BrowserContext,
) -> None:
    """In bytes, the same on any machine: enough at 10 Mbit/s (docs/develop/viewer.md)."""
    job = scene(User.objects.get(), shared=True)
    answers: list[Response] = []
    page = ann_s_browser.new_page()
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"/v/{job.share.key}")
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")
    html, *others = [answer for answer in answers if answer.url.startswith("http")]
    assert html.headers["content-encoding"] == "gzip"
    scripts = {name_of(a): a for a in others if a.request.resource_type == "script"}
    engines = {name_of(a): a for a in others if ".wasm" in a.url}
    assert {name.split(".")[0] for name in scripts} == {"theme", "site", "early", "viewer"}
    assert [name.split(".")[0] for name in engines] == ["spark"]
    for answer in (*scripts.values(), *engines.values()):
        assert answer.headers["content-encoding"] == "br"
        assert "immutable" in answer.headers["cache-control"]
    sent = {name: a.request.sizes()["responseBodySize"] for name, a in (scripts | engines).items()}
    print(sent)
    assert 0 < sum(sent[name] for name in scripts) < SCRIPT_BUDGET
    assert 0 < sum(sent[name] for name in engines) < ENGINE_BUDGET
    for answer in scripts.values():
        assert b"AGFzbQ" not in answer.body(), "WebAssembly in base64"


def test_the_start_page_with_its_scene_s_picture_stays_below_150_kb(
    chromium: Browser, site: str
) -> None:
    """Everything that it loads before its live scene, which is as large again."""
    sizes: dict[str, int] = {}
    with chromium.new_context(base_url=site) as context:
        page = context.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto("/")
        page.wait_for_selector("[data-hero][data-live]")
        for answer in answers:
            sizes[name_of(answer)] = answer.request.sizes()["responseBodySize"]
    (scene,) = (size for name, size in sizes.items() if name.endswith(".spz"))
    print(sizes)
    assert not [name for name in sizes if VIEWER in f"/{name}"], "the viewer is for /demo/"
    assert len(sizes) >= 6
    assert sum(sizes.values()) - scene < BUDGET
    assert 0 < scene < BUDGET


def is_code(answer: Response) -> bool:
    kind = answer.request.resource_type
    return kind in ("script", "stylesheet") and answer.url.startswith("http")


def name_of(answer: Response) -> str:
    return answer.url.rsplit("/", 1)[-1]
