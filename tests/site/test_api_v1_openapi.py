"""The OpenAPI description: as committed, valid, and what counts as breaking it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from recon.api.v1.description.breaking import breaks
from recon.management.commands import openapi

COMMITTED: dict[str, Any] = json.loads(openapi.COMMITTED.read_text())


def test_the_committed_description_is_that_of_the_code() -> None:
    assert openapi.description() == openapi.COMMITTED.read_text(), "manage.py openapi --write"


def test_it_is_the_one_that_is_served() -> None:
    assert Client().get("/api/v1/openapi.json").json() == COMMITTED
    assert COMMITTED["openapi"].startswith("3.1.")


def test_every_operation_of_v1_has_a_name_a_text_and_problems() -> None:
    names = []
    for path, operations in COMMITTED["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["description"], path
            if path.startswith("/api/v1/"):
                assert {"4XX", "5XX"} <= set(operation["responses"])
    assert len(names) == len(set(names))


def test_the_prototypes_addresses_are_in_it() -> None:
    assert "post" in COMMITTED["paths"]["/recon/jobs"]
    assert "get" in COMMITTED["paths"]["/healthz"]


JOBS = ("paths", "/api/v1/jobs", "get")
QUERY = (*JOBS, "parameters")
JOB = ("components", "schemas", "Job")
ORDER = ("components", "schemas", "OrderSent")
SENT = ("components", "schemas", "DetailsSent")


def changed(*path: Any, to: Any = None, pop: Any = None) -> dict[str, Any]:
    """The committed description with the part at `path` updated with `to`, or without `pop`."""
    other = copy.deepcopy(COMMITTED)
    part: Any = other
    for key in path:
        part = part[key]
    if pop is not None:
        part.remove(pop) if isinstance(part, list) else part.pop(pop)
    if to is not None:
        part.append(to) if isinstance(part, list) else part.update(to)
    return other


@pytest.mark.parametrize(
    ("later", "where"),
    [
        (changed("paths", pop="/api/v1/queue"), "GET /api/v1/queue: gone"),
        (changed("paths", "/api/v1/jobs", pop="get"), "GET /api/v1/jobs: gone"),
        (
            changed(*QUERY, to={"in": "query", "name": "x", "required": True, "schema": {}}),
            "parameter x is required",
        ),
        (changed(*JOBS, to={"parameters": []}), "parameter status is gone"),
        (changed(*JOB, "properties", pop="progress"), "progress is gone"),
        (changed(*JOB, "properties", "title", to={"type": "integer"}), "title: may be integer"),
        (changed(*JOB, "required", pop="title"), "title may be missing"),
        (changed(*JOB, "properties", "status", "enum", to="LOST"), "status: may be 'LOST'"),
        (changed(*SENT, "properties", pop="tags"), "tags is gone"),
        (changed(*SENT, to={"required": ["title"]}), "title is required"),
        (
            changed(
                "components", "schemas", "OrderSent", "properties", "photo_ids", to={"maxItems": 9}
            ),
            "maxItems is less",
        ),
        (
            changed("paths", "/api/v1/drafts", "post", "responses", pop="201"),
            "no longer answers 201",
        ),
    ],
)
def test_what_programs_rely_on_is_known(later: dict[str, Any], where: str) -> None:
    found = breaks(COMMITTED, later)
    assert any(where in one for one in found), found


def test_what_is_added_breaks_nothing() -> None:
    assert breaks(COMMITTED, COMMITTED) == []
    more = changed(*JOB, "properties", to={"new": {"type": "string"}})
    more["paths"]["/api/v1/new"] = more["paths"]["/api/v1/queue"]
    more["paths"]["/api/v1/jobs"]["get"]["parameters"].append(
        {"in": "query", "name": "x", "schema": {"type": "string"}}
    )
    assert breaks(COMMITTED, more) == []
    optional = changed(*SENT, "properties", to={"new": {"type": "string"}})
    assert breaks(COMMITTED, optional) == []


def test_a_break_is_not_written_by_oversight(monkeypatch: Any, tmp_path: Any) -> None:
    committed = tmp_path / "openapi.json"
    committed.write_text(
        json.dumps(changed("paths", to={"/api/v1/old": COMMITTED["paths"]["/healthz"]}))
    )
    monkeypatch.setattr(openapi, "COMMITTED", committed)
    with pytest.raises(CommandError, match="/api/v1/old: gone"):
        call_command("openapi", "--write")
    call_command("openapi", "--write", "--accept-breaks")
    assert json.loads(committed.read_text()) == COMMITTED
