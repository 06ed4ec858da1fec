"""The networks of the learned rung: ALIKED finds keypoints, LightGlue matches them.

ALIKED (Zhao et al. 2023, https://arxiv.org/abs/2304.03608) and LightGlue (Lindenberger et al.
2023, https://arxiv.org/abs/2306.13643) as kornia provides them. They run on a GPU if torch sees
one, otherwise on the CPU, where the same photos give the same numbers every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.poses.learned import weight_files

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module

#: Longest side in px that every photo is brought to, and keypoints per photo: what a CPU has time
#: for. A GPU would have more, but how many matches mere chance brings depends on them
#: (`learned.MIN_INLIERS`).
SIZE, KEYPOINTS = 1024, 1536

#: How sure LightGlue must be of a match: its authors' default.
MIN_CONFIDENCE = 0.1

#: Buffers that kornia computes when it makes the networks, and that the files do not have.
_NOT_LEARNED = {"dkd.hw_grid", "confidence_thresholds"}


@dataclass(frozen=True)
class Networks:
    """Both networks, ready to use, on one device."""

    detector: Module
    matcher: Module
    device: torch.device
    size: int  # px, longest side that a photo is looked at in


@dataclass(frozen=True)
class Features:
    """What ALIKED found in one photo, best keypoint first."""

    xy: NDArray[np.float32]  # [K, 2] px of the photo; top-left pixel's centre at (0.5, 0.5)
    descriptors: torch.Tensor  # [K, 128] of length 1, on the networks' device
    size: tuple[int, int]  # px, width and height of the photo


def on_gpu() -> bool:
    """Whether the networks would run on a GPU."""
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def load() -> Networks:
    """Raises weight_files.MissingWeights."""
    import torch
    from kornia.feature.aliked import ALIKED
    from kornia.feature.lightglue import LightGlue

    device = torch.device("cuda" if on_gpu() else "cpu")
    # Below 0: the best keypoints, however weak.
    detector = ALIKED("aliked-n16", max_num_keypoints=KEYPOINTS, detection_threshold=-1.0)
    # Given the name "aliked" it would download its weights; given the settings it does not.
    settings = {**LightGlue.features["aliked"], "weights": None, "filter_threshold": MIN_CONFIDENCE}
    matcher = LightGlue(None, **settings)  # type: ignore[arg-type]
    _fill(detector, weight_files.load(weight_files.ALIKED))
    _fill(matcher, weight_files.load(weight_files.LIGHTGLUE))
    return Networks(detector.to(device).eval(), matcher.to(device).eval(), device, SIZE)


def detect(networks: Networks, path: Path) -> Features:
    """The keypoints of the photo at `path`; none where it has none at all."""
    import torch

    with Image.open(path) as photo:
        size = photo.size
        # Small ones grow: more keypoints find room, and they are told apart over fewer pixels.
        scale = networks.size / max(size)
        used = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        # Reducing averages over all pixels, which torch's own would not.
        seen = photo.convert("RGB").resize(used, Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(seen)).to(networks.device)
    with torch.inference_mode():
        found = networks.detector(pixels.permute(2, 0, 1)[None].float() / 255)[0]
    best = torch.argsort(found.keypoint_scores, descending=True, stable=True)
    # kornia has the centre of the top-left pixel at (0, 0), of the photo as it was resized.
    xy = (found.keypoints[best].cpu().numpy() + 0.5) * (np.array(size) / np.array(used))
    return Features(xy.astype(np.float32), found.descriptors[best], size)


def match(networks: Networks, a: Features, b: Features) -> NDArray[np.uint32]:
    """Which keypoint of `a` is which of `b`: [M, 2], each at most once."""
    import torch

    with torch.inference_mode():
        found = networks.matcher({"image0": _given(networks, a), "image1": _given(networks, b)})
    matches: NDArray[np.uint32] = found["matches"][0].cpu().numpy().astype(np.uint32)
    return matches


def _given(networks: Networks, features: Features) -> dict[str, object]:
    import torch

    return {
        "keypoints": torch.from_numpy(features.xy)[None].to(networks.device),
        "descriptors": features.descriptors[None],
        "image_size": torch.tensor([features.size], device=networks.device),
    }


def _fill(network: Module, state: dict[str, Tensor]) -> None:
    """Loads `state`, which must have everything that was learned, and nothing else."""
    outcome = network.load_state_dict(state, strict=False)
    left = set(outcome.missing_keys) - _NOT_LEARNED | set(outcome.unexpected_keys)
    assert not left, f"weights of another network: {sorted(left)[:5]}"
