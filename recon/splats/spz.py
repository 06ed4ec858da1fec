"""SPZ version 3, the small file: gzip over quantised Gaussians (github.com/nianticlabs/spz, MIT).

The format's axes are x right, y up, z backward (RUB); ours are COLMAP's. So the file holds the
scene after half a turn about x, and readers that keep to the format show it upright. Written by
gaussforge, which takes axes as they are.

Quantisation: positions 1/4096 of a world unit within 2048 units of the origin, scales 1/16 of a
natural logarithm, colours 1/38 of an SH unit, opacities 1/255, rotations 9 bits for each of three
components, SH of degree 1 about 1/16 and above 1/8.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from recon.splats.formats import ply_bytes
from recon.splats.gaussians import Gaussians

VERSION = 3  # Spark 2.2 and most other readers know no later one
_REACH = 2047.0  # world units that a coordinate may have
_STEP = 1 / 4096  # world units between two coordinates

#: Under half a turn about x, (x, y, z) -> (x, -y, -z), the real spherical harmonics in gsplat's
#: order keep their values or change their sign: those of degree 1, 2 and 3.
_SIGNS = ((-1, -1, 1), (-1, 1, 1, -1, 1), (-1, 1, -1, -1, 1, -1, 1))


class SpzUnavailable(Exception):
    """There can be no SPZ of this scene, or not on this machine; the message says why."""


def write_spz(gaussians: Gaussians, path: Path) -> None:
    """Writes the scene to `path`. Raises SpzUnavailable, and then writes nothing.

    Gaussians with a value that is not finite are left out, as in the other files.
    """
    try:
        gaussforge = importlib.import_module("gaussforge")
    except ImportError as error:
        raise SpzUnavailable("gaussforge is not installed here") from error
    _check_unit(gaussians)
    ply = ply_bytes(rotate_half_turn(gaussians))
    answer = gaussforge.GaussForge().convert(ply, "ply", "spz", spz_version=VERSION)
    if "error" in answer:
        raise SpzUnavailable(str(answer["error"]))
    path.write_bytes(answer["data"])


def rotate_half_turn(gaussians: Gaussians) -> Gaussians:
    """The same scene on axes turned by 180 degrees about x: COLMAP's (right, down, forward) become
    three.js's (right, up, backward), and back. On the CPU."""
    gaussians = gaussians.detach().to("cpu")
    w, x, y, z = gaussians.quats.unbind(1)
    return replace(
        gaussians,
        means=gaussians.means * torch.tensor([1.0, -1.0, -1.0]),
        quats=torch.stack([-x, w, -z, y], dim=1),  # i times the quaternion
        shN=gaussians.shN * _signs(gaussians.shN.shape[1])[:, None],
    )


def _signs(count: int) -> Tensor:
    flat = [float(sign) for degree in _SIGNS for sign in degree]
    assert count <= len(flat), "SH above degree 3"
    return torch.tensor(flat[:count])


def _check_unit(gaussians: Gaussians) -> None:
    """Positions are fixed-point numbers: a scene in a strange unit would be cut off or crumble."""
    means = gaussians.means[gaussians.means.isfinite().all(dim=1)]
    if not len(means):
        raise SpzUnavailable("the scene is empty")
    if float(means.abs().max()) > _REACH:
        raise SpzUnavailable("the scene reaches further than the format can say")
    if float(gaussians.scales.exp().median()) < 2 * _STEP:
        raise SpzUnavailable("the scene is too small for the format's steps")
