"""What is in deploy/ and compose.gpu.yml: valid, and in step with the site."""

from __future__ import annotations

import configparser
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from instarecon_site.server.limits import MB
from recon.jobs.run import polite_stop, worker
from tests.site.test_env_example import names_read

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
SYSTEMD = ROOT / "deploy" / "systemd"
#: The oldest that is still supported by its makers, and the newest that the package knows.
VERSIONS = ("1.34", "1.37")
#: How long a worker takes to give its job back.
LONGEST_STOP_S = polite_stop.GRACE_S + worker.MONITORING_S + 5


def load(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(path))


def resources() -> list[dict[str, Any]]:
    listed = load(KUBERNETES / "kustomization.yaml")[0]["resources"]
    return [one for name in listed for one in load(KUBERNETES / name)]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(
        one for one in resources() if (one["kind"], one["metadata"]["name"]) == (kind, name)
    )


def pods() -> dict[str, dict[str, Any]]:
    """The pods of each resource that has some, by its name."""
    found = {}
    for one in resources():
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            found[one["metadata"]["name"]] = spec["template"]["spec"]
    return found


# --- Kubernetes ---


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_follows_kubernetes_own_schema(version: str) -> None:
    assert len(resources()) > 12
    for one in resources():
        kubernetes_validate.validate(one, version, strict=True)


def test_the_schema_would_find_a_mistake() -> None:
    broken = named("Deployment", "web")
    broken["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_every_manifest_is_listed() -> None:
    listed = {*load(KUBERNETES / "kustomization.yaml")[0]["resources"], "kustomization.yaml"}
    assert {path.name for path in KUBERNETES.iterdir()} == listed


def test_the_same_programs_run_as_with_compose() -> None:
    services = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    assert set(pods()) - {"backup"} == set(services) - {"db"}
    for name, pod in pods().items():
        if name in services and "command" in services[name] and name != "redis":
            assert pod["containers"][0]["command"] == services[name]["command"], name


def test_nothing_runs_as_root_or_gains_privileges() -> None:
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert "memory" in container["resources"]["limits"], name


def test_every_setting_is_one_and_no_secret_has_a_value() -> None:
    settings = named("ConfigMap", "settings")["data"]
    assert set(settings) <= names_read()
    secret = {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "METRICS_TOKEN"}
    assert not secret & set(settings)
    assert secret <= names_read()
    assert not any(one["kind"] == "Secret" for one in resources())


def test_what_a_pod_mounts_is_there() -> None:
    claims = {o["metadata"]["name"] for o in resources() if o["kind"] == "PersistentVolumeClaim"}
    for name, pod in pods().items():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for mount in pod["containers"][0]["volumeMounts"]:
            if name != "redis":  # its volume is made from a template
                volume = volumes[mount["name"]]
                assert volume.get("persistentVolumeClaim", {}).get("claimName", "data") in claims


def test_web_is_restarted_when_it_is_stuck_and_gets_requests_when_it_is_ready() -> None:
    (web,) = pods()["web"]["containers"]
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    for probe in ("livenessProbe", "readinessProbe"):  # this machine itself is always allowed
        assert web[probe]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
    body = named("Ingress", "web")["metadata"]["annotations"]
    longest = int(body["nginx.ingress.kubernetes.io/proxy-body-size"].removesuffix("m")) * MB
    assert longest > 2 * (500 + 4) * MB  # past its limit, the site explains


def test_a_worker_has_one_gpu_and_the_time_to_give_its_job_back() -> None:
    pod = pods()["worker"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["terminationGracePeriodSeconds"] >= LONGEST_STOP_S


def test_only_ours_reach_the_queue() -> None:
    (rule,) = named("NetworkPolicy", "redis")["spec"]["ingress"]
    labels = rule["from"][0]["podSelector"]["matchLabels"]
    for one in resources():
        if one["kind"] == "Deployment":
            assert labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()


# --- compose.gpu.yml ---


@pytest.fixture(scope="module")
def gpu_boxes() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.gpu.yml")
    return found


def test_the_file_for_gpu_machines_follows_the_specification(gpu_boxes: dict[str, Any]) -> None:
    path = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(gpu_boxes)] == []


def test_each_gpu_has_one_worker_like_the_first_machine_s(gpu_boxes: dict[str, Any]) -> None:
    first = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]["worker"]
    same = ("build", "image", "stop_grace_period", "shm_size", "cap_drop", "security_opt", "init",
            "logging", "healthcheck", "restart", "volumes")  # fmt: skip
    for number, (name, service) in enumerate(gpu_boxes["services"].items()):
        assert name == f"gpu-{number}"
        assert {key: service[key] for key in same} == {key: first[key] for key in same}
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["device_ids"] == [str(number)]


@pytest.mark.parametrize(
    ("profile", "count"), [("", 1), ("gpus-2", 2), ("gpus-4", 4), ("gpus-8", 8)]
)
def test_a_profile_starts_as_many_workers(
    gpu_boxes: dict[str, Any], profile: str, count: int
) -> None:
    services = gpu_boxes["services"].values()
    assert sum(profile in one.get("profiles", [profile]) for one in services) == count


def test_its_variables_are_documented() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.gpu.yml").read_text()))
    text = (ROOT / "docs/operate/many-machines.md").read_text() + (
        ROOT / ".env.example"
    ).read_text()
    assert {name for name in used if name not in text} == set()


# --- systemd ---


def unit(name: str) -> configparser.RawConfigParser:
    found = configparser.RawConfigParser(strict=True)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(SYSTEMD / name)
    return found


@pytest.mark.parametrize("path", sorted(SYSTEMD.iterdir()), ids=lambda path: path.name)
def test_a_unit_has_its_sections_and_says_how_it_ends(path: Path) -> None:
    one = unit(path.name)
    if path.suffix == ".timer":
        assert one.sections() == ["Unit", "Timer", "Install"]
        assert path.with_suffix(".service").exists()
        return
    service = dict(one["Service"])
    assert service["KillMode"] == "mixed"
    assert service["User"] == "recon"
    root = service["WorkingDirectory"]
    program, *arguments = service["ExecStart"].split()
    named_files = [word for word in arguments if word.endswith(".py")]
    assert all((ROOT / name).is_file() for name in named_files)
    assert program == "/usr/bin/make" or program == f"{root}/.venv/bin/python"
    if path.name != "instarecon3d-backup.service":
        assert int(service["TimeoutStopSec"]) >= LONGEST_STOP_S
        assert one["Install"]["WantedBy"] == "multi-user.target"
