"""Drawing the tiles and differentiating the drawing, in numba, on all cores.

Tiles are independent, and every pair of Gaussian and tile has its own row of gradients, so the
result has the same bits whatever the number of threads. The inner loops run over the TILE pixels
of a row, without branches, so that the compiler turns them into vector instructions.

Compositing is front to back (Kerbl et al. 2023). The backward pass walks back to front and keeps,
per pixel, the one number that what lies behind contributes to the loss; see docs/RASTERIZER.md.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from recon.splats.rasterizers.binning import (
    BLUE,
    COLUMNS,
    DEPTH,
    END_ROW,
    FIRST_ROW,
    GREEN,
    OPACITY,
    RANK,
    RED,
    SLOT,
    TILE,
    A,
    B,
    C,
    X,
    Y,
)

MIN_ALPHA = np.float32(1.0 / 255.0)
MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)  # a pixel is full before it would get darker than this
HALF, ONE, ZERO = np.float32(0.5), np.float32(1.0), np.float32(0.0)
CHECK_EVERY = 16  # Gaussians between two looks whether the whole tile is full

# exp(y) on [-0.75, 0], relative error 3.3e-9 before rounding (least squares at Chebyshev nodes)
E0, E1, E2, E3, E4, E5, E6 = (
    np.float32(value)
    for value in (
        0.9999999967040792, 0.9999996079438963, 0.499992159301944, 0.16660660779704284,
        0.041443443001110664, 0.007897733334854717, 0.0009497848139863596,
    )
)  # fmt: skip
MAX_SIGMA = np.float32(6.0)  # exp(-6) < 1/255: beyond, alpha is too small to be drawn anyway
MINUS_EIGHTH = np.float32(-0.125)

# channels of a tile's state in the forward pass
T_LIVE, T_END, SUM_R, SUM_G, SUM_B, SUM_D = range(6)
# channels of a tile's state in the backward pass: transmittance behind, loss from behind, the
# gradients of the picture; then the sums over the tile's rows for the Gaussian at hand
BEHIND, G_R, G_G, G_B, G_D = range(1, 6)
Q, Q_Y, Q_YY, W_R, W_G, W_B, W_D = range(7)
GRADIENTS = 10  # the first columns of the table have gradients

_options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


@njit(inline="always", **_options)
def falloff(sigma):
    """exp(-sigma) for sigma >= 0, relative error under 1e-6; exp(-6) beyond 6."""
    sigma = sigma if sigma > ZERO else ZERO
    sigma = sigma if sigma < MAX_SIGMA else MAX_SIGMA
    y = sigma * MINUS_EIGHTH
    e = E0 + y * (E1 + y * (E2 + y * (E3 + y * (E4 + y * (E5 + y * E6)))))
    e = e * e
    e = e * e
    return e * e


@njit(**_options)
def draw_tile(table, pairs, start, end, left, top, state, last):
    """Composites pairs [start, end) into `state` [TILE, 6, TILE] (rows, channels, columns) and
    notes in `last` [TILE, TILE] the last pair that each pixel took."""
    state[:] = ZERO
    state[:, T_LIVE] = ONE
    state[:, T_END] = ONE
    last[:] = -1
    for k in range(start, end):
        if (k - start) % CHECK_EVERY == CHECK_EVERY - 1 and state[:, T_LIVE].max() == ZERO:
            break
        g = table[pairs[k, RANK]]
        x = g[X] - np.float32(left) - HALF
        half_a, b, half_c, opacity = HALF * g[A], g[B], HALF * g[C], g[OPACITY]
        red, green, blue, depth = g[RED], g[GREEN], g[BLUE], g[DEPTH]
        for row in range(pairs[k, FIRST_ROW], pairs[k, END_ROW]):
            dy = g[Y] - np.float32(top + row) - HALF
            b_dy, c_dy = b * dy, half_c * dy * dy
            for i in range(TILE):
                dx = x - np.float32(i)
                alpha = opacity * falloff((half_a * dx + b_dy) * dx + c_dy)
                alpha = alpha if alpha < MAX_ALPHA else MAX_ALPHA
                alpha = alpha if alpha >= MIN_ALPHA else ZERO
                before = state[row, T_LIVE, i]
                after = before * (ONE - alpha)
                goes_on = after > MIN_TRANSMITTANCE
                weight = alpha * before if goes_on else ZERO
                state[row, T_LIVE, i] = after if goes_on else ZERO
                state[row, T_END, i] = after if goes_on else state[row, T_END, i]
                state[row, SUM_R, i] += weight * red
                state[row, SUM_G, i] += weight * green
                state[row, SUM_B, i] += weight * blue
                state[row, SUM_D, i] += weight * depth
                last[row, i] = np.int32(k) if weight > ZERO else last[row, i]


@njit(parallel=True, **_options)
def draw(table, pairs, tile_starts, background, workers, image, transmittance, depth, last):
    """Draws all tiles into `image` [H, W, 3] (over `background` [3]), `transmittance` [H, W],
    `depth` [H, W] (weighted sum) and `last` [H, W] (int32, -1 where nothing was drawn)."""
    height, width = transmittance.shape
    across = (width + TILE - 1) // TILE
    for worker in prange(workers):
        state = np.empty((TILE, 6, TILE), np.float32)
        last_pair = np.empty((TILE, TILE), np.int32)
        for tile in range(worker, len(tile_starts) - 1, workers):
            left, top = tile % across * TILE, tile // across * TILE
            draw_tile(
                table, pairs, tile_starts[tile], tile_starts[tile + 1], left, top, state, last_pair
            )
            for row in range(min(TILE, height - top)):
                for i in range(min(TILE, width - left)):
                    end = state[row, T_END, i]
                    for channel in range(3):
                        image[top + row, left + i, channel] = (
                            state[row, SUM_R + channel, i] + end * background[channel]
                        )
                    transmittance[top + row, left + i] = end
                    depth[top + row, left + i] = state[row, SUM_D, i]
                    last[top + row, left + i] = last_pair[row, i]


@njit(**_options)
def differentiate_pair(g, left, sums, out):
    """Turns the sums over a tile's rows ([7, TILE], by column) into the gradients `out` [10]."""
    q = qx = qy = qxx = qxy = qyy = red = green = blue = depth = ZERO
    for i in range(TILE):
        dx = g[X] - np.float32(left + i) - HALF
        q += sums[Q, i]
        qx += sums[Q, i] * dx
        qxx += sums[Q, i] * dx * dx
        qy += sums[Q_Y, i]
        qxy += sums[Q_Y, i] * dx
        qyy += sums[Q_YY, i]
        red += sums[W_R, i]
        green += sums[W_G, i]
        blue += sums[W_B, i]
        depth += sums[W_D, i]
    out[X] = -(g[A] * qx + g[B] * qy)
    out[Y] = -(g[B] * qx + g[C] * qy)
    out[A], out[B], out[C] = -HALF * qxx, -qxy, -HALF * qyy
    out[OPACITY] = q / g[OPACITY]
    out[RED], out[GREEN], out[BLUE], out[DEPTH] = red, green, blue, depth


