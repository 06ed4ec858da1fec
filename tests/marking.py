"""A pytest plugin that marks tests by their fixtures, so that `make quick` leaves out slow ones."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from _pytest.mark.expression import Expression

from tests import run_folder, site_database

#: A test that uses the fixture, directly or through others, gets the marker.
MARKER_OF = {"chromium": "browser", "finished_run": "reconstruction", "postgres_url": "slow"}
DEAR = frozenset({"browser", "reconstruction", "slow", "gpu"})
#: All tests that were found, before any was deselected.
FOUND = pytest.StashKey[list[pytest.Item]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    for item in items:
        for fixture in fixtures(item) & MARKER_OF.keys():
            item.add_marker(MARKER_OF[fixture])
    config.stash[FOUND] = [*items]
    leave_out_what_is_for_another_database(config, items)
    yield  # some are deselected; pytest-django puts those with a database first
    # Each file stays on one process. The long ones go first, and the short ones fill the gaps at
    # the end: a long one that came last would leave the other processes without work.
    long = {item.path for item in items if not DEAR.isdisjoint(markers(item))}
    items.sort(key=lambda item: item.path not in long)


def leave_out_what_is_for_another_database(config: pytest.Config, items: list[pytest.Item]) -> None:
    if site_database.KIND == "sqlite":
        return
    config.hook.pytest_deselected(items=[item for item in items if "sqlite" in markers(item)])
    items[:] = [item for item in items if "sqlite" not in markers(item)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is made once per run (photos, a reconstruction) takes long: for marked tests only."""
    run_folder.may_be_made = not DEAR.isdisjoint(markers(item))


def fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def markers(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


def is_chosen(item: pytest.Item, expression: str) -> bool:
    """Whether `pytest -m expression` would run it."""
    has = markers(item)
    return Expression.compile(expression).evaluate(lambda name, **_: name in has)
