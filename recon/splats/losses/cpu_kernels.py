"""L1 and SSIM of two pictures and their derivative, in numba, on all cores.

Two passes over blocks of one row each: the first blurs down the columns, then along the row, and
turns the five blurred products into SSIM and its three derivatives; the second blurs these and
puts the gradient together. Nothing but those three maps lies between the passes. Every row is
computed alike and summed by itself, so the result has the same bits whatever the number of
threads.

The inner loops run over one row of colours without branches, so that the compiler turns them into
vector instructions; that is why `work` is one flat array whose parts lie at fixed distances.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from recon.splats.rasterizers.cpu_kernels import scratch

RADIUS = 5  # px; the window is 11 x 11
CHANNELS = 3
REACH = RADIUS * CHANNELS  # of the window along a row of colours
BLOCK = 768  # colours of a row that are handled at a time: the work then stays in the first cache
MARGIN = 16  # colours on both sides of a block, for the window's reach; a whole cache line
PART = BLOCK + 2 * MARGIN
WINDOW = np.exp(-(np.arange(6.0) ** 2) / 4.5)  # the middle and one side
WINDOW = (WINDOW / (2 * WINDOW.sum() - 1)).astype(np.float32)
W5, W4, W3, W2, W1, W0 = WINDOW
C1, C2 = np.float32(0.01**2), np.float32(0.03**2)
ONE, TWO, ZERO = np.float32(1.0), np.float32(2.0), np.float32(0.0)

# Parts of `work`. First pass: blurred image, truth, their squares, their product, then results.
X, Y, XX, YY, XY, SCORE = (PART * part for part in range(6))
# Second pass: the blurred derivatives of the mean SSIM by X, XX and XY.
BY_X, BY_XX, BY_XY = (PART * part for part in range(3))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def along(work: np.ndarray, i: int) -> np.float32:
    """The window around column `i` of a block, within one channel."""
    i += MARGIN - REACH
    return (
        W0 * work[i]
        + W1 * work[i + CHANNELS]
        + W2 * work[i + 2 * CHANNELS]
        + W3 * work[i + 3 * CHANNELS]
        + W4 * work[i + 4 * CHANNELS]
        + W5 * work[i + 5 * CHANNELS]
        + W4 * work[i + 6 * CHANNELS]
        + W3 * work[i + 7 * CHANNELS]
        + W2 * work[i + 8 * CHANNELS]
        + W1 * work[i + 9 * CHANNELS]
        + W0 * work[i + 10 * CHANNELS]
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_products(work: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.float32) -> None:
    """Adds what one row of the pictures brings to the blur down the columns."""
    for i in range(len(x)):
        a, b = x[i], y[i]
        weighted_a, weighted_b = weight * a, weight * b
        work[X + i] += weighted_a
        work[Y + i] += weighted_b
        work[XX + i] += weighted_a * a
        work[YY + i] += weighted_b * b
        work[XY + i] += weighted_a * b


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def score(work: np.ndarray, size: int, slopes: np.ndarray) -> None:
    """SSIM of `size` colours into `work[SCORE:]`, its derivatives into `slopes` [3 * PART]."""
    for i in range(size):
        x, y = along(work, X + i), along(work, Y + i)
        brightness = x * x + y * y
        product = x * y
        # variances and covariance: the blurred products less the products of the blurred
        spread = along(work, XX + i) + along(work, YY + i) - brightness + C2
        shared = TWO * (along(work, XY + i) - product) + C2
        per_brightness, per_spread = ONE / (brightness + C1), ONE / spread
        luminance = (TWO * product + C1) * per_brightness
        structure = shared * per_spread
        work[SCORE + i] = luminance * structure
        by_spread = luminance * structure * per_spread
        by_shared = TWO * luminance * per_spread
        slopes[BY_X + i] = (
            TWO * structure * per_brightness * (y - x * luminance)
            + TWO * x * by_spread
            - y * by_shared
        )
        slopes[BY_XX + i] = -by_spread
        slopes[BY_XY + i] = by_shared


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def total(values: np.ndarray) -> np.float32:
    out = ZERO
    for i in range(len(values)):
        out += values[i]
    return out


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def total_difference(x: np.ndarray, y: np.ndarray) -> np.float32:
    out = ZERO
    for i in range(len(x)):
        out += abs(x[i] - y[i])
    return out


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def measure(
    image: np.ndarray, truth: np.ndarray, maps: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Sums [H] of |image - truth| and of SSIM over the rows of two pictures [H, W * CHANNELS].
    SSIM's derivatives go to `maps` [H, 3, W * CHANNELS] if that has rows."""
    height, width = image.shape
    differences, scores = np.zeros(height), np.zeros(height)
    for row in prange(height):
        work, slopes = scratch(6 * PART), scratch(3 * PART)
        differences[row] = total_difference(image[row], truth[row])
        for left in range(0, width, BLOCK):
            right = min(left + BLOCK, width)
            begin, end = max(left - REACH, 0), min(right + REACH, width)
            work[:] = ZERO
            for near in range(max(row - RADIUS, 0), min(row + RADIUS + 1, height)):
                weight = WINDOW[abs(near - row)]
                inner = work[begin - left + MARGIN :]
                add_products(inner, image[near, begin:end], truth[near, begin:end], weight)
            score(work, right - left, slopes)
            scores[row] += total(work[SCORE : SCORE + right - left])
            if len(maps) > 0:
                for part in range(3):
                    maps[row, part, left:right] = slopes[part * PART : part * PART + right - left]
    return differences, scores


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_slopes(work: np.ndarray, slopes: np.ndarray, weight: np.float32) -> None:
    """Adds what one row of a derivative brings to its blur down the columns."""
    for i in range(len(slopes)):
        work[i] += weight * slopes[i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def combine(
    work: np.ndarray, x: np.ndarray, y: np.ndarray,
    per_difference: np.float32, per_score: np.float32, out: np.ndarray,
) -> None:  # fmt: skip
    """The gradient of `len(x)` colours, from the derivatives blurred down the columns."""
    for i in range(len(x)):
        a, b = x[i], y[i]
        by_xx, by_xy = along(work, BY_XX + i), along(work, BY_XY + i)
        slope = along(work, BY_X + i) + TWO * a * by_xx + b * by_xy
        sign = (ONE if a > b else ZERO) - (ONE if a < b else ZERO)
        out[i] = per_difference * sign + per_score * slope


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def differentiate(
    image: np.ndarray, truth: np.ndarray, maps: np.ndarray,
    per_difference: np.float32, per_score: np.float32, out: np.ndarray,
) -> None:  # fmt: skip
    """Writes to `out` [H, W * CHANNELS] the derivative by `image` of `per_difference` times the
    sum of |image - truth| plus `per_score` times the sum of SSIM; `maps` are `measure`'s."""
    height, width = image.shape
    for row in prange(height):
        work = scratch(3 * PART)
        for left in range(0, width, BLOCK):
            right = min(left + BLOCK, width)
            begin, end = max(left - REACH, 0), min(right + REACH, width)
            work[:] = ZERO
            for near in range(max(row - RADIUS, 0), min(row + RADIUS + 1, height)):
                weight = WINDOW[abs(near - row)]
                for part in range(3):
                    inner = work[part * PART + begin - left + MARGIN :]
                    add_slopes(inner, maps[near, part, begin:end], weight)
            x, y = image[row, left:right], truth[row, left:right]
            combine(work, x, y, per_difference, per_score, out[row, left:right])
