"""docker-compose.yml and Dockerfile: valid, complete, and in step with the settings."""

from __future__ import annotations

import configparser
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from recon.jobs.run import polite_stop, worker

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return YAML(typ="safe").load(ROOT / "docker-compose.yml")


@pytest.fixture(scope="module")
def validator() -> jsonschema.protocols.Validator:
    """The compose specification's own schema, as shipped with check-jsonschema."""
    path = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(path.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def test_the_compose_file_follows_the_specification(
    compose: dict[str, Any], validator: jsonschema.protocols.Validator
) -> None:
    assert [error.message for error in validator.iter_errors(compose)] == []


def test_the_schema_would_find_a_mistake(
    compose: dict[str, Any], validator: jsonschema.protocols.Validator
) -> None:
    broken = {**compose, "services": {"web": {"image": "x", "port": ["8000:8000"]}}}
    assert not validator.is_valid(broken)


def test_everything_that_production_needs_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"web", "worker", "checks", "videos", "reconcile", "db", "redis"} <= set(services)
    for name in services.keys() - {"migrate"}:
        assert "healthcheck" in services[name], f"{name} has no health check"
        assert services[name]["restart"] == "unless-stopped"
    devices = services["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices[0]["capabilities"] == ["gpu"]


def test_logs_do_not_grow_for_ever(compose: dict[str, Any]) -> None:
    """Anybody can make us write lines: one for each request."""
    for name in compose["services"].keys() - {"db", "redis"}:
        assert compose["services"][name]["logging"]["driver"] == "local", name


def test_web_and_workers_share_photos_database_and_queue(compose: dict[str, Any]) -> None:
    ours = [
        compose["services"][name]
        for name in ("migrate", "web", "worker", "checks", "videos", "reconcile")
    ]
    assert all(service["volumes"] == ["data:/data"] for service in ours)
    for name in ("DATABASE_URL", "REDIS_URL", "DATA_DIR"):
        assert len({service["environment"][name] for service in ours}) == 1


def test_nothing_is_published_but_the_site(compose: dict[str, Any]) -> None:
    published = {name for name, service in compose["services"].items() if "ports" in service}
    assert published == {"web"}


def test_sign_up_is_by_invitation_where_a_port_is_published(compose: dict[str, Any]) -> None:
    """The default BASE_URL there would make the settings think that nobody else can reach it."""
    assert compose["services"]["web"]["environment"]["SIGN_UP"] == "${SIGN_UP:-invitation}"


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{POSTGRES_PASSWORD[^}]*\}", text)
    assert uses
    assert all(":?" in use for use in uses)


def test_every_variable_of_the_compose_file_is_documented() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    places = (".env.example", "docs/operate/deployment.md")
    documents = "".join((ROOT / place).read_text() for place in places)
    assert {name for name in used if name not in documents} == set()


def test_every_stage_that_compose_builds_exists(compose: dict[str, Any]) -> None:
    stages = set(re.findall(r"^FROM .+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    targets = {s["build"]["target"] for s in compose["services"].values() if "build" in s}
    assert targets == {"web", "worker"}
    assert targets <= stages


@pytest.mark.parametrize("stage", ["web", "worker"])
def test_images_do_not_run_as_root(stage: str) -> None:
    text = (ROOT / "Dockerfile").read_text()
    body = re.split(r"^FROM ", text.split(f" AS {stage}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)
    assert re.findall(r"^USER (\S+)$", body[0], re.MULTILINE)[-1] == "recon"


def test_every_file_that_the_images_copy_is_sent_to_the_builder() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for name in (name for line in copied for name in line.split()):
        assert (ROOT / name).exists()
        assert name not in ignored
    assert {".env", ".git", "data"} <= set(ignored)


def test_whoever_stops_a_worker_gives_it_the_time_that_it_gives_its_horse(
    compose: dict[str, Any],
) -> None:
    longest = polite_stop.GRACE_S + worker.MONITORING_S + 5  # plus time to give the job back
    granted = compose["services"]["worker"]["stop_grace_period"]
    assert longest <= int(granted.removesuffix("s"))
    programs = configparser.RawConfigParser()
    programs.read(ROOT / "scripts" / "supervisord.conf")
    assert longest <= programs.getint("program:worker", "stopwaitsecs")
