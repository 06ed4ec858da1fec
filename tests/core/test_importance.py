import json
from pathlib import Path

import gsply
import pytest
import torch

from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import export
from recon.splats import importance
from recon.splats.gaussians import Gaussians
from recon.splats.rasterizers import rasterize
from recon.splats.spz import write_spz
from tests.core.test_export_stage import AS_MEASURED, choose
from tests.core.tiny_scene import (
    tiny_camera,
    tiny_gaussians,
    write_tiny_sfm,
    write_tiny_workspace,
    write_trained,
)

CAMERAS = [tiny_camera(index) for index in range(6)]


def difference(one: Gaussians, other: Gaussians) -> float:
    """Mean squared difference in colour between the pictures of both."""
    with torch.no_grad():
        pairs = [(rasterize(one, camera), rasterize(other, camera)) for camera in CAMERAS]
    return sum(float(((a.image - b.image) ** 2).mean()) for a, b in pairs) / len(pairs)


def test_a_gaussian_s_share_is_what_the_pictures_lose_without_it() -> None:
    """If it is alone in view, its alpha: as if it were white on black."""
    one = tiny_gaussians(1)
    one.means[0] = torch.tensor([0.0, 0.0, 0.0])
    with torch.no_grad():
        alpha = rasterize(one, tiny_camera(2)).alpha.mean()
    (share,) = importance.shares(one, [tiny_camera(2)])
    assert float(share) == pytest.approx(0.28209 * float(alpha), rel=1e-3)


def test_what_is_hidden_or_out_of_sight_or_clear_has_the_least_share() -> None:
    scene = tiny_gaussians(4)
    scene.means[:] = torch.tensor([[0, 0, 0], [0, 0, 2.0], [0, 9.0, 0], [0.8, 0, 0]])
    scene.scales[:] = -1.0
    scene.scales[1] = -2.5  # small, and behind the first
    scene.opacities[:] = torch.tensor([9.0, 9.0, 9.0, -4.0])
    shares = importance.shares(scene, CAMERAS)
    assert shares.argmax() == 0
    assert shares[2] == 0
    assert float(shares[[1, 3]].max()) < float(shares[0]) / 20


def test_dark_and_coloured_ones_count_as_bright_ones_do() -> None:
    scene = tiny_gaussians()
    before = importance.shares(scene, CAMERAS)
    scene.sh0[:] = -5.0  # darker than black: clamped
    assert torch.allclose(importance.shares(scene, CAMERAS), before)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "LARGE", 200)
    monkeypatch.setattr(importance, "FIRST_COUNT", 100)


@pytest.mark.usefixtures("small")
def test_the_first_part_is_nearer_to_the_whole_than_as_many_at_random() -> None:
    scene = tiny_gaussians(sh_degree=1)
    part = importance.first_part(scene, CAMERAS)
    assert part is not None
    assert (len(part), part.sh_degree) == (100, 0)
    any_of_them = scene.select(torch.arange(100))
    assert difference(part, scene) < difference(any_of_them, scene) / 2


@pytest.mark.usefixtures("small")
def test_a_small_scene_has_none() -> None:
    assert importance.first_part(tiny_gaussians(199), CAMERAS) is None


@pytest.mark.usefixtures("small")
def test_the_export_of_a_large_scene_has_it_as_a_file_of_its_own(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path)
    write_trained(workspace, tiny_gaussians(), AS_MEASURED.train)
    choose(workspace, "unfiltered")
    write_tiny_sfm(workspace)
    facts = export.run(workspace, AS_MEASURED, ListReporter())
    json.dumps(facts)
    file = workspace.root / facts["artifacts"]["first"]
    whole = workspace.root / facts["artifacts"]["spz"]
    assert len(gsply.read_spz(file).means) == 100
    assert len(gsply.read_spz(whole).means) == 300
    assert file.stat().st_size < whole.stat().st_size


def test_sixty_thousand_are_about_a_megabyte(tmp_path: Path) -> None:
    """So they load within three seconds at 10 Mbit/s, with everything else that a page needs."""
    write_spz(tiny_gaussians(importance.FIRST_COUNT), tmp_path / "first.spz")
    assert (tmp_path / "first.spz").stat().st_size < 1_250_000
