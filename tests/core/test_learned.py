"""Learned features: where their weights may be, and how exact they are where poses are known."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
import shutil
import socket
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recon.pipeline.progress import ListReporter
from recon.poses.cameras import CameraGroup
from recon.poses.colmap import pairs
from recon.poses.colmap.databases import features_digest, matches_digest
from recon.poses.learned import learned_matches, retrieval, weight_files
from recon.poses.learned import networks as networks_of
from recon.poses.learned.networks import Networks
from recon.poses.learned.weight_files import ALIKED, LIGHTGLUE, MissingWeights, Weights
from recon.poses.native import colmap
from recon.reporting import silent
from recon.samples import SamplePhoto, write_photos

pytestmark = pytest.mark.slow

SIZE = (320, 240)  # px
COUNT = 3
#: px, the size at which photos are examined. Rotations are found to 0.1 degrees there; at the 1024
#: px of real photos, to 0.05, but in three times the time.
ENOUGH = 640


@dataclasses.dataclass(frozen=True)
class Rendered:
    """Photos with known poses, all from one camera, and the group that says so."""

    folder: Path
    truth: list[SamplePhoto]

    @property
    def groups(self) -> list[CameraGroup]:
        names = tuple(photo.name for photo in self.truth)
        return [CameraGroup(names, *SIZE, float(self.truth[0].K[0, 0]))]

    def build(self, database: Path, **changes: object) -> Path:
        settings = {"seed": 3, "min_num_inliers": 15, "report": silent} | changes
        learned_matches.build(database, self.folder, self.groups, **settings)  # type: ignore[arg-type]
        return database


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = tmp_path_factory.mktemp("rendered")
    # The middle ones of seven: 14 degrees apart, alternately high and low.
    everything = write_photos(folder, count=7, size=SIZE)
    return Rendered(folder, everything[2 : 2 + COUNT])


Told = list[tuple[float, str]]


@pytest.fixture(scope="module")
def built_and_told(
    rendered: Rendered, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Told]:
    report = ListReporter()
    database = tmp_path_factory.mktemp("built") / "database.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks_of, "SIZE", ENOUGH)
        patch.setattr(networks_of, "KEYPOINTS", 1024)
        return rendered.build(database, report=report), report.named("progress")


@pytest.fixture
def built(built_and_told: tuple[Path, Told]) -> Path:
    return built_and_told[0]


@pytest.fixture(scope="module")
def networks() -> Networks:
    return networks_of.load()


@pytest.fixture
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos at their own small size and few keypoints, for what does not depend on accuracy."""
    monkeypatch.setattr(networks_of, "SIZE", max(SIZE))
    monkeypatch.setattr(networks_of, "KEYPOINTS", 512)


@pytest.fixture
def only_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's cache, empty, with no package of weights installed."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weight_files, "PACKAGE", "no_package_of_this_name")
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    return checkpoints


def installed(weights: Weights) -> Path:
    [path] = [f / weights.name for f in weight_files._folders() if (f / weights.name).is_file()]
    return path


def test_with_what_requirements_install_they_are_available() -> None:
    assert learned_matches.available() is None


def test_missing_weights_are_named(only_cache: Path) -> None:
    assert learned_matches.available() == "the weights aliked-n16.pth are not installed"
    with pytest.raises(MissingWeights, match=r"aliked-n16\.pth are not installed"):
        networks_of.load()


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    networks_of.load()


def test_weights_in_torch_hubs_cache_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [installed(weights) for weights in (ALIKED, LIGHTGLUE)]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weight_files, "PACKAGE", "no_package_of_this_name")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    for path in found:
        os.symlink(path, tmp_path / "hub" / "checkpoints" / path.name)
    assert learned_matches.available() is None


def test_the_cache_is_where_torch_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.delenv("TORCH_HOME", raising=False)
    for home in (str(tmp_path), None):
        if home is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", home)
        assert weight_files._folders()[0] == Path(torch.hub.get_dir()) / "checkpoints"


def test_damaged_weights_are_not_used(only_cache: Path) -> None:
    (only_cache / ALIKED.name).write_bytes(b"half a file")
    why = learned_matches.available()
    assert why is not None
    assert "not the expected ones" in why
    with pytest.raises(MissingWeights, match="wrong SHA-256"):
        weight_files.load(ALIKED)


