"""A 3x3 convolution of upsampled features, computed before the upsampling.

A product over channels commutes with interpolation, so that conv3x3(U h) is the sum over the nine taps of the shifted
U (W_tap h): the products, nearly all of the work, run at the resolution of h. Upsampling, shift and zero padding of a
tap are small dense matrices, one for rows and one for columns.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

Window = tuple[slice, slice]
"""Rows and columns of a fine image."""


@lru_cache(maxsize=64)
def interpolation(coarse: int, fine: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrix (fine,coarse) of the bilinear interpolation of one axis with aligned corners, as torch does it."""
    with torch.inference_mode(mode=False):  # A cached matrix must suit every later caller.
        unit = torch.eye(coarse, dtype=dtype, device=device)[None]
        return functional.interpolate(unit, size=fine, mode="linear", align_corners=True)[0].T.contiguous()


@lru_cache(maxsize=64)
def tap_interpolation(coarse: int, fine: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices (3,fine,coarse) that interpolate and then shift by a tap of a zero-padded 3x3 convolution."""
    with torch.inference_mode(mode=False):
        padded = functional.pad(interpolation(coarse, fine, dtype, device), (0, 0, 1, 1))
        return torch.stack([padded[tap : tap + fine] for tap in range(3)])


def convolve_upsampled(coarse: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
    """Equals `conv2d(interpolate(coarse, size, mode="bilinear", align_corners=True), weight, padding=1)`.

    Args:
        coarse: Features, (B,a,h,w).
        weight: Weight of the convolution, (c,a,3,3).
        size: Height H and width W of the result.

    Returns:
        (B,c,H,W), channels last.
    """
    batch, _, height, width = coarse.shape
    rows, columns = _matrices(coarse, size)
    pixels = coarse.permute(0, 2, 3, 1)
    partial = []
    for tap in range(3):
        products = pixels @ _tap_weight(weight, tap)
        partial.append(columns @ products.reshape(batch, height, width * 3, len(weight)))
    stacked = torch.cat(partial, 1).reshape(batch, 3 * height, -1)
    return (rows @ stacked).view(batch, *size, len(weight)).permute(0, 3, 1, 2)


def pull_back_upsampled(gradient: Tensor, weight: Tensor, size: tuple[int, int], window: Window) -> Tensor:
    """The transpose of `convolve_upsampled`.

    Args:
        gradient: Gradient with respect to its result, (B,H,W,c) with channels last.
        weight: Weight of the convolution, (c,a,3,3).
        size: Height h and width w of the coarse features.
        window: Where the gradient is looked at; it is zero elsewhere.

    Returns:
        Gradient with respect to the coarse features, (B,a,h,w).
    """
    rows, columns = _matrices(gradient.new_empty(0, 0, *size), (gradient.shape[1], gradient.shape[2]))
    rows, columns, gradient = rows[window[0]], columns[window[1]], gradient[:, window[0], window[1]]
    batch, height, width, channels = gradient.shape
    spread = (rows.T @ gradient.reshape(batch, height, -1)).view(batch * 3, size[0], width, channels)
    partial = (columns.T @ spread).view(batch, 3, *size, 3 * channels)
    pixels = torch.stack([partial[:, tap] @ _tap_weight(weight, tap).T for tap in range(3)])
    return pixels.sum(0).permute(0, 3, 1, 2)


def _matrices(coarse: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Interpolation of rows, (H,3*h) with the tap outermost, and of columns, (W,w*3) with the tap innermost."""
    height, width = coarse.shape[-2:]
    rows = tap_interpolation(height, size[0], coarse.dtype, coarse.device)
    columns = tap_interpolation(width, size[1], coarse.dtype, coarse.device)
    return rows.permute(1, 0, 2).reshape(size[0], -1), columns.permute(1, 2, 0).reshape(size[1], -1)


def _tap_weight(weight: Tensor, row: int) -> Tensor:
    """The weights of one row of taps as a matrix (a,3*c), the tap outermost in its columns."""
    return weight[:, :, row].permute(1, 2, 0).reshape(weight.shape[1], -1)
