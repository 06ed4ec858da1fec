"""Atomic writes, digests, and markers that only hold while what they vouch for is unchanged."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from recon.pipeline.progress import Step
from recon.pipeline.workspace import (
    Marker,
    Workspace,
    digest_files,
    digest_json,
    replacing,
    replacing_folder,
)


def write_half(writing: AbstractContextManager[Path]) -> None:
    with writing as temporary:
        half = temporary / "b.jpg" if temporary.is_dir() else temporary
        half.write_text("half")
        raise OSError("disk full")


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "scene.ply"
    target.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        write_half(replacing(target))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_folder_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "images"
    target.mkdir()
    (target / "a.jpg").write_text("old")
    with pytest.raises(OSError, match="disk full"):
        write_half(replacing_folder(target))
    assert [p.name for p in target.iterdir()] == ["a.jpg"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "images"
    target.mkdir()
    (target / "a.jpg").write_text("old")
    with replacing_folder(target) as temporary:
        (temporary / "b.jpg").write_text("new")
    assert [p.name for p in target.iterdir()] == ["b.jpg"]


def test_a_digest_follows_content_and_names_but_not_the_place(tmp_path: Path) -> None:
    digests = []
    for root in (tmp_path / "here", tmp_path / "there"):
        root.mkdir()
        (root / "a.jpg").write_bytes(b"1")
        (root / "b.jpg").write_bytes(b"2")
        digests.append(digest_files(root, [root]))
    assert digests[0] == digests[1]
    (tmp_path / "there" / "a.jpg").write_bytes(b"3")
    assert digest_files(tmp_path / "there", [tmp_path / "there"]) != digests[0]
    (tmp_path / "here" / "b.jpg").rename(tmp_path / "here" / "c.jpg")
    assert digest_files(tmp_path / "here", [tmp_path / "here"]) != digests[0]


def test_a_deleted_file_changes_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"1")
    before = digest_files(tmp_path, [path])
    path.unlink()
    assert digest_files(tmp_path, [path]) != before


def test_the_order_of_keys_does_not_matter_to_a_digest() -> None:
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})


def test_a_marker_comes_back_as_it_was_written(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    marker = Marker("i", "c", "o", 1.5, {"total": 3}, [{"code": "x", "facts": {}}])
    workspace.write_marker(Step.GS_TRAIN, marker)
    assert workspace.read_marker(Step.GS_TRAIN) == marker
    workspace.remove_marker(Step.GS_TRAIN)
    assert workspace.read_marker(Step.GS_TRAIN) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 0}', '{"version": 1}'])
def test_a_marker_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str) -> None:
    workspace = Workspace(tmp_path)
    path = workspace.marker_path(Step.GS_TRAIN)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert workspace.read_marker(Step.GS_TRAIN) is None
