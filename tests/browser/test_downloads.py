"""What a finished scene offers for download, and the viewer on its smallest file."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from recon.models import Artifact, Job
from recon.splats.formats import write_ply
from recon.splats.gaussians import Gaussians
from recon.splats.spz import write_spz
from recon.splats.starting_points import SH_C0
from recon.web.scene import OWN_DOWNLOADS, PUBLIC_DOWNLOADS
from tests.browser.fitting import fits
from tests.browser.scenes import BLOBS, RADIUS
from tests.browser.viewing import (
    IT,
    VIEWER,
    open_own,
    open_scene,
    photographed,
    ready,
    shared_scene,
    write_scene,
)
from tests.browser.waiting import until
from tests.browser.windows import PHONE, SIZES, SIZES_AND_SCRIPTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]


@pytest.fixture
def scene(data_dir: Path) -> Job:
    return photographed(shared_scene())


def three_blobs(sh_degree: int = 0) -> Gaussians:
    """Those of the scene's .splat, brighter or darker from some sides with SH above degree 0."""
    colours = torch.tensor([list(colour) for colour in BLOBS], dtype=torch.float32) / 255
    count = len(BLOBS)
    view = torch.tensor([0.2, -0.6, 0.4])  # along y, z and x; the viewer looks along z
    return Gaussians(
        means=torch.tensor(list(BLOBS.values())),
        quats=torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(count, 1),
        scales=torch.full((count, 3), math.log(RADIUS)),
        opacities=torch.full((count,), 12.0),
        sh0=((colours - 0.5) / SH_C0)[:, None],
        shN=view[:, None].repeat(count, 1, 3)[:, : (sh_degree + 1) ** 2 - 1],
    )


def write_blobs_as_spz(job: Job) -> None:
    write_spz_of(job, three_blobs())


def write_spz_of(job: Job, blobs: Gaussians) -> None:
    """Recorded as so small that the viewer uses it."""
    artifact = job.artifacts.get(kind=Artifact.Kind.SPZ)
    write_spz(blobs, artifact.file)
    job.artifacts.filter(pk=artifact.pk).update(size=artifact.file.stat().st_size)
    job.artifacts.filter(kind=Artifact.Kind.SPLAT).update(size=10**6)


@SIZES_AND_SCRIPTS
def test_the_owner_takes_every_file_away(
    new_context: NewContext, scene: Job, size: dict[str, int], scripts: bool, tmp_path: Path
) -> None:
    page = new_context(scene.owner, viewport=size, java_script_enabled=scripts).new_page()
    page.goto(scene.get_absolute_url())
    expect(page.locator(".downloads a").filter(visible=True)).to_have_count(3)
    same = [Artifact.Kind.FILTERED_PLY]  # the same as the scene that is shown
    offered = list(scene.artifacts.filter(kind__in=OWN_DOWNLOADS).exclude(kind__in=same))
    assert {"spz", "turntable", "colmap"} <= {artifact.kind for artifact in offered}
    for artifact in offered:
        saved = save(page, OWN_DOWNLOADS[Artifact.Kind(artifact.kind)], tmp_path)
        assert saved.read_bytes() == artifact.file.read_bytes()
        assert saved.name.startswith("fern-in-the-hall")
    assert fits(page)


@SIZES
def test_a_friend_takes_the_scene_and_the_video_away(
    new_context: NewContext, scene: Job, size: dict[str, int], tmp_path: Path
) -> None:
    page = new_context(viewport=size, reduced_motion="reduce").new_page()
    open_scene(page, scene)
    if size == PHONE:
        page.locator("summary", has_text="About this scene").click()
    for kind, (_, label) in PUBLIC_DOWNLOADS.items():
        saved = save(page, label, tmp_path)
        assert saved.read_bytes() == scene.artifacts.get(kind=kind).file.read_bytes()
    expect(page.locator("a[download]")).to_have_count(len(PUBLIC_DOWNLOADS))