@njit(**_options)
def differentiate_tile(table, pairs, start, end, left, top, state, last, sums, gradients):
    """Walks pairs [start, end) back to front and writes each one's row of `gradients`."""
    for k in range(end - 1, start - 1, -1):
        g = table[pairs[k, RANK]]
        x = g[X] - np.float32(left) - HALF
        half_a, b, half_c, opacity = HALF * g[A], g[B], HALF * g[C], g[OPACITY]
        red, green, blue, depth = g[RED], g[GREEN], g[BLUE], g[DEPTH]
        sums[:] = ZERO
        for row in range(pairs[k, FIRST_ROW], pairs[k, END_ROW]):
            dy = g[Y] - np.float32(top + row) - HALF
            b_dy, c_dy = b * dy, half_c * dy * dy
            for i in range(TILE):
                dx = x - np.float32(i)
                raw = opacity * falloff((half_a * dx + b_dy) * dx + c_dy)
                alpha = raw if raw < MAX_ALPHA else MAX_ALPHA
                alpha = alpha if alpha >= MIN_ALPHA else ZERO
                alpha = alpha if np.int32(k) <= last[row, i] else ZERO
                before = state[row, T_LIVE, i] / (ONE - alpha)
                weight = alpha * before
                r, g_, b_ = state[row, G_R, i], state[row, G_G, i], state[row, G_B, i]
                d = state[row, G_D, i]
                gain = red * r + green * g_ + blue * b_ + depth * d - state[row, BEHIND, i]
                state[row, T_LIVE, i] = before
                state[row, BEHIND, i] += alpha * gain
                q = weight * gain if raw <= MAX_ALPHA else ZERO
                sums[Q, i] += q
                sums[Q_Y, i] += q * dy
                sums[Q_YY, i] += q * dy * dy
                sums[W_R, i] += weight * r
                sums[W_G, i] += weight * g_
                sums[W_B, i] += weight * b_
                sums[W_D, i] += weight * d
        differentiate_pair(g, left, sums, gradients[pairs[k, SLOT]])


@njit(parallel=True, **_options)
def differentiate(
    table, pairs, tile_starts, background, workers, transmittance, last,
    grad_image, grad_alpha, grad_depth, gradients,
):  # fmt: skip
    """Writes every pair's gradients [P, GRADIENTS] (rows by slot, columns as in the table) from
    those of the image [H, W, 3], the alpha [H, W] and the summed depth [H, W]."""
    height, width = transmittance.shape
    across = (width + TILE - 1) // TILE
    for worker in prange(workers):
        state = np.empty((TILE, 6, TILE), np.float32)
        last_pair = np.empty((TILE, TILE), np.int32)
        sums = np.empty((7, TILE), np.float32)
        for tile in range(worker, len(tile_starts) - 1, workers):
            left, top = tile % across * TILE, tile // across * TILE
            state[:] = ZERO
            state[:, T_LIVE] = ONE
            last_pair[:] = -1
            for row in range(min(TILE, height - top)):
                for i in range(min(TILE, width - left)):
                    state[row, T_LIVE, i] = transmittance[top + row, left + i]
                    behind = -grad_alpha[top + row, left + i]
                    for channel in range(3):
                        gradient = grad_image[top + row, left + i, channel]
                        state[row, G_R + channel, i] = gradient
                        behind += gradient * background[channel]
                    state[row, BEHIND, i] = behind
                    state[row, G_D, i] = grad_depth[top + row, left + i]
                    last_pair[row, i] = last[top + row, left + i]
            end = max(tile_starts[tile], min(tile_starts[tile + 1], last_pair.max() + 1))
            gradients_of_hidden = pairs[end : tile_starts[tile + 1], SLOT]
            for slot in gradients_of_hidden:
                gradients[slot] = ZERO
            differentiate_tile(
                table, pairs, tile_starts[tile], end, left, top, state, last_pair, sums, gradients
            )


@njit(parallel=True, **_options)
def sum_gradients(gradients, gaussian_starts, order, out):
    """Adds up each Gaussian's rows of `gradients` into row `order[rank]` of `out`."""
    for rank in prange(len(order)):
        total = out[order[rank]]
        for slot in range(gaussian_starts[rank], gaussian_starts[rank + 1]):
            for column in range(GRADIENTS):
                total[column] += gradients[slot, column]


assert COLUMNS >= GRADIENTS