def test_a_damaged_file_does_not_hide_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / ALIKED.name).write_bytes(b"half a file")
    assert learned_matches.available() is None


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["HARM"],)


def test_weights_can_not_run_code(
    only_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    harm = tmp_path / "harm"
    monkeypatch.setenv("HARM", str(harm))
    path = only_cache / "harmful.pth"
    torch.save({"weights": Harmful()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(pickle.UnpicklingError):
        weight_files.load(Weights(path.name, digest))
    assert not harm.exists()


def test_rendered_photos_give_pairs_with_their_true_geometry(
    built: Path, rendered: Rendered
) -> None:
    found = pairs.read_verified_pairs(built)
    names = [photo.name for photo in rendered.truth]
    assert [(p.a, p.b) for p in found] == list(combinations(names, 2))
    assert min(p.inliers for p in found) > 2 * learned_matches.MIN_INLIERS
    assert all(rotation_error(built, *pair) < 1.0 for pair in combinations(rendered.truth, 2))


def rotation_error(database: Path, a: SamplePhoto, b: SamplePhoto) -> float:
    """Degrees between the true rotation from `a` to `b` and the one in the database."""
    true = b.cam_from_world[:, :3] @ a.cam_from_world[:, :3].T
    left = relative_rotation(database, a.name, b.name) @ true.T
    return float(np.degrees(np.arccos(np.clip((np.trace(left) - 1) / 2, -1, 1))))


def relative_rotation(database: Path, a: str, b: str) -> NDArray[np.float64]:
    """[3, 3], from `a` to `b`, by the pair's verified geometry."""
    pycolmap = colmap()
    with pycolmap.Database.open(database) as content:
        images = {i.name: i for i in content.read_all_images()}
        cameras = [content.read_camera(images[n].camera_id) for n in (a, b)]
        points = [content.read_keypoints(images[n].image_id)[:, :2] for n in (a, b)]
        geometry = content.read_two_view_geometry(images[a].image_id, images[b].image_id)
    points = [p.astype(np.float64) for p in points]
    assert pycolmap.estimate_two_view_geometry_pose(
        cameras[0], points[0], cameras[1], points[1], geometry
    )
    rotation: NDArray[np.float64] = geometry.cam2_from_cam1.rotation.matrix()
    return rotation


@pytest.mark.usefixtures("little_work")
def test_the_same_photos_give_the_same_database(rendered: Rendered, tmp_path: Path) -> None:
    built, again = (rendered.build(tmp_path / f"{name}.db") for name in ("built", "again"))
    assert len(pairs.read_verified_pairs(built)) > 0
    assert features_digest(again) == features_digest(built)
    assert matches_digest(again) == matches_digest(built)


def test_keypoints_count_pixels_as_colmap_does(
    networks: Networks, rendered: Rendered, tmp_path: Path
) -> None:
    """kornia has the centre of the top-left pixel at (0, 0), COLMAP at (0.5, 0.5)."""
    import torch

    with Image.open(rendered.folder / rendered.truth[0].name) as photo:
        photo.save(tmp_path / "photo.png")
        pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].to(networks.device)
    as_it_is = dataclasses.replace(networks, size=max(SIZE))
    found = networks_of.detect(as_it_is, tmp_path / "photo.png").xy
    with torch.inference_mode():
        kornias = networks.detector(pixels.float() / 255)[0].keypoints.cpu().numpy()
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(kornias, axis=0) + 0.5, atol=1e-3)


def test_a_photo_made_smaller_keeps_its_keypoints_places(
    networks: Networks, rendered: Rendered, tmp_path: Path
) -> None:
    """Scaled up four times about the wrong corner of a pixel, they would be off by 1.5 px."""
    with Image.open(rendered.folder / rendered.truth[0].name) as photo:
        photo.save(tmp_path / "photo.png")
        large = photo.resize((SIZE[0] * 4, SIZE[1] * 4), Image.Resampling.NEAREST)
        large.save(tmp_path / "large.png")
    small_only = dataclasses.replace(networks, size=max(SIZE))
    plain = networks_of.detect(small_only, tmp_path / "photo.png")
    large_ones = networks_of.detect(small_only, tmp_path / "large.png")
    assert (plain.size, large_ones.size) == (SIZE, large.size)
    assert np.abs(offset(plain.xy * 4, large_ones.xy)).max() < 0.3


def offset(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """[2]: the median offset in px from keypoints of `a` to their nearest in `b`, within 4 px."""
    ways = b[None] - a[:, None]
    nearest = np.linalg.norm(ways, axis=2).argmin(axis=1)
    shortest = ways[np.arange(len(a)), nearest]
    close = shortest[np.linalg.norm(shortest, axis=1) < 4]
    assert len(close) > len(a) / 2
    middle: NDArray[np.floating] = np.median(close, axis=0)
    return middle


@pytest.mark.usefixtures("little_work")
def test_a_photo_without_anything_in_it_matches_nothing(rendered: Rendered, tmp_path: Path) -> None:
    name = rendered.truth[0].name
    shutil.copy(rendered.folder / name, tmp_path / name)
    Image.new("RGB", SIZE, (90, 90, 90)).save(tmp_path / "blank.png")
    groups = [CameraGroup((name,), *SIZE, None), CameraGroup(("blank.png",), *SIZE, None)]
    database = tmp_path / "database.db"
    learned_matches.build(database, tmp_path, groups, seed=3, min_num_inliers=15, report=silent)
    assert pairs.read_verified_pairs(database) == []


@pytest.mark.usefixtures("little_work")
def test_only_the_pairs_asked_for_are_compared(rendered: Rendered, tmp_path: Path) -> None:
    first, second, third = (photo.name for photo in rendered.truth)
    database = rendered.build(tmp_path / "database.db", candidates=[(third, second)])
    assert [(p.a, p.b) for p in pairs.read_verified_pairs(database)] == [(second, third)]
    with colmap().Database.open(database) as content:
        assert content.num_matched_image_pairs() == 1
        assert first in {image.name for image in content.read_all_images()}


def test_progress_only_grows_and_ends_at_one(built_and_told: tuple[Path, Told]) -> None:
    _, told = built_and_told
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(told) >= COUNT + COUNT * (COUNT - 1) / 2


@pytest.mark.usefixtures("little_work")
@pytest.mark.parametrize("moment", ["photo", "pair"])
def test_a_cancel_stops_it_at_once(rendered: Rendered, tmp_path: Path, moment: str) -> None:
    told = []

    class Stop(Exception):
        pass

    def stop(fraction: float, code: str = "", /, **facts: Any) -> None:
        told.append((code, facts.get("number")))
        if told[-1] == (moment, 2):
            raise Stop

    with pytest.raises(Stop):
        rendered.build(tmp_path / "database.db", report=stop)
    assert told[-1] == (moment, 2)


def test_each_photo_keeps_its_most_likely_partners() -> None:
    names = ["a", "b", "c", "d"]
    alike = {("a", "b"): 9.0, ("b", "c"): 8.0, ("a", "c"): 7.0, ("c", "d"): 1.0}
    scores = {pair: alike.get(pair, 0.0) for pair in combinations(names, 2)}
    assert retrieval.likely_pairs(names, scores, 1) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert retrieval.likely_pairs(names, scores, 3) == list(combinations(names, 2))


def test_photos_of_one_place_look_more_alike_than_others(
    networks: Networks, rendered: Rendered, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    one, two = (photo.name for photo in rendered.truth[:2])
    quick = dataclasses.replace(networks, size=ENOUGH)
    features = {n: networks_of.detect(quick, rendered.folder / n) for n in (one, two)}
    features["noise"] = networks_of.detect(quick, tmp_path / "noise.png")
    scores = dict(retrieval.look([one, two, "noise"], features))
    assert scores[one, two] > 2 * max(scores[one, "noise"], scores[two, "noise"])


@pytest.mark.gpu
def test_a_gpu_finds_the_true_geometry_too(
    built: Path, rendered: Rendered, networks: Networks
) -> None:
    assert networks.device.type == "cuda"
    assert len(pairs.read_verified_pairs(built)) == COUNT * (COUNT - 1) / 2
    assert all(rotation_error(built, *pair) < 1.0 for pair in combinations(rendered.truth, 2))