def save(page: Page, label: str, folder: Path) -> Path:
    link = page.locator("a[download]", has_text=str(label))
    if not link.is_visible():
        page.locator("summary", has_text="More formats").click()
    with page.expect_download() as started:
        link.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


@SIZES
@pytest.mark.parametrize("opened", [open_own, open_scene], ids=["own", "shared"])
def test_the_small_file_looks_like_the_other_and_can_be_measured(
    new_context: NewContext,
    listen: Callable[[Page], Page],
    scene: Job,
    size: dict[str, int],
    opened: Any,
    complaints: list[str],
) -> None:
    context = new_context(scene.owner, viewport=size, reduced_motion="reduce")
    page = listen(context.new_page())
    opened(page, scene)
    assert page.get_attribute(VIEWER, "data-scene").endswith("splat")  # type: ignore[union-attr]
    before = seen(page)
    write_blobs_as_spz(scene)
    page.reload()
    ready(page)
    assert page.get_attribute(VIEWER, "data-scene").endswith("spz")  # type: ignore[union-attr]
    after = seen(page)
    assert unlike(after["picture"], before["picture"]) < 5
    assert after["point"] == pytest.approx(before["point"], abs=0.02)
    assert after["support"] == pytest.approx(before["support"], abs=0.01)
    assert complaints == []


def unlike(a: np.ndarray, b: np.ndarray) -> float:
    """The mean difference in grey levels where either picture has a blob."""
    lit = np.maximum(a, b).max(axis=2) > 60
    assert lit.sum() > 500
    return float(np.abs(a - b)[lit].mean())


def seen(page: Page) -> dict[str, Any]:
    """What the canvas shows, the point under its middle, and how far photos support the view."""
    bytes_of = "then((blob) => blob.arrayBuffer()).then((b) => [...new Uint8Array(b)])"
    png = page.evaluate(f"{IT}.stage.picture().{bytes_of}")
    image = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"), float)
    support = page.evaluate(f"{IT}.features.supported")
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    points = f"{IT}.features.measureForm.measure.points"
    until(page, f"{points}.length === 1")
    point = page.evaluate(f"{points}[0].toArray()")
    page.keyboard.press("Escape")
    return {"picture": image, "point": point, "support": support}


def test_colours_that_depend_on_the_view_are_those_of_the_ply(
    new_context: NewContext, scene: Job, tmp_path: Path
) -> None:
    """The PLY is on COLMAP's axes and the SPZ on three's, their spherical harmonics likewise."""
    blobs = three_blobs(sh_degree=1)
    write_ply(blobs, tmp_path / "a.ply")
    write_scene(scene, (tmp_path / "a.ply").read_bytes())  # the viewer goes by the content
    scene.artifacts.filter(kind=Artifact.Kind.SPZ).update(size=10**6)
    page = new_context(reduced_motion="reduce").new_page()
    open_scene(page, scene)
    before = seen(page)["picture"]
    write_spz_of(scene, blobs)
    page.reload()
    ready(page)
    after = seen(page)["picture"]
    assert unlike(after, before) < 5
    write_blobs_as_spz(scene)
    page.reload()
    ready(page)
    assert unlike(seen(page)["picture"], before) > 15, "seen from here the view matters"


@SIZES
def test_one_scene_follows_the_other_whatever_their_formats(
    new_context: NewContext, scene: Job, size: dict[str, int]
) -> None:
    """As while a scene trains, whose snapshots are .splat files."""
    page = new_context(scene.owner, viewport=size, reduced_motion="reduce").new_page()
    open_own(page, scene)
    splat = page.get_attribute(VIEWER, "data-scene")
    before = seen(page)
    write_blobs_as_spz(scene)
    for kind in ("spz", "splat"):
        address = splat if kind == "splat" else str(splat).replace("splat", "spz")
        assert page.evaluate(f"{IT}.replaceScene('{address}')") is True
        assert seen(page)["point"] == pytest.approx(before["point"], abs=0.02)
