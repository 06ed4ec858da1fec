"""L1 and SSIM of two pictures and their derivative, in Triton: four launches on a CUDA GPU.

1. `_blur_products` blurs image, truth, their squares and their product down the columns;
2. `_measure` blurs these along the rows and turns them into the score and SSIM's derivatives;
3. `_blur_slopes` blurs the derivatives down the columns;
4. `_differentiate` blurs them along the rows and puts the gradient together.

The formulas are in `photometric.py`. A picture is [H, W, 3], contiguous, which the kernels see as
[height, width] with `width` = 3 W colours a row: the next pixel's colour is 3 further on. All is
float32 without TF32, in a fixed order and without atomics, so the result has the same bits every
time. On the way are eight maps of the picture's size, the gradient one of them: 96 bytes a pixel,
so 12 megapixels take 1.15 GB and need no strips.
"""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from recon.splats.losses import photometric

CHANNELS = tl.constexpr(3)
RADIUS = tl.constexpr(photometric.RADIUS)
C1, C2 = tl.constexpr(photometric.C1), tl.constexpr(photometric.C2)
# A program's tile, more than one row high since rows near each other share what they read, by the
# first cache. One colour a thread: the 55 unrolled loads of `_measure` take 80 registers then, and
# with two 156, which leaves a multiprocessor a third of the warps. All compile in about 2 s.
ROWS, COLUMNS = tl.constexpr(4), tl.constexpr(64)
WARPS = 8


def score(
    image: Tensor, truth: Tensor, window: Tensor, l1_weight: float, ssim_weight: float, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """`l1_weight` times the mean of |image - truth| plus `ssim_weight` times the mean SSIM of two
    [H, W, 3] pictures and, if `wanted`, the derivative of that by `image` [H, W, 3]."""
    assert image.shape == truth.shape
    assert image.shape[2] == CHANNELS.value
    for tensor in (image, truth, window):
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
    height, width = image.shape[0], image.shape[1] * image.shape[2]
    weights = l1_weight / image.numel(), ssim_weight / image.numel()
    grid = triton.cdiv(width, COLUMNS.value), triton.cdiv(height, ROWS.value)
    maps = image.new_empty((7 if wanted else 5, height, width))
    # holds the third derivative, too, until the last kernel writes the gradient over it; where that
    # is not wanted, any address will do
    gradient = torch.empty_like(image) if wanted else maps
    parts = image.new_empty(grid[::-1])
    size = height, width
    with torch.cuda.device_of(image):  # Triton launches on the current device
        _blur_products[grid](image, truth, window, maps, *size, num_warps=WARPS)
        _measure[grid](
            image, truth, window, maps, gradient, parts, *weights, int(wanted), *size,
            num_warps=WARPS,
        )  # fmt: skip
        if wanted:
            _blur_slopes[grid](window, maps, gradient, *size, num_warps=WARPS)
            _differentiate[grid](
                image, truth, window, maps, gradient, *weights, *size, num_warps=WARPS
            )
    return parts.sum(), gradient if wanted else None


def compile_all(device: torch.device) -> None:
    """Compiles the four kernels side by side, by running each on one pixel: much of a compilation
    is other programs' work (ptxas, the C compiler). Raises what Triton raises where it can't."""
    one, maps = torch.zeros((1, 1, 3), device=device), torch.zeros((7, 1, 3), device=device)
    window, size = torch.zeros(2 * RADIUS.value + 1, device=device), (1, 3)
    work = (
        (_blur_products, (one, one, window, maps, *size)),
        (_measure, (one, one, window, maps, one, one, 0.0, 0.0, 1, *size)),
        (_blur_slopes, (window, maps, one, *size)),
        (_differentiate, (one, one, window, maps, one, 0.0, 0.0, *size)),
    )

    def run(kernel: Any, arguments: tuple[Any, ...]) -> None:
        with torch.cuda.device(device):  # each thread has a current device of its own
            kernel[1, 1](*arguments, num_warps=WARPS)

    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(run, *zip(*work, strict=True)))


def _kernel(function: Any) -> Any:
    """Compiles a kernel once for all pictures. Triton by itself would compile anew for sizes that
    16 divides, for those that are 1 and for addresses that 16 divides; a window that moves in
    steps of 3 colours gains nothing by these."""
    return triton.jit(function, do_not_specialize=list(inspect.signature(function).parameters))


@triton.jit
def _tile(width):
    """The rows [ROWS, 1] of this program's tile, its columns [1, COLUMNS] and where its colours lie
    in a map [ROWS, COLUMNS]. Tiles at the right and lower border stick out."""
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    return rows, columns, rows * width + columns


@triton.jit
def _blur(source, window, at, stride, first, end):
    """The window over `source`, one way, around the places `at`, in steps of `stride` colours.
    What is not in [first, end) lies beyond the border and counts as zero."""
    out = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in tl.static_range(2 * RADIUS + 1):
        near = at + (step - RADIUS) * stride
        here = (near >= first) & (near < end)
        out += tl.load(window + step) * tl.load(source + near, mask=here, other=0.0)
    return out


