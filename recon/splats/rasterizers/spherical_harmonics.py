"""Real spherical harmonics up to degree 3, with 3DGS's order and signs, in numba.

The basis is Sloan, "Efficient Spherical Harmonic Evaluation" (JCGT 2013), with the
Condon-Shortley signs that 3DGS files and gsplat use.

As in `projection`, Gaussians are handled in blocks, whose numbers stand in one flat array.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from recon.splats.rasterizers.cpu_kernels import scratch

C0 = np.float32(0.28209479177387814)  # sqrt(1 / 4pi)
C1 = np.float32(0.4886025119029199)  # sqrt(3 / 4pi)
C2_0, C2_1, C2_2 = (
    np.float32(c) for c in (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
)
C3_0, C3_1, C3_2, C3_3 = (
    np.float32(c)
    for c in (0.5900435899266435, 2.890611442640554 / 2, 0.4570457994644658, 0.3731763325901154)
)
TINY = np.float32(1e-12)  # shortest distance
ZERO, HALF, ONE, TWO, THREE, FIVE = (np.float32(number) for number in (0, 0.5, 1, 2, 3, 5))

BLOCK = 128  # Gaussians
# Parts of `light`: the direction from the camera, one over the distance, the basis from degree 1
# on (its k-th part is that of shN[:, k]), and the loss's derivatives by the basis and the centre.
UX, UY, UZ, PER_DISTANCE = (BLOCK * part for part in range(4))
BASIS, BY_BASIS, BY_X, BY_Y, BY_Z = (BLOCK * part for part in (4, 19, 34, 35, 36))
LIGHT = 37 * BLOCK


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def look(light: np.ndarray) -> None:
    """From the ways to a block's centres to directions."""
    for i in range(BLOCK):
        x, y, z = light[UX + i], light[UY + i], light[UZ + i]
        near = ONE / max(np.sqrt(x * x + y * y + z * z), TINY)
        light[UX + i], light[UY + i], light[UZ + i] = x * near, y * near, z * near
        light[PER_DISTANCE + i] = near


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def put(light: np.ndarray, k: int, i: int, value: np.float32) -> None:
    light[BASIS + k * BLOCK + i] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def evaluate(light: np.ndarray, degree: int) -> None:
    """The basis from degree 1 to `degree` in a block's directions."""
    for i in range(BLOCK):
        x, y, z = light[UX + i], light[UY + i], light[UZ + i]
        put(light, 0, i, -C1 * y)
        put(light, 1, i, C1 * z)
        put(light, 2, i, -C1 * x)
    if degree > 1:
        for i in range(BLOCK):
            x, y, z = light[UX + i], light[UY + i], light[UZ + i]
            put(light, 3, i, C2_2 * TWO * x * y)
            put(light, 4, i, -C2_0 * y * z)
            put(light, 5, i, C2_1 * (THREE * z * z - ONE))
            put(light, 6, i, -C2_0 * x * z)
            put(light, 7, i, C2_2 * (x * x - y * y))
    if degree > 2:
        for i in range(BLOCK):
            x, y, z = light[UX + i], light[UY + i], light[UZ + i]
            ring = C3_2 * (ONE - FIVE * z * z)
            put(light, 8, i, -C3_0 * y * (THREE * x * x - y * y))
            put(light, 9, i, C3_1 * TWO * x * y * z)
            put(light, 10, i, ring * y)
            put(light, 11, i, C3_3 * z * (FIVE * z * z - THREE))
            put(light, 12, i, ring * x)
            put(light, 13, i, C3_1 * z * (x * x - y * y))
            put(light, 14, i, -C3_0 * x * (x * x - THREE * y * y))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def by(light: np.ndarray, k: int, i: int) -> np.float32:
    return light[BY_BASIS + k * BLOCK + i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate(light: np.ndarray, degree: int) -> None:
    """The derivatives by a block's centres, from those by the basis."""
    for i in range(BLOCK):
        x, y, z = light[UX + i], light[UY + i], light[UZ + i]
        gx, gy, gz = -C1 * by(light, 2, i), -C1 * by(light, 0, i), C1 * by(light, 1, i)
        if degree > 1:
            b3, b7 = TWO * C2_2 * by(light, 3, i), TWO * C2_2 * by(light, 7, i)
            b4, b6 = C2_0 * by(light, 4, i), C2_0 * by(light, 6, i)
            gx += y * b3 + x * b7 - z * b6
            gy += x * b3 - y * b7 - z * b4
            gz += np.float32(6.0) * C2_1 * z * by(light, 5, i) - y * b4 - x * b6
        if degree > 2:
            ring, difference = C3_2 * (ONE - FIVE * z * z), x * x - y * y
            b8, b14 = THREE * C3_0 * by(light, 8, i), THREE * C3_0 * by(light, 14, i)
            b9, b13 = TWO * C3_1 * by(light, 9, i), TWO * C3_1 * by(light, 13, i)
            b10, b12 = by(light, 10, i), by(light, 12, i)
            gx += y * z * b9 + x * z * b13 + ring * b12 - TWO * x * y * b8 - difference * b14
            gy += x * z * b9 - y * z * b13 + ring * b10 + TWO * x * y * b14 - difference * b8
            gz += x * y * b9 + HALF * difference * b13
            gz += THREE * C3_3 * (FIVE * z * z - ONE) * by(light, 11, i)
            gz -= np.float32(10.0) * C3_2 * z * (y * b10 + x * b12)
        along, near = x * gx + y * gy + z * gz, light[PER_DISTANCE + i]
        light[BY_X + i] = near * (gx - x * along)
        light[BY_Y + i] = near * (gy - y * along)
        light[BY_Z + i] = near * (gz - z * along)


@njit(cache=True, nogil=True, error_model="numpy")
def load(chosen: np.ndarray, means: np.ndarray, place: np.ndarray, light: np.ndarray) -> None:
    """The ways from `place` [3] to the rows `chosen` of the centres."""
    for i in range(len(chosen)):
        row = chosen[i]
        light[UX + i], light[UY + i] = means[row, 0] - place[0], means[row, 1] - place[1]
        light[UZ + i] = means[row, 2] - place[2]


@njit(parallel=True, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def shade_all(
    visible: np.ndarray, means: np.ndarray, sh0: np.ndarray, shN: np.ndarray,
    place: np.ndarray, degree: int, workers: int, seen: np.ndarray,
) -> None:  # fmt: skip
    """Fills in the colours of the rows `visible` [V] of `seen` [N] of GAUSSIAN, as a camera at
    `place` [3] sees them: 0.5 plus the harmonics up to `degree`, not below 0."""
    count, terms = len(visible), (degree + 1) ** 2 - 1
    for worker in prange(workers):
        light = scratch(LIGHT)
        for first in range(worker * BLOCK, count, workers * BLOCK):
            chosen = visible[first : min(first + BLOCK, count)]
            if degree > 0:
                load(chosen, means, place, light)
                look(light)
                evaluate(light, degree)
            for i in range(len(chosen)):
                row = chosen[i]
                red, green = C0 * sh0[row, 0, 0] + HALF, C0 * sh0[row, 0, 1] + HALF
                blue = C0 * sh0[row, 0, 2] + HALF
                for k in range(terms):
                    basis = light[BASIS + k * BLOCK + i]
                    red += basis * shN[row, k, 0]
                    green += basis * shN[row, k, 1]
                    blue += basis * shN[row, k, 2]
                g = seen[row]
                g.red, g.green, g.blue = max(red, ZERO), max(green, ZERO), max(blue, ZERO)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate_all(
    totals: np.ndarray, visible: np.ndarray, means: np.ndarray, shN: np.ndarray,
    place: np.ndarray, degree: int, workers: int, by_sh0: np.ndarray, by_shN: np.ndarray,
    by_means: np.ndarray,
) -> None:  # fmt: skip
    """Writes the derivatives by the harmonics of the Gaussians `visible` [V], from their `totals`
    [V] of GRADIENT, and adds to those by their centres."""
    count, terms = len(visible), (degree + 1) ** 2 - 1
    for worker in prange(workers):
        light = scratch(LIGHT)
        for first in range(worker * BLOCK, count, workers * BLOCK):
            chosen = visible[first : min(first + BLOCK, count)]
            if degree > 0:
                load(chosen, means, place, light)
                look(light)
                evaluate(light, degree)
            for i in range(len(chosen)):
                row, total = chosen[i], totals[first + i]
                red, green, blue = total.red, total.green, total.blue
                by_sh0[row, 0, 0], by_sh0[row, 0, 1] = C0 * red, C0 * green
                by_sh0[row, 0, 2] = C0 * blue
                for k in range(terms):
                    basis, place_of = light[BASIS + k * BLOCK + i], BY_BASIS + k * BLOCK + i
                    light[place_of] = red * shN[row, k, 0] + green * shN[row, k, 1]
                    light[place_of] += blue * shN[row, k, 2]
                    by_shN[row, k, 0], by_shN[row, k, 1] = basis * red, basis * green
                    by_shN[row, k, 2] = basis * blue
            if degree > 0:
                differentiate(light, degree)
                for i in range(len(chosen)):
                    for axis in range(3):
                        by_means[chosen[i], axis] += light[BY_X + axis * BLOCK + i]
