"""Which tests `make test` and `make quick` choose, among all the tests that this run collected."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scripts.bootstrap import EVERYTHING, QUICK
from tests import marking, site_database
from tests.marking import DEAR, FOUND, MARKER_OF, fixtures, is_chosen, markers
from tests.run_folder import once


@pytest.fixture
def found(request: pytest.FixtureRequest) -> list[pytest.Item]:
    return request.config.stash[FOUND]


def test_quick_tests_need_no_browser_no_reconstruction_and_nothing_slow(
    found: list[pytest.Item], request: pytest.FixtureRequest
) -> None:
    quick = [item for item in found if is_chosen(item, QUICK)]
    assert request.node in quick
    for item in quick:
        assert fixtures(item).isdisjoint(MARKER_OF), item.nodeid
        assert markers(item).isdisjoint(DEAR), item.nodeid


def test_what_a_test_asks_for_marks_it(found: list[pytest.Item]) -> None:
    for item in found:
        wanted = {MARKER_OF[name] for name in fixtures(item) & MARKER_OF.keys()}
        assert wanted <= markers(item), item.nodeid


def test_everything_leaves_out_what_needs_a_graphics_card_alone(found: list[pytest.Item]) -> None:
    left_out = [item for item in found if not is_chosen(item, EVERYTHING)]
    assert left_out == [item for item in found if "gpu" in markers(item)]


@pytest.mark.sqlite
def test_what_is_about_sqlite_is_no_part_of_a_run_on_postgresql(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As this test is, too."""
    assert site_database.KIND == "sqlite"
    deselected: list[pytest.Item] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: deselected.extend(items))
    config: Any = SimpleNamespace(hook=hook)
    items = [*request.session.items]
    marking.leave_out_what_is_for_another_database(config, items)
    assert (items, deselected) == (request.session.items, [])
    monkeypatch.setattr(site_database, "KIND", "postgresql")
    marking.leave_out_what_is_for_another_database(config, items)
    assert request.node in deselected
    assert not [item for item in items if "sqlite" in markers(item)]
    assert len(items) + len(deselected) == len(request.session.items)


def test_a_quick_test_can_not_wait_for_what_is_dear_to_make() -> None:
    with pytest.raises(AssertionError, match="is marked slow"):
        once("never made", lambda folder: None)
