"""MSVD: singular value decomposition of 2x2 blocks, one level (Naidu, Defence Science Journal 2011)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uaabench.baselines.classical import ClassicalMethod, Image
from uaabench.core.interface import MethodCard


class MSVD(ClassicalMethod):
    """Stronger details, averaged approximation and averaged basis, as published."""

    card = MethodCard.beside(__file__)

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Fuse the coefficients of both images; odd sizes are extended by their last row and column."""
        height, width = ir.shape
        even = [np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge") for image in (ir, y)]
        (basis_ir, parts_ir), (basis_y, parts_y) = (decompose(image) for image in even)
        fused = np.where(np.abs(parts_ir) >= np.abs(parts_y), parts_ir, parts_y)
        fused[0] = (parts_ir[0] + parts_y[0]) / 2
        blocks = (basis_ir + basis_y) / 2 @ fused
        return from_blocks(blocks, even[0].shape)[:height, :width]


def decompose(image: Image) -> tuple[Image, Image]:
    """The basis (4,4) of an image's 2x2 blocks, strongest first, and their coefficients (4, number of blocks)."""
    blocks = to_blocks(image)
    # The basis of the decomposition is that of a 4x4 matrix, whatever the number of blocks.
    basis, _, _ = np.linalg.svd(blocks @ blocks.T)
    # The sign of each axis is arbitrary; those of two images must agree before they are averaged.
    basis = basis * np.where(basis.sum(axis=0) < 0, -1.0, 1.0)
    return basis, basis.T @ blocks


def to_blocks(image: Image) -> Image:
    """The 2x2 blocks of an image of even size as columns: (4, number of blocks)."""
    height, width = image.shape
    parts = image.reshape(height // 2, 2, width // 2, 2).transpose(1, 3, 0, 2)
    return parts.reshape(4, -1)


def from_blocks(blocks: Image, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The image that `to_blocks` made blocks of."""
    height, width = shape
    return blocks.reshape(2, 2, height // 2, width // 2).transpose(2, 0, 3, 1).reshape(height, width)
