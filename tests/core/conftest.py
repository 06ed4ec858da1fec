"""What the core's tests share: one finished reconstruction, photos of walls, a fresh workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.pipeline.workspace import Workspace
from tests.photos import has_real
from tests.reconstruction import finished_run, finished_workspace

__all__ = ["finished_run", "finished_workspace"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_photos(name): needs that set of real photos; deselected where it is not"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = [
        item
        for item in items
        if any(not has_real(mark.args[0]) for mark in item.iter_markers("real_photos"))
    ]
    if missing:
        config.hook.pytest_deselected(items=missing)
        items[:] = [item for item in items if item not in missing]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty job folder with its upload folder."""
    workspace = Workspace(tmp_path / "job")
    workspace.upload.mkdir(parents=True)
    return workspace


@pytest.fixture
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training reports each step, however short."""
    monkeypatch.setattr("recon.splats.training._REPORT_EVERY", 0.0)
