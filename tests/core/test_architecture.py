"""The core is a library of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.photos import PROJECT

pytestmark = pytest.mark.slow  # a fresh interpreter loads the whole core

MODULES = ("recon.pipeline", "recon.samples", "recon.pipeline.runner", "recon.pipeline.__main__")
SITE_MODULES = ("django", "rq", "redis", "django_rq", "recon.models", "recon.jobs", "recon.web")
HEAVY = ("pycolmap", "lpips", "gsplat")
#: Imports one module after another, and after each prints what is loaded by then.
PROGRAM = f"""
import importlib, json, sys
def loaded(module):
    importlib.import_module(module)
    return [name for name in {SITE_MODULES + HEAVY} if name in sys.modules]
print(json.dumps({{module: loaded(module) for module in {MODULES}}}))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """Which of the site's modules and heavy libraries are loaded after each import."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_core_loads_without_django_or_the_queue(
    loaded: dict[str, list[str]], module: str
) -> None:
    assert [name for name in loaded[module] if name in SITE_MODULES] == []


def test_heavy_libraries_wait_until_they_are_used(loaded: dict[str, list[str]]) -> None:
    assert [name for name in loaded["recon.pipeline.runner"] if name in HEAVY] == []
