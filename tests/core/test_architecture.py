"""The core is a library of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.photos import PROJECT

SITE_MODULES = ("django", "rq", "redis", "django_rq", "recon.models", "recon.jobs", "recon.web")


@pytest.mark.parametrize(
    "module",
    ["recon.pipeline", "recon.pipeline.runner", "recon.pipeline.__main__", "recon.samples"],
)
def test_the_core_loads_without_django_or_the_queue(module: str) -> None:
    program = (
        f"import sys, {module}\nprint([name for name in {SITE_MODULES!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_heavy_libraries_wait_until_they_are_used() -> None:
    program = (
        "import sys, recon.pipeline.runner\n"
        "print([n for n in ('pycolmap', 'lpips', 'gsplat') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
