"""gsplat's private functions are only called in the one version of it that we require."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from recon.splats import gsplat_kernels
from recon.splats.rasterizers import best_device, cuda
from tests.core.test_packaging import asked_for, declared

Install = Callable[[str], ModuleType]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a gsplat of some version ahead of the real one, if there is one; returns its kernels."""
    caches = (gsplat_kernels.kernels, gsplat_kernels.adam, cuda.problem)

    def put(version: str) -> ModuleType:
        metadata = tmp_path / f"gsplat-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: gsplat\nVersion: {version}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        backend, wrapper = ModuleType("gsplat.cuda._backend"), ModuleType("gsplat.cuda._wrapper")
        kernels = ModuleType("kernels")
        backend.__dict__.update(_C=kernels)
        wrapper.__dict__.update(adam=print)
        for module in (ModuleType("gsplat"), ModuleType("gsplat.cuda"), backend, wrapper):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        return kernels

    for cache in caches:
        cache.cache_clear()
    yield put
    for cache in caches:
        cache.cache_clear()


def test_the_version_wanted_is_the_one_that_is_pinned() -> None:
    for packages in (declared("gpu"), asked_for("requirements.txt")):
        assert str(packages["gsplat"].specifier) == f"=={gsplat_kernels.WANTED}"


@pytest.mark.parametrize("version", [gsplat_kernels.WANTED, f"{gsplat_kernels.WANTED}+pt24cu124"])
def test_the_version_wanted_gives_its_kernels(install: Install, version: str) -> None:
    kernels = install(version)
    assert gsplat_kernels.kernels() is kernels
    assert gsplat_kernels.adam() is print


@pytest.mark.parametrize("call", [gsplat_kernels.kernels, gsplat_kernels.adam])
def test_another_version_is_refused_with_the_one_that_is_wanted(
    install: Install, call: Callable[[], object]
) -> None:
    install("1.4.0")
    with pytest.raises(ImportError, match=r"1\.5\.3 is wanted.*this is 1\.4\.0"):
        call()


def test_with_another_version_the_cpu_draws_and_the_reason_is_said(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("1.6.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "gsplat 1.5.3 is wanted" in (cuda.problem() or "")
    assert best_device() == torch.device("cpu")