@_kernel
def _blur_products(x, y, window, maps, height, width):
    """Blurs x, y, xx, yy and xy down the columns, into `maps[:5]`."""
    rows, columns, at = _tile(width)
    size = height * width
    mean_x = tl.zeros([ROWS, COLUMNS], tl.float32)
    mean_y = tl.zeros([ROWS, COLUMNS], tl.float32)
    xx = tl.zeros([ROWS, COLUMNS], tl.float32)
    yy = tl.zeros([ROWS, COLUMNS], tl.float32)
    xy = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in tl.static_range(2 * RADIUS + 1):
        near = at + (step - RADIUS) * width
        # a column that sticks out reads the neighbouring row's colours; its result is not stored
        here = (near >= 0) & (near < size)
        weight = tl.load(window + step)
        a = tl.load(x + near, mask=here, other=0.0)
        b = tl.load(y + near, mask=here, other=0.0)
        weighted_a, weighted_b = weight * a, weight * b
        mean_x += weighted_a
        mean_y += weighted_b
        xx += weighted_a * a
        yy += weighted_b * b
        xy += weighted_a * b
    inside = (rows < height) & (columns < width)
    # pointers move map by map, since an offset over several maps could outgrow 32 bits
    tl.store(maps + at, mean_x, mask=inside)
    maps += size
    tl.store(maps + at, mean_y, mask=inside)
    maps += size
    tl.store(maps + at, xx, mask=inside)
    maps += size
    tl.store(maps + at, yy, mask=inside)
    maps += size
    tl.store(maps + at, xy, mask=inside)


@_kernel
def _measure(
    image, truth, window, maps, gradient, parts,
    per_difference, per_score, wanted, height, width,
):  # fmt: skip
    """Each tile's share of the score, into `parts`, and if `wanted` the derivatives of SSIM by
    b(x), b(xx) and b(xy), into `maps[5]`, `maps[6]` and `gradient`."""
    rows, columns, at = _tile(width)
    size = height * width
    first = rows * width
    end = tl.minimum(first + width, size)  # nothing of rows that stick out
    x = _blur(maps, window, at, CHANNELS, first, end)
    maps += size
    y = _blur(maps, window, at, CHANNELS, first, end)
    maps += size
    xx = _blur(maps, window, at, CHANNELS, first, end)
    maps += size
    yy = _blur(maps, window, at, CHANNELS, first, end)
    maps += size
    xy = _blur(maps, window, at, CHANNELS, first, end)
    brightness, product = x * x + y * y, x * y
    # variances and covariance: the blurred products less the products of the blurred
    per_brightness = 1.0 / (brightness + C1)
    per_spread = 1.0 / (xx + yy - brightness + C2)
    luminance = (2.0 * product + C1) * per_brightness
    structure = (2.0 * (xy - product) + C2) * per_spread
    similarity = luminance * structure
    inside = (rows < height) & (columns < width)
    a = tl.load(image + at, mask=inside, other=0.0)
    b = tl.load(truth + at, mask=inside, other=0.0)
    values = per_difference * tl.abs(a - b) + per_score * similarity
    total = tl.sum(tl.sum(tl.where(inside, values, 0.0), axis=1), axis=0)
    tl.store(parts + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), total)
    if wanted != 0:
        by_xx = -similarity * per_spread
        by_xy = 2.0 * luminance * per_spread
        by_x = 2.0 * structure * per_brightness * (y - x * luminance) - 2.0 * x * by_xx - y * by_xy
        tl.store(maps + size + at, by_x, mask=inside)
        tl.store(maps + size + size + at, by_xx, mask=inside)
        tl.store(gradient + at, by_xy, mask=inside)


@_kernel
def _blur_slopes(window, maps, gradient, height, width):
    """Blurs `maps[5]`, `maps[6]` and `gradient` down the columns, into `maps[:3]`."""
    rows, columns, at = _tile(width)
    size = height * width
    slopes = maps + size + size + size + size + size
    by_x = _blur(slopes, window, at, width, 0, size)
    by_xx = _blur(slopes + size, window, at, width, 0, size)
    by_xy = _blur(gradient, window, at, width, 0, size)
    inside = (rows < height) & (columns < width)
    tl.store(maps + at, by_x, mask=inside)
    tl.store(maps + size + at, by_xx, mask=inside)
    tl.store(maps + size + size + at, by_xy, mask=inside)


@_kernel
def _differentiate(
    image, truth, window, maps, gradient,
    per_difference, per_score, height, width,
):  # fmt: skip
    """The derivative by the image of `per_difference` times the sum of |image - truth| plus
    `per_score` times the sum of SSIM."""
    rows, columns, at = _tile(width)
    size = height * width
    first = rows * width
    end = tl.minimum(first + width, size)
    by_x = _blur(maps, window, at, CHANNELS, first, end)
    by_xx = _blur(maps + size, window, at, CHANNELS, first, end)
    by_xy = _blur(maps + size + size, window, at, CHANNELS, first, end)
    inside = (rows < height) & (columns < width)
    a = tl.load(image + at, mask=inside, other=0.0)
    b = tl.load(truth + at, mask=inside, other=0.0)
    sign = (a > b).to(tl.float32) - (a < b).to(tl.float32)
    slope = by_x + 2.0 * a * by_xx + b * by_xy
    tl.store(gradient + at, per_difference * sign + per_score * slope, mask=inside)
