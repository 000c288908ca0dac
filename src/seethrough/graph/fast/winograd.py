"""Winograd: a 3 × 3 convolution with a quarter of the multiplications, F(4 × 4, 3 × 3) (Lavin & Gray, Fast Algorithms for
Convolutional Neural Networks, CVPR 2016).

A tile of 4 × 4 outputs is made of 6 × 6 inputs. These, and the weights once for all, are brought to a basis in which the convolution
is a product number by number; over all tiles and channels that is 36 products of matrices. What is lost is a digit at most: the error
is two to four times that of the direct way. Only what is held against the plain graph goes so.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

TILE = 4

_INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
_WEIGHT = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
    dtype=torch.float64,
) / 24  # fmt: skip
_OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    dtype=torch.float64,
)
_TILES_IN = torch.kron(_INPUT, _INPUT).float()
_TILES_OUT = torch.kron(_OUTPUT, _OUTPUT).float()

_DIRECT, _PRODUCTS, _BASES = 210e9, 165e9, 30e9
"""Operations a second, two a multiplication: of a packed convolution, of products of matrices, of changes of basis."""
_BYTES, _WEIGHTS = 20e9, 20e9
"""Bytes a second: of what is moved near by, of weights from memory."""


def transformed(weight: Tensor) -> Tensor:
    """A weight (out, in, 3, 3) in the basis of the products, (36, in, out)."""
    outputs, inputs = weight.shape[:2]
    flat = weight.detach().permute(2, 3, 1, 0).reshape(9, inputs * outputs)
    return (torch.kron(_WEIGHT, _WEIGHT).to(weight.dtype) @ flat).view(36, inputs, outputs)


def pays(parts: int, height: int, width: int, inputs: int, outputs: int) -> bool:
    """Whether so many parts with height × width outputs are had sooner so, by what each way computes and moves."""
    tiles = parts * -(-height // TILE) * -(-width // TILE)
    weights = 4 * inputs * outputs / _WEIGHTS
    direct = 18 * parts * height * width * inputs * outputs / _DIRECT + 9 * weights
    products = 72 * tiles * inputs * outputs / _PRODUCTS + 36 * weights
    bases = 72 * tiles * (36 * inputs + 16 * outputs) / _BASES
    moved = 4 * tiles * (72 * inputs + 52 * outputs) / _BYTES
    return products + bases + moved < 0.95 * direct


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, around: int = 0) -> Tensor:
    """``w ∗ x + bias``, (n, out, H, W) channels-last in memory.

    Parameters
    ----------
    x
        (n, in, H + 2 − 2 · around, W + 2 − 2 · around).
    weight
        See `transformed`.
    around
        Zeros that are laid around x.
    """
    rows = x.permute(0, 2, 3, 1)
    n, inputs = rows.shape[0], rows.shape[3]
    height, width = rows.shape[1] + 2 * around - 2, rows.shape[2] + 2 * around - 2
    down, across = -(-height // TILE), -(-width // TILE)
    # a new, contiguous tensor where it has to grow, so that tiles are read by strides
    more = around + across * TILE - width, around + down * TILE - height
    rows = pad(rows, (0, 0, around, more[0], around, more[1])).contiguous()
    s = rows.stride()
    tiles = rows.as_strided((6, 6, n, down, across, inputs), (s[1], s[2], s[0], TILE * s[1], TILE * s[2], 1))
    count, outputs = n * down * across, weight.shape[2]
    products = torch.bmm((_TILES_IN @ tiles.reshape(36, -1)).view(36, count, inputs), weight)
    if bias is not None:
        products[7] += bias  # the basis' (1, 1), of which a constant is the same constant in all 16 outputs
    found = (_TILES_OUT @ products.view(36, -1)).view(TILE, TILE, n, down, across, outputs)
    whole = found.permute(2, 3, 0, 4, 1, 5).reshape(n, down * TILE, across * TILE, outputs)
    return whole[:, :height, :width].permute(0, 3, 1, 2)
