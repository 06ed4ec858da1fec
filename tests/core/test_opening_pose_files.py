"""Files of camera positions are read in a process of its own, within limits; nothing is lost on the
way out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from recon.pipeline.decoding import budgets, pose_messages
from recon.pipeline.decoding.messages import Message
from recon.pipeline.decoding.opening import Opener
from recon.pipeline.decoding.pool import Pool
from recon.pipeline.decoding.slots import Slots
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses import placement
from recon.pipeline.workspace import Workspace
from recon.poses.pose_files import finding
from tests.core.cloud_model import cloud_model
from tests.zips import transforms


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    made = Opener(Pool(Slots(1)))
    yield made
    made.pool.close()


@pytest.fixture(params=["binary", "text", "transforms"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> list[Path]:
    if request.param == "transforms":
        (tmp_path / finding.TRANSFORMS).write_bytes(transforms("a.jpg", "굴/b.jpg", "c.jpg"))
    else:
        getattr(cloud_model(points=60), f"write_{request.param}")(tmp_path)
    return finding.find_pose_files(tmp_path)


def transforms_at(folder: Path, content: bytes) -> list[Path]:
    (folder / finding.TRANSFORMS).write_bytes(content)
    return [folder / finding.TRANSFORMS]


def refused(action: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as caught:
        action()
    return caught.value


def test_what_comes_out_is_what_is_in_the_file(opener: Opener, files: list[Path]) -> None:
    here = finding.read_pose_files({file.name: file.read_bytes() for file in files})
    there = opener.read_poses(files)
    for one, other in zip(here.photos, there.photos, strict=True):
        assert (one.name, one.camera) == (other.name, other.camera)
        for field in ("cam_from_world", "xys", "point_ids"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    for field in ("ids", "xyz", "rgb"):
        np.testing.assert_array_equal(getattr(here.points, field), getattr(there.points, field))
    assert opener.list_poses(files) == tuple(photo.name for photo in here.photos)


def test_nothing_of_it_is_read_here(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither at an upload nor by a worker."""

    def read_here(*args: object) -> None:
        raise AssertionError("read in this process")

    for name in ("read_binary_model", "read_text_model", "read_transforms"):
        monkeypatch.setattr(finding, name, read_here)
    assert opener.list_poses(transforms_at(tmp_path, transforms("a.jpg"))) == ("a.jpg",)
    monkeypatch.setattr(placement, "own_opener", lambda: opener)
    workspace = Workspace(tmp_path / "job")
    placement.keep_pose_files([tmp_path / finding.TRANSFORMS], workspace)
    found = placement.own_opener().read_poses(finding.find_pose_files(workspace.poses))
    assert [photo.name for photo in found.photos] == ["a.jpg"]


def test_what_is_wrong_is_said_as_it_is_here(opener: Opener, tmp_path: Path) -> None:
    error = refused(lambda: opener.list_poses(transforms_at(tmp_path, b'{"frames": 3}')))
    assert (error.code, error.facts["file"]) == ("poses_unreadable", finding.TRANSFORMS)
    assert "not iterable" in str(error.facts["detail"])


def test_a_sender_s_text_reaches_no_row_unless_it_can_stand_there(
    opener: Opener, tmp_path: Path
) -> None:
    """PostgreSQL takes no NUL, and nobody reads a megabyte."""
    lens = transforms("a").replace(b'{"w"', b'{"camera_model": "\\u0000' + b"x" * 2**20 + b'", "w"')
    error = refused(lambda: opener.read_poses(transforms_at(tmp_path, lens)))
    assert error.code == "poses_unknown_camera"
    assert error.facts["lens"] == "x" * 200


@pytest.mark.parametrize("short_of", ["memory_mb", "cpu_s"])
def test_a_file_that_takes_too_much_is_refused_and_the_next_is_read(
    short_of: str, opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 9 9 9 9 4 4\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a.jpg\n\n")
    (tmp_path / "points3D.txt").write_text("1 0 0 0 0 0 0 0\n" * 1_000_000)
    small = {"memory_mb": 150} if short_of == "memory_mb" else {"cpu_s": 0}
    tight = dataclasses.replace(budgets.POSE_FILES, **small)
    monkeypatch.setattr(budgets, "POSE_FILES", tight)
    error = refused(lambda: opener.list_poses(finding.find_pose_files(tmp_path)))
    assert (error.code, error.facts) == ("poses_too_large", {"limit_mb": 64})
    monkeypatch.undo()
    assert opener.list_poses(transforms_at(tmp_path, transforms("a"))) == ("a",)


def test_too_many_photos_are_too_large(opener: Opener, tmp_path: Path) -> None:
    many = transforms(*map(str, range(finding._MOST_PHOTOS + 1)))
    error = refused(lambda: opener.list_poses(transforms_at(tmp_path, many)))
    assert error.code == "poses_too_large"


@pytest.mark.parametrize("message", [Message({"name": "a"}), Message({}, b"12345")])
def test_a_process_that_was_taken_over_is_not_believed(
    message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*args: object) -> Iterator[Message]:
        yield message
        return Message({}, b"123")

    opener = Opener(Pool(Slots(1)))
    monkeypatch.setattr(opener.pool, "ask", ask)
    error = refused(lambda: opener.read_poses(transforms_at(tmp_path, b"")))
    assert error.code == "poses_unreadable"


def test_arrays_that_are_cut_off_are_refused() -> None:
    with pytest.raises(ValueError, match="no points"):
        pose_messages.read_points(b"123")
