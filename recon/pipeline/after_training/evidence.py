"""What the scene's word is made of, of the pictures that EVALUATION left and of training's record.

A small picture is easier to match than a large one, and the quick preset trains on small ones. So
that the word means the same for every preset, held-out photos are compared at one small size.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon.picture_size import fitted_size
from recon.pipeline.outcome import TrainingRecord
from recon.pipeline.quality import SMALL, Evidence
from recon.pipeline.results import Results, pictures_of
from recon.pipeline.workspace import Workspace
from recon.splats.exposure import expose_crosswise
from recon.splats.metrics import psnr, ssim


def gather_evidence(workspace: Workspace, results: Results) -> Evidence:
    """What is known after EVALUATION, but for how many photos were placed.

    Raises FileNotFoundError where training left no record, or a picture is gone.
    """
    confirmed = list(TrainingRecord.read(workspace).confirmed.values())
    share = fmean(confirmed) if confirmed else None
    if results.measured is None or results.headline is None:
        return Evidence(confirmed=share)
    images = list(results.headline.at_training.per_view)
    compared = []
    for image in images:
        pictures = pictures_of(workspace, results.measured, image)
        compared.append(compare_small(pictures["renders"], pictures["gt"]))
    psnrs, ssims = zip(*compared, strict=True)
    return Evidence(psnr=fmean(psnrs), ssim=fmean(ssims), held_out=len(images), confirmed=share)


def compare_small(render: Path, photo: Path) -> tuple[float, float]:
    """PSNR (dB) and SSIM of two pictures in files, at `SMALL`, with the photo's exposure matched as
    for all corrected figures."""
    truth = _small(photo)
    matched = expose_crosswise(_small(render), truth)
    return psnr(matched, truth), float(ssim(matched, truth))


def _small(path: Path) -> Tensor:
    """[H, W, 3] float32 between 0 and 1, each pixel the mean of those that it stands for."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    size = fitted_size(picture.width, picture.height, SMALL)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
