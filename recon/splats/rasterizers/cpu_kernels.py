"""Drawing the tiles and differentiating the drawing, in numba, on all cores.

Tiles are independent, and every pair of Gaussian and tile has its own row of gradients, so the
result has the same bits whatever the number of threads. The inner loops run over the TILE pixels
of a row, without branches and over one array, so that the compiler turns them into vector
instructions; nothing inside slices an array, which would count references with locks. Change them
with benchmarks/rasterizer.py at hand.

Compositing is front to back (Kerbl et al. 2023). The backward pass walks back to front and keeps,
per pixel, the one number that what lies behind contributes to the loss; see
docs/develop/rasterizer.md.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

TILE = 16  # px, width and height: a row of a tile is one AVX-512 register of float32
MIN_ALPHA = np.float32(1.0 / 255.0)
MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)  # a pixel is full before it would get darker than this
HALF, ONE, ZERO = np.float32(0.5), np.float32(1.0), np.float32(0.0)

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

# A row of a tile in memory: one value per pixel and channel, where LIVE is the transmittance
# (0 once the pixel is full), END the transmittance that stays, LAST the last pair drawn (counted
# from 1 within the tile) and the rest weighted sums. In the backward pass LIVE is the
# transmittance in front of the pair at hand, BEHIND the loss's change per unit of light from
# behind it, and the others are the picture's gradients.
LIVE, LAST, RED, GREEN, BLUE, DEPTH, END = (TILE * channel for channel in range(7))
BEHIND = END
ROW = 7 * TILE
# Sums over a tile's rows, per column, while one pair is differentiated: of the weight on sigma,
# of it times dy and dy^2, and of the weight in the picture times its gradients.
Q, Q_Y, Q_YY, W_RED, W_GREEN, W_BLUE, W_DEPTH = (TILE * channel for channel in range(7))

# Loss per change of a Gaussian in one tile; the columns are GAUSSIAN's first ten.
GRADIENT = np.dtype(
    [(name, np.float32) for name in ("x", "y", "a", "b", "c", "opacity")]
    + [(name, np.float32) for name in ("red", "green", "blue", "depth")]
)


@njit(cache=True, nogil=True)
def scratch(size: int) -> np.ndarray:
    """Uninitialised float32 [size] that starts at a cache line: rows of it then never cross one,
    which the processor would pay for at every load and store."""
    memory = np.empty(size + 16, np.float32)
    skip = -(memory.ctypes.data // 4) % 16
    return memory[skip : skip + size]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def falloff(sigma: np.float32) -> np.float32:
    """exp(-sigma) for sigma >= 0, relative error under 2e-6; exp(-6) beyond 6."""
    y = min(max(sigma, ZERO), MAX_SIGMA) * MINUS_EIGHTH
    e = E0 + y * (E1 + y * (E2 + y * (E3 + y * (E4 + y * (E5 + y * E6)))))
    e = e * e
    e = e * e
    return e * e


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def draw_pair(
    cells: np.ndarray, g: np.record, x: np.float32, y: np.float32, first: int, end: int,
    mark: np.float32,
) -> None:  # fmt: skip
    """Composites Gaussian `g`, the `mark`-th of a tile, into rows [first, end) of its `cells`
    [TILE, ROW]. `x` and `y` are the way from the first pixel's centre to the Gaussian's, px."""
    half_a, b, half_c = HALF * g.a, g.b, HALF * g.c
    opacity, red, green, blue, depth = g.opacity, g.red, g.green, g.blue, g.depth
    for row in range(first, end):
        dy = y - np.float32(row)
        b_dy, c_dy = b * dy, half_c * dy * dy
        for i in range(TILE):
            dx = x - np.float32(i)
            alpha = min(opacity * falloff((half_a * dx + b_dy) * dx + c_dy), MAX_ALPHA)
            alpha = alpha if alpha >= MIN_ALPHA else ZERO
            before, stays, last = cells[row, LIVE + i], cells[row, END + i], cells[row, LAST + i]
            after = before * (ONE - alpha)
            goes_on = after > MIN_TRANSMITTANCE
            weight = alpha * before if goes_on else ZERO
            cells[row, LIVE + i] = after if goes_on else ZERO
            cells[row, END + i] = after if goes_on else stays
            cells[row, LAST + i] = mark if weight > ZERO else last
            cells[row, RED + i] += weight * red
            cells[row, GREEN + i] += weight * green
            cells[row, BLUE + i] += weight * blue
            cells[row, DEPTH + i] += weight * depth


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def draw_tile(table: np.ndarray, pairs: np.ndarray, left: int, top: int, cells: np.ndarray) -> None:
    """Composites the tile's `pairs` into `cells` [TILE, ROW]."""
    pixel = 0  # no pixel before this one is live
    for k in range(len(pairs)):
        while pixel < TILE * TILE and cells[pixel // TILE, LIVE + pixel % TILE] == ZERO:
            pixel += 1
        if pixel == TILE * TILE:
            break
        g = table[pairs[k].rank]
        x, y = g.x - np.float32(left) - HALF, g.y - np.float32(top) - HALF
        draw_pair(cells, g, x, y, pairs[k].first, pairs[k].end, np.float32(k + 1))


@njit(parallel=True, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def draw(
    table: np.ndarray, pairs: np.ndarray, tile_starts: np.ndarray, highest: int,
    background: np.ndarray, workers: int, image: np.ndarray, transmittance: np.ndarray,
    depth: np.ndarray, last: np.ndarray,
) -> None:  # fmt: skip
    """Draws tiles from row `highest` on into `image` [H, W, 3] (over `background` [3]),
    `transmittance` [H, W], `depth` [H, W] (weighted sum) and `last` [H, W] (the last pair drawn,
    from 1 in its tile)."""
    height, width = transmittance.shape
    across = (width + TILE - 1) // TILE
    for worker in prange(workers):
        cells = scratch(TILE * ROW).reshape(TILE, ROW)
        for tile in range(worker, len(tile_starts) - 1, workers):
            left, top = tile % across * TILE, highest + tile // across * TILE
            rows, columns = min(TILE, height - top), min(TILE, width - left)
            cells[:] = ZERO
            for row in range(rows):
                for i in range(columns):
                    cells[row, LIVE + i] = cells[row, END + i] = ONE
            draw_tile(table, pairs[tile_starts[tile] : tile_starts[tile + 1]], left, top, cells)
            for row in range(rows):
                for i in range(columns):
                    y, x, end = top + row, left + i, cells[row, END + i]
                    image[y, x, 0] = cells[row, RED + i] + end * background[0]
                    image[y, x, 1] = cells[row, GREEN + i] + end * background[1]
                    image[y, x, 2] = cells[row, BLUE + i] + end * background[2]
                    transmittance[y, x] = end
                    depth[y, x] = cells[row, DEPTH + i]
                    last[y, x] = cells[row, LAST + i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate_pair(
    cells: np.ndarray,
    sums: np.ndarray,
    g: np.record,
    x: np.float32,
    y: np.float32,
    first: int,
    end: int,
    mark: np.float32,
) -> None:
    """Takes Gaussian `g` off the rows [first, end) of a tile and adds what it did there to `sums`
    [ROW]; the other arguments are `draw_pair`'s."""
    half_a, b, half_c = HALF * g.a, g.b, HALF * g.c
    opacity, red, green, blue, depth = g.opacity, g.red, g.green, g.blue, g.depth
    for row in range(first, end):
        dy = y - np.float32(row)
        b_dy, c_dy = b * dy, half_c * dy * dy
        for i in range(TILE):
            dx = x - np.float32(i)
            raw = opacity * falloff((half_a * dx + b_dy) * dx + c_dy)
            alpha = min(raw, MAX_ALPHA)
            alpha = alpha if alpha >= MIN_ALPHA else ZERO
            alpha = alpha if mark <= cells[row, LAST + i] else ZERO
            # safe: 1 - alpha is at least 0.001, and exact where it is small
            before = cells[row, LIVE + i] / (ONE - alpha)
            weight = alpha * before
            by_red, by_green = cells[row, RED + i], cells[row, GREEN + i]
            by_blue, by_depth = cells[row, BLUE + i], cells[row, DEPTH + i]
            behind = cells[row, BEHIND + i]
            gain = red * by_red + green * by_green + blue * by_blue + depth * by_depth - behind
            cells[row, LIVE + i] = before
            cells[row, BEHIND + i] = behind + alpha * gain
            q = weight * gain if raw <= MAX_ALPHA else ZERO
            sums[Q + i] += q
            sums[Q_Y + i] += q * dy
            sums[Q_YY + i] += q * dy * dy
            sums[W_RED + i] += weight * by_red
            sums[W_GREEN + i] += weight * by_green
            sums[W_BLUE + i] += weight * by_blue
            sums[W_DEPTH + i] += weight * by_depth


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def conclude_pair(g: np.record, x: np.float32, sums: np.ndarray, out: np.record) -> None:
    """Turns the `sums` [ROW] over a tile's rows, by column, into the pair's gradients."""
    q = qx = qy = qxx = qxy = qyy = red = green = blue = depth = ZERO
    for i in range(TILE):
        dx = x - np.float32(i)
        q += sums[Q + i]
        qx += sums[Q + i] * dx
        qxx += sums[Q + i] * dx * dx
        qy += sums[Q_Y + i]
        qxy += sums[Q_Y + i] * dx
        qyy += sums[Q_YY + i]
        red += sums[W_RED + i]
        green += sums[W_GREEN + i]
        blue += sums[W_BLUE + i]
        depth += sums[W_DEPTH + i]
    out.x, out.y = -(g.a * qx + g.b * qy), -(g.b * qx + g.c * qy)
    out.a, out.b, out.c = -HALF * qxx, -qxy, -HALF * qyy
    out.opacity = q / g.opacity
    out.red, out.green, out.blue, out.depth = red, green, blue, depth


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate_tile(
    table: np.ndarray, pairs: np.ndarray, left: int, top: int,
    cells: np.ndarray, sums: np.ndarray, gradients: np.ndarray,
) -> None:  # fmt: skip
    """Walks the tile's `pairs` back to front and writes each one's `gradients`."""
    for k in range(len(pairs) - 1, -1, -1):
        g = table[pairs[k].rank]
        x, y = g.x - np.float32(left) - HALF, g.y - np.float32(top) - HALF
        sums[:] = ZERO
        mark = np.float32(k + 1)
        differentiate_pair(cells, sums, g, x, y, pairs[k].first, pairs[k].end, mark)
        conclude_pair(g, x, sums, gradients[k])


@njit(parallel=True, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def differentiate(
    table: np.ndarray, pairs: np.ndarray, tile_starts: np.ndarray, highest: int,
    background: np.ndarray, workers: int, transmittance: np.ndarray, last: np.ndarray,
    grad_image: np.ndarray, grad_alpha: np.ndarray, grad_depth: np.ndarray, gradients: np.ndarray,
) -> None:  # fmt: skip
    """Writes the drawn pairs' `gradients` [P] of GRADIENT from those of the image [H, W, 3], the
    alpha [H, W] and the summed depth [H, W]."""
    height, width = transmittance.shape
    across = (width + TILE - 1) // TILE
    for worker in prange(workers):
        cells, sums = scratch(TILE * ROW).reshape(TILE, ROW), scratch(ROW)
        for tile in range(worker, len(tile_starts) - 1, workers):
            left, top = tile % across * TILE, highest + tile // across * TILE
            drawn = 0
            cells[:] = ZERO
            for row in range(min(TILE, height - top)):
                for i in range(min(TILE, width - left)):
                    y, x = top + row, left + i
                    red, green, blue = grad_image[y, x, 0], grad_image[y, x, 1], grad_image[y, x, 2]
                    cells[row, RED + i], cells[row, GREEN + i] = red, green
                    cells[row, BLUE + i] = blue
                    cells[row, DEPTH + i] = grad_depth[y, x]
                    behind = red * background[0] + green * background[1] + blue * background[2]
                    cells[row, BEHIND + i] = behind - grad_alpha[y, x]
                    cells[row, LIVE + i] = transmittance[y, x]
                    cells[row, LAST + i] = last[y, x]
                    drawn = max(drawn, int(last[y, x]))
            start = tile_starts[tile]
            tile_pairs, out = pairs[start : start + drawn], gradients[start : start + drawn]
            differentiate_tile(table, tile_pairs, left, top, cells, sums, out)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def sum_gradients(
    gradients: np.ndarray, own: np.ndarray, own_starts: np.ndarray, table: np.ndarray,
    order: np.ndarray, totals: np.ndarray,
) -> None:  # fmt: skip
    """Adds the rows of `gradients` [P] of each Gaussian of the table to row `order[rank]` of
    `totals` [V]: by the opacity before its activation, and without those by a colour that was cut
    off at 0."""
    for rank in prange(len(table)):
        g, total = table[rank], totals[order[rank]]
        x = y = a = b = c = opacity = red = green = blue = depth = ZERO
        for at in range(own_starts[rank], own_starts[rank + 1]):
            pair = gradients[own[at]]
            x, y, depth = x + pair.x, y + pair.y, depth + pair.depth
            a, b, c = a + pair.a, b + pair.b, c + pair.c
            opacity += pair.opacity
            red, green, blue = red + pair.red, green + pair.green, blue + pair.blue
        total.x, total.y, total.depth = total.x + x, total.y + y, total.depth + depth
        total.a, total.b, total.c = total.a + a, total.b + b, total.c + c
        total.opacity += opacity * g.opacity * (ONE - g.opacity)
        total.red += red if g.red > ZERO else ZERO
        total.green += green if g.green > ZERO else ZERO
        total.blue += blue if g.blue > ZERO else ZERO
