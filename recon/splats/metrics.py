"""Quality of a render against the photo: PSNR, SSIM and LPIPS (Zhang et al. 2018)."""

from __future__ import annotations

import hashlib
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from recon.reporting import Progress, silent
from recon.splats.losses.photometric import ssim

__all__ = ["Lpips", "LpipsUnavailable", "load_lpips", "psnr", "ssim"]

#: AlexNet's ImageNet weights; the hex digits in the name begin the file's SHA-256.
BACKBONE_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
_CONNECT_SECONDS = 5.0
_DOWNLOAD_SECONDS = 180.0

Lpips = Callable[[Tensor, Tensor], float]


class LpipsUnavailable(Exception):
    """LPIPS can't be measured here; the text says why, for whoever runs the machine. `code` is one
    of `recon.pipeline.words.reasons`."""

    def __init__(self, text: str, code: str = "lpips_offline") -> None:
        super().__init__(text)
        self.code = code


def psnr(image: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of [H, W, 3] pictures between 0 and 1; 100 if identical."""
    error = torch.mean((image.clamp(0, 1) - truth) ** 2).item()
    return 100.0 if error <= 1e-10 else -10 * float(torch.log10(torch.tensor(error)))


def load_lpips(
    device: torch.device,
    *,
    pnet_rand: bool = False,
    report: Progress = silent,
) -> Lpips:
    """LPIPS with its AlexNet backbone, as a function of two [H, W, 3] pictures between 0 and 1.

    The backbone is taken from torch's cache or downloaded, within seconds where there is no
    network; `report` is called as it comes in. `pnet_rand` takes a random backbone, for tests only.
    Raises LpipsUnavailable.
    """
    if not pnet_rand:
        _ensure_backbone(report)
    try:
        _import_torchvision()
        import lpips
    except (ImportError, RuntimeError) as error:
        text = f"lpips can't be loaded here ({error})"
        raise LpipsUnavailable(text, "lpips_broken") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # lpips uses torchvision's older spelling
        model = lpips.LPIPS(net="alex", pnet_rand=pnet_rand, verbose=False).to(device).eval()

    @torch.no_grad()
    def measure(image: Tensor, truth: Tensor) -> float:
        pair = torch.stack([image.clamp(0, 1), truth]).permute(0, 3, 1, 2) * 2 - 1
        return float(model(pair[:1], pair[1:]))

    return measure


def backbone_path() -> Path:
    """Where torchvision looks for the backbone before it downloads it."""
    return Path(torch.hub.get_dir()) / "checkpoints" / BACKBONE_URL.rsplit("/", 1)[1]


def _ensure_backbone(report: Progress) -> None:
    """Downloads the backbone, since torchvision's own download has no time limit."""
    path = backbone_path()
    if path.is_file():
        return
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = _download(BACKBONE_URL, temporary, report)
        if not digest.startswith(path.stem.rsplit("-", 1)[1]):
            raise LpipsUnavailable("the AlexNet weights came in damaged")
        temporary.replace(path)
    except OSError as error:
        cause = getattr(error, "reason", None) or error
        reason = getattr(cause, "strerror", None) or cause
        raise LpipsUnavailable(f"the AlexNet weights can't be downloaded ({reason})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _download(url: str, path: Path, report: Progress) -> str:
    """Saves `url` to `path`, returns its SHA-256. Raises OSError, also when it takes too long."""
    deadline = time.monotonic() + _DOWNLOAD_SECONDS
    digest = hashlib.sha256()
    with (
        urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as answer,  # noqa: S310 (https)
        path.open("wb") as file,
    ):
        while chunk := answer.read(1 << 20):
            digest.update(chunk)
            file.write(chunk)
            report(0.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {_DOWNLOAD_SECONDS:.0f} s")
    return digest.hexdigest()


def _import_torchvision() -> None:
    """Imports torchvision, also a CUDA build beside a CPU-only torch.

    There its compiled operators do not load and the import dies for want of torchvision::nms.
    LPIPS needs only the Python models, so the operators' names are enough.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            _OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


# Kept for the life of the process: what a Library defines goes with it.
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
