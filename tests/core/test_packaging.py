"""What `pip install .` gives, and that the three lists of packages agree."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from torch.utils.cpp_extension import is_ninja_available

ROOT = Path(__file__).resolve().parents[2]


def asked_for(*files: str) -> dict[str, Requirement]:
    """The packages in these requirements files, by name."""
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    bare = [line.split("#")[0].strip() for line in lines]
    found = [Requirement(line) for line in bare if line and not line.startswith("-")]
    return {canonicalize_name(one.name): one for one in found}


def declared(*extras: str) -> dict[str, Requirement]:
    """The packages in pyproject.toml's core and in these extras, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


@pytest.mark.parametrize(
    ("extras", "file"),
    [
        (("site", "gpu"), "requirements.txt"),
        (("otel",), "requirements-otel.txt"),
        (("dev",), "requirements-dev.txt"),
    ],
)
def test_pyproject_and_the_requirements_name_the_same_packages(
    extras: tuple[str, ...], file: str
) -> None:
    of_project, pinned = declared(*extras), asked_for(file)
    if "site" not in extras:
        of_project = {name: one for name, one in of_project.items() if name not in declared()}
    assert sorted(of_project) == sorted(pinned)
    for name, pin in pinned.items():
        (version,) = [one.version for one in pin.specifier]
        assert of_project[name].specifier.contains(version), name


def test_everything_that_our_packages_need_is_locked() -> None:
    """Each dependency of an installed requirement is pinned, to the version that is installed."""
    locked = asked_for("constraints.txt")
    ours = asked_for("requirements.txt", "requirements-otel.txt", "requirements-dev.txt")
    waiting, seen = list(ours), set(ours)
    while waiting:
        for line in importlib.metadata.requires(waiting.pop()) or []:
            one = Requirement(line)
            name = canonicalize_name(one.name)
            if name in seen or (one.marker and not one.marker.evaluate({"extra": ""})):
                continue
            if name.startswith(("nvidia-", "cuda-", "triton")):  # each build of torch has its own
                continue
            seen.add(name)
            waiting.append(name)
            assert name in locked, f"{name} is in no list: make lock"
            assert locked[name].specifier.contains(importlib.metadata.version(name)), name


@pytest.mark.slow
def test_the_wheel_gives_the_core_and_its_command_without_django(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--no-index"]
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "pyproject.toml", "README.md", "LICENSE", "recon", "accounts",
         "instarecon_site"], cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, tracked.split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())  # a build leaves files behind
    installed = tmp_path / "installed"
    subprocess.run([*pip, "install", *alone, "--target", installed, source], check=True)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    asked = subprocess.run(
        [sys.executable, installed / "bin" / "instarecon-reconstruct", "--help"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert asked.stdout.startswith("usage: instarecon-reconstruct")
    for_sites = subprocess.run(
        [sys.executable, installed / "bin" / "instarecon", "--version"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert for_sites.stdout.startswith("instarecon, version ")
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, recon.pipeline.cli.command as m; "
         "print(m.__file__, 'django' in sys.modules)"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert Path(loaded[0]).is_relative_to(installed)
    assert loaded[1] == "False"


def test_two_packages_called_ninja_live_side_by_side() -> None:
    """Django Ninja has the module, and gsplat's build tool its program, whatever came last."""
    module = importlib.util.find_spec("ninja")
    assert module is not None
    assert "NinjaAPI" in Path(str(module.origin)).read_text()
    assert is_ninja_available()
