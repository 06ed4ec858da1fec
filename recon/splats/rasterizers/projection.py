"""From Gaussians in the world to ellipses on the picture, and the derivatives back, in numba.

EWA splatting (Zwicker et al. 2001) as 3D Gaussian Splatting uses it (Kerbl et al. 2023), with
gsplat's constants: its "classic" mode.

Gaussians are handled in blocks. A block's numbers stand in `cells`, one flat array with one part
of BLOCK values for each quantity, so that the loops below have no branches and no strides and the
compiler turns them into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from recon.splats.gaussians import Camera
from recon.splats.rasterizers.cpu_kernels import scratch
from recon.splats.rasterizers.vectors import (
    Float,
    Vector,
    cross,
    dot,
    from_left,
    from_right,
    plus,
    rotation_of,
    times,
)

NEAR_PLANE = np.float32(0.01)  # world units; Gaussians whose centre is nearer are not drawn
LOW_PASS = np.float32(0.3)  # px^2, added to the variance: no Gaussian is thinner than a pixel
MIN_ALPHA = np.float32(1.0 / 255.0)  # fainter contributions are skipped
VIEW_MARGIN = 0.3  # the Jacobian is clamped to the view widened by this part of its half
MAX_EXTENT = np.float32(3.33)  # standard deviations; at opacity 1, alpha falls to 1/255 there
HUGE = np.float32(2.0**30)  # px
TINY = np.float32(1e-12)  # shortest quaternion
ZERO, ONE, TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)

# Where a camera's numbers stand in `view` [VIEW]: the rotation camera-from-world (row by row), the
# translation, focal lengths and principal point (px), the limits of the tangents between which
# the Jacobian is taken, and the picture's size (px).
ROTATION, TRANSLATION, FX, FY, CX, CY = 0, 9, 12, 13, 14, 15
LEFT, TOP, RIGHT, BOTTOM, WIDTH, HEIGHT, VIEW = 16, 17, 18, 19, 20, 21, 22

BLOCK = 128  # Gaussians
# Parts of `cells`. What goes in: the centre, the quaternion, the scales (activated), the opacity
# (activated) and the squared reach of alpha 1/255 (in standard deviations).
(X, Y, Z, QW, QX, QY, QZ, SX, SY, SZ, OPACITY, REACH) = (BLOCK * part for part in range(12))
# What comes out: centre, conic, depth, half the box in which alpha may reach 1/255; the radius.
(MEAN_X, MEAN_Y, A, B, C, DEPTH, EXTENT_X, EXTENT_Y, RADIUS) = (
    BLOCK * part for part in range(12, 21)
)  # fmt: skip
# In the backward pass: the loss's derivatives by what came out, and by what went in.
BY_MEAN_X, BY_MEAN_Y, BY_A, BY_B, BY_C, BY_DEPTH = (BLOCK * part for part in range(12, 18))
(BY_X, BY_Y, BY_Z, BY_QW, BY_QX, BY_QY, BY_QZ, BY_SX, BY_SY, BY_SZ) = (
    BLOCK * part for part in range(18, 28)
)  # fmt: skip
CELLS = 28 * BLOCK


def view_of(camera: Camera) -> np.ndarray:
    """The camera's numbers as the kernels take them, float32 [VIEW]."""
    viewmat, K = camera.viewmat.double().numpy(), camera.K.double().numpy()
    size = np.array([camera.width, camera.height])
    focal, middle = K[[0, 1], [0, 1]], K[:2, 2]
    margin = VIEW_MARGIN * 0.5 * size / focal
    numbers = [
        viewmat[:3, :3].ravel(), viewmat[:3, 3], focal, middle,
        -middle / focal - margin, (size - middle) / focal + margin,
        size,
    ]  # fmt: skip
    return np.concatenate(numbers).astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def camera_point(view: np.ndarray, x: Float, y: Float, z: Float) -> Vector:
    return (
        view[0] * x + view[1] * y + view[2] * z + view[TRANSLATION],
        view[3] * x + view[4] * y + view[5] * z + view[TRANSLATION + 1],
        view[6] * x + view[7] * y + view[8] * z + view[TRANSLATION + 2],
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def jacobian_row(view: np.ndarray, axis: int, tangent: Float) -> Vector:
    """d(pixel) / d(world) for a focal length of one and a depth of one, along one of the
    picture's axes; `tangent` is the point's there."""
    row = 3 * axis
    return (
        view[row] - tangent * view[6],
        view[row + 1] - tangent * view[7],
        view[row + 2] - tangent * view[8],
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def quaternion_length(w: Float, x: Float, y: Float, z: Float) -> Float:
    return max(np.sqrt(w * w + x * x + y * y + z * z), TINY)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def project(cells: np.ndarray, view: np.ndarray) -> None:
    """Projects a block of Gaussians. The radius is 0 for those that are not to be drawn."""
    for i in range(BLOCK):
        px, py, pz = camera_point(view, cells[X + i], cells[Y + i], cells[Z + i])
        depth = pz if pz >= NEAR_PLANE else ONE
        near = ONE / depth
        u, v = px * near, py * near
        mean_x, mean_y = view[FX] * u + view[CX], view[FY] * v + view[CY]
        # far outside the view the linear approximation explodes: there it is the border's
        row_x = jacobian_row(view, 0, min(max(u, view[LEFT]), view[RIGHT]))
        row_y = jacobian_row(view, 1, min(max(v, view[TOP]), view[BOTTOM]))
        w, x, y, z = cells[QW + i], cells[QX + i], cells[QY + i], cells[QZ + i]
        n = ONE / quaternion_length(w, x, y, z)
        turn = rotation_of(n * w, n * x, n * y, n * z)
        sx, sy, sz = cells[SX + i] * near, cells[SY + i] * near, cells[SZ + i] * near
        fx, fy = view[FX], view[FY]
        # J R S, whose square is the covariance
        across = times(from_left(row_x, turn), fx * sx, fx * sy, fx * sz)
        down = times(from_left(row_y, turn), fy * sx, fy * sy, fy * sz)
        xx, yy, xy = dot(across, across), dot(down, down), dot(across, down)
        normal = cross(across, down)
        # |a x b|^2 = |a|^2 |b|^2 - (ab)^2 without the cancellation that thin ellipses suffer from
        per_area = ONE / (dot(normal, normal) + LOW_PASS * (xx + yy) + LOW_PASS * LOW_PASS)
        a, b, c = (yy + LOW_PASS) * per_area, -xy * per_area, (xx + LOW_PASS) * per_area
        # the opacity-aware box (Radl et al., StopThePop 2024, B.2)
        wide, high = np.sqrt(xx + LOW_PASS), np.sqrt(yy + LOW_PASS)
        reach = min(np.sqrt(cells[REACH + i]), MAX_EXTENT)
        drawn_x, drawn_y = np.ceil(reach * wide), np.ceil(reach * high)
        # a hair wider than exact: rounding may then cost a test, but never a pixel
        reach = np.sqrt(cells[REACH + i] + np.float32(0.01))
        extent_x, extent_y = reach * wide, reach * high
        on_screen = (mean_x + drawn_x > ZERO) & (mean_x - drawn_x < view[WIDTH])
        on_screen &= (mean_y + drawn_y > ZERO) & (mean_y - drawn_y < view[HEIGHT])
        # a Gaussian gone to infinity or to NaN is not drawn; the kernels rely on finite extents
        sound = (a > ZERO) & (c > ZERO) & (extent_x < np.inf) & (extent_y < np.inf)
        sound &= (pz >= NEAR_PLANE) & (cells[OPACITY + i] >= MIN_ALPHA)
        radius = min(max(drawn_x, drawn_y), HUGE)
        cells[MEAN_X + i], cells[MEAN_Y + i], cells[DEPTH + i] = mean_x, mean_y, depth
        cells[A + i], cells[B + i], cells[C + i] = a, b, c
        cells[EXTENT_X + i], cells[EXTENT_Y + i] = extent_x, extent_y
        cells[RADIUS + i] = radius if on_screen & sound else ZERO


@njit(cache=True, nogil=True, inline="always", error_model="numpy", fastmath={"contract"})
def conic_derivatives(
    across: Vector, down: Vector, by_a: Float, by_b: Float, by_c: Float
) -> tuple[Vector, Vector]:
    """The loss's derivatives by the rows of J R S, from those by the conic."""
    xx, yy, xy = dot(across, across), dot(down, down), dot(across, down)
    normal = cross(across, down)
    per_area = ONE / (dot(normal, normal) + LOW_PASS * (xx + yy) + LOW_PASS * LOW_PASS)
    by_area = by_b * xy - by_a * (yy + LOW_PASS) - by_c * (xx + LOW_PASS)
    by_area *= per_area * per_area
    by_xx = TWO * (by_c * per_area + LOW_PASS * by_area)
    by_yy = TWO * (by_a * per_area + LOW_PASS * by_area)
    by_xy = -by_b * per_area
    up, left = cross(down, normal), cross(normal, across)
    by_across = plus(by_xx, across, by_xy, down)
    by_down = plus(by_yy, down, by_xy, across)
    return plus(TWO * by_area, up, ONE, by_across), plus(TWO * by_area, left, ONE, by_down)


@njit(cache=True, nogil=True, inline="always", error_model="numpy", fastmath={"contract"})
def quaternion_derivatives(
    w: Float, x: Float, y: Float, z: Float, v: Vector, by_a: Vector, u: Vector, by_b: Vector
) -> tuple[Float, Float, Float, Float]:
    """The loss's derivatives by a unit quaternion that turned the rows `v` and `u` into a and b,
    from those by a and b."""
    # by the matrix's elements
    m00, m01, m02 = plus(v[0], by_a, u[0], by_b)
    m10, m11, m12 = plus(v[1], by_a, u[1], by_b)
    m20, m21, m22 = plus(v[2], by_a, u[2], by_b)
    return (
        TWO * (x * (m21 - m12) + y * (m02 - m20) + z * (m10 - m01)),
        TWO * (y * (m01 + m10) + z * (m02 + m20) + w * (m21 - m12) - TWO * x * (m11 + m22)),
        TWO * (x * (m01 + m10) + z * (m12 + m21) + w * (m02 - m20) - TWO * y * (m00 + m22)),
        TWO * (x * (m02 + m20) + y * (m12 + m21) + w * (m10 - m01) - TWO * z * (m00 + m11)),
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate(cells: np.ndarray, view: np.ndarray) -> None:
    """The derivatives by a block's centres, quaternions and scales (by their logarithms)."""
    for i in range(BLOCK):
        px, py, depth = camera_point(view, cells[X + i], cells[Y + i], cells[Z + i])
        near = ONE / depth
        u, v = px * near, py * near
        in_u, in_v = min(max(u, view[LEFT]), view[RIGHT]), min(max(v, view[TOP]), view[BOTTOM])
        row_x, row_y = jacobian_row(view, 0, in_u), jacobian_row(view, 1, in_v)
        w, x, y, z = cells[QW + i], cells[QX + i], cells[QY + i], cells[QZ + i]
        n = ONE / quaternion_length(w, x, y, z)
        w, x, y, z = n * w, n * x, n * y, n * z
        turn = rotation_of(w, x, y, z)
        px_x, px_y = view[FX] * near, view[FY] * near  # px per world unit
        sx, sy, sz = cells[SX + i], cells[SY + i], cells[SZ + i]
        across = times(from_left(row_x, turn), px_x * sx, px_x * sy, px_x * sz)
        down = times(from_left(row_y, turn), px_y * sx, px_y * sy, px_y * sz)

        by_across, by_down = conic_derivatives(
            across, down, cells[BY_A + i], cells[BY_B + i], cells[BY_C + i]
        )
        cells[BY_SX + i] = by_across[0] * across[0] + by_down[0] * down[0]
        cells[BY_SY + i] = by_across[1] * across[1] + by_down[1] * down[1]
        cells[BY_SZ + i] = by_across[2] * across[2] + by_down[2] * down[2]
        by_across, by_down = times(by_across, sx, sy, sz), times(by_down, sx, sy, sz)
        by_turned_x = times(by_across, px_x, px_x, px_x)
        by_turned_y = times(by_down, px_y, px_y, px_y)
        by_w, by_qx, by_qy, by_qz = quaternion_derivatives(
            w, x, y, z, row_x, by_turned_x, row_y, by_turned_y
        )
        along = w * by_w + x * by_qx + y * by_qy + z * by_qz  # changes the length only
        cells[BY_QW + i], cells[BY_QX + i] = n * (by_w - w * along), n * (by_qx - x * along)
        cells[BY_QY + i], cells[BY_QZ + i] = n * (by_qy - y * along), n * (by_qz - z * along)

        by_row_x, by_row_y = from_right(turn, by_across), from_right(turn, by_down)
        axis = (view[6], view[7], view[8])
        by_u, by_v = view[FX] * cells[BY_MEAN_X + i], view[FY] * cells[BY_MEAN_Y + i]
        by_u -= px_x * dot(by_row_x, axis) if in_u == u else ZERO
        by_v -= px_y * dot(by_row_y, axis) if in_v == v else ZERO
        by_near = view[FX] * dot(by_row_x, row_x) + view[FY] * dot(by_row_y, row_y)
        by_near += by_u * px + by_v * py
        by_px, by_py = by_u * near, by_v * near
        by_pz = cells[BY_DEPTH + i] - by_near * near * near
        cells[BY_X + i] = view[0] * by_px + view[3] * by_py + view[6] * by_pz
        cells[BY_Y + i] = view[1] * by_px + view[4] * by_py + view[7] * by_pz
        cells[BY_Z + i] = view[2] * by_px + view[5] * by_py + view[8] * by_pz


@njit(cache=True, nogil=True, error_model="numpy")
def load(
    means: np.ndarray, quats: np.ndarray, scales: np.ndarray, row: int, cells: np.ndarray, i: int
) -> None:
    cells[X + i], cells[Y + i], cells[Z + i] = means[row, 0], means[row, 1], means[row, 2]
    cells[QW + i], cells[QX + i] = quats[row, 0], quats[row, 1]
    cells[QY + i], cells[QZ + i] = quats[row, 2], quats[row, 3]
    cells[SX + i], cells[SY + i], cells[SZ + i] = scales[row, 0], scales[row, 1], scales[row, 2]


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def project_all(
    means: np.ndarray, quats: np.ndarray, scales: np.ndarray, opacities: np.ndarray,
    reach: np.ndarray, view: np.ndarray, workers: int,
    seen: np.ndarray, means2d: np.ndarray, radii: np.ndarray,
) -> None:  # fmt: skip
    """Projects N Gaussians into `seen` [N] of GAUSSIAN, but for the colours, `means2d` [N, 2] and
    `radii` [N] (0 for those that are not to be drawn). Scales, opacities and `reach` are as in
    `cells`."""
    count = len(means)
    for worker in prange(workers):
        cells = scratch(CELLS)
        for first in range(worker * BLOCK, count, workers * BLOCK):
            size = min(BLOCK, count - first)
            for i in range(size):
                row = first + i
                load(means, quats, scales, row, cells, i)
                cells[OPACITY + i], cells[REACH + i] = opacities[row], reach[row]
            project(cells, view)
            for i in range(size):
                g, row = seen[first + i], first + i
                g.x, g.y, g.depth = cells[MEAN_X + i], cells[MEAN_Y + i], cells[DEPTH + i]
                g.a, g.b, g.c = cells[A + i], cells[B + i], cells[C + i]
                g.opacity = cells[OPACITY + i]
                g.extent_x, g.extent_y = cells[EXTENT_X + i], cells[EXTENT_Y + i]
                means2d[row, 0], means2d[row, 1] = g.x, g.y
                radii[row] = np.int32(cells[RADIUS + i])


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def differentiate_all(
    totals: np.ndarray, visible: np.ndarray,
    means: np.ndarray, quats: np.ndarray, scales: np.ndarray, view: np.ndarray, workers: int,
    by_means: np.ndarray, by_quats: np.ndarray, by_scales: np.ndarray, by_opacities: np.ndarray,
    by_means2d: np.ndarray,
) -> None:  # fmt: skip
    """Writes the derivatives by the parameters (by the scales' logarithms) of the Gaussians
    `visible` [V], from their `totals` [V] of GRADIENT."""
    count = len(visible)
    for worker in prange(workers):
        cells = scratch(CELLS)
        for first in range(worker * BLOCK, count, workers * BLOCK):
            size = min(BLOCK, count - first)
            for i in range(size):
                row, total = visible[first + i], totals[first + i]
                load(means, quats, scales, row, cells, i)
                cells[BY_MEAN_X + i], cells[BY_MEAN_Y + i] = total.x, total.y
                cells[BY_A + i], cells[BY_B + i], cells[BY_C + i] = total.a, total.b, total.c
                cells[BY_DEPTH + i] = total.depth
            differentiate(cells, view)
            for i in range(size):
                row, total = visible[first + i], totals[first + i]
                by_opacities[row] = total.opacity
                by_means2d[row, 0], by_means2d[row, 1] = total.x, total.y
                for axis in range(3):
                    by_means[row, axis] = cells[BY_X + axis * BLOCK + i]
                    by_scales[row, axis] = cells[BY_SX + axis * BLOCK + i]
                for part in range(4):
                    by_quats[row, part] = cells[BY_QW + part * BLOCK + i]
