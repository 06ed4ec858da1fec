"""The files that people download: PLY in the 3DGS layout, and antimatter15's .splat.

Writers take any path and overwrite it; stages hand them a temporary one (`workspace.replacing`).
Gaussians with a value that is not finite are left out of every file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recon.splats.gaussians import Gaussians
from recon.splats.starting_points import SH_C0, Points

Floats = NDArray[np.float32]

_SPLAT = np.dtype(
    [
        ("position", "<f4", 3),  # world units
        ("scales", "<f4", 3),  # standard deviations, world units
        ("rgba", "u1", 4),
        ("quat", "u1", 4),  # (w, x, y, z) * 128 + 128
    ]
)


def write_ply(gaussians: Gaussians, path: Path) -> int:
    """Writes the layout of graphdeco's 3DGS, binary little endian; returns how many were written.

    Values are stored before activation (log scales, opacity logits); f_rest is channel-major.
    """
    sound = _finite(gaussians)
    path.write_bytes(_encoded_gaussians(sound))
    return len(sound)


def ply_bytes(gaussians: Gaussians) -> bytes:
    """What `write_ply` writes, for a converter."""
    return _encoded_gaussians(_finite(gaussians))


def read_ply(path: Path) -> Gaussians:
    """Reads what `write_ply` writes. Raises ValueError for any other kind of PLY."""
    names, table = _read(path)
    rest = sum(name.startswith("f_rest_") for name in names) // 3
    if names != _property_names(rest):
        raise ValueError(f"{path.name} is not a PLY of Gaussians in the 3DGS layout")
    tensor = torch.from_numpy(table)
    count = len(table)
    means, _, sh0, shN, opacities, scales, quats = tensor.split([3, 3, 3, 3 * rest, 1, 3, 4], 1)
    return Gaussians(
        means=means.contiguous(),
        quats=quats.contiguous(),
        scales=scales.contiguous(),
        opacities=opacities[:, 0].contiguous(),
        sh0=sh0.reshape(count, 1, 3).contiguous(),
        shN=shN.reshape(count, 3, rest).transpose(1, 2).contiguous(),
    )


def write_points_ply(points: Points, path: Path) -> None:
    """Writes a plain coloured point cloud, as graphdeco's input.ply; normals of 0 are not known."""
    layout = np.dtype([("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3)])
    table = np.zeros(len(points), layout)
    table["xyz"] = points.xyz
    table["normal"] = 0.0 if points.normals is None else points.normals
    table["rgb"] = np.clip(np.round(points.rgb * 255), 0, 255)
    header = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    path.write_bytes(_encode(len(table), header, table))


def write_splat(gaussians: Gaussians, path: Path) -> int:
    """Writes antimatter15's 32 bytes per Gaussian; returns how many were written.

    Sorted by size times opacity, so that a slow line shows the big shapes first. Colours are
    those of SH degree 0.
    """
    gaussians = _finite(gaussians)
    gaussians = replace(gaussians, shN=gaussians.shN[:, :0])  # would be sorted in vain
    weight = gaussians.scales.sum(1) + torch.nn.functional.logsigmoid(gaussians.opacities)
    order = torch.sort(weight, descending=True, stable=True).indices
    ordered = gaussians.select(order)
    table = np.zeros(len(ordered), _SPLAT)
    table["position"] = ordered.means.numpy()
    table["scales"] = ordered.scales.exp().numpy()
    colours = 0.5 + SH_C0 * ordered.sh0[:, 0]
    rgba = torch.cat([colours, ordered.opacities.sigmoid()[:, None]], dim=1)
    table["rgba"] = (rgba.clamp(0, 1) * 255).round().numpy()
    quats = torch.nn.functional.normalize(ordered.quats, dim=1)
    table["quat"] = (quats * 128 + 128).round().clamp(0, 255).numpy()
    path.write_bytes(table.data)
    return len(table)


def read_splat(path: Path) -> NDArray[np.void]:
    """The file's records: position, scales, rgba, quat. Raises ValueError for a cut-off file."""
    return np.frombuffer(path.read_bytes(), _SPLAT)


def _finite(gaussians: Gaussians) -> Gaussians:
    gaussians = gaussians.detach().to("cpu")
    sound = torch.ones(len(gaussians), dtype=torch.bool)
    for tensor in gaussians.named().values():
        sound &= tensor[:, None].flatten(1).isfinite().all(dim=1)
    return gaussians if sound.all() else gaussians.select(sound)


def _table(gaussians: Gaussians) -> Floats:
    """[N, P] in the order of `_property_names`."""
    g, count = gaussians, len(gaussians)
    columns = [
        g.means,
        torch.zeros(count, 3),
        g.sh0.reshape(count, 3),
        g.shN.transpose(1, 2).flatten(1),
        g.opacities[:, None],
        g.scales,
        # Not every viewer normalises.
        torch.nn.functional.normalize(g.quats, dim=1),
    ]
    return torch.cat(columns, dim=1).numpy()


def _property_names(rest: int) -> list[str]:
    return [
        *("x", "y", "z", "nx", "ny", "nz"),
        *(f"f_dc_{i}" for i in range(3)),
        *(f"f_rest_{i}" for i in range(3 * rest)),
        "opacity",
        *(f"scale_{i}" for i in range(3)),
        *(f"rot_{i}" for i in range(4)),
    ]


def _encoded_gaussians(gaussians: Gaussians) -> bytes:
    names = _property_names(gaussians.shN.shape[1])
    header = "".join(f"property float {name}\n" for name in names)
    return _encode(len(gaussians), header, np.ascontiguousarray(_table(gaussians), "<f4"))


def _encode(count: int, properties: str, table: NDArray[np.generic]) -> bytes:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{properties}end_header\n"
    return head.encode("ascii") + table.tobytes()


def _read(path: Path) -> tuple[list[str], Floats]:
    """Property names and values [N, P] of a PLY whose only element has float properties only."""
    with path.open("rb") as file:
        lines = []
        while (line := file.readline()) and line != b"end_header\n":
            lines.append(line.decode("ascii", "replace").split())
        data = file.read()
    names = [words[2] for words in lines if words[:2] == ["property", "float"]]
    counts = [int(words[2]) for words in lines if words[:2] == ["element", "vertex"]]
    if len(counts) != 1 or len(data) != 4 * counts[0] * len(names):
        raise ValueError(f"{path.name} is not a PLY of Gaussians in the 3DGS layout")
    return names, np.frombuffer(data, "<f4").reshape(counts[0], len(names)).copy()
