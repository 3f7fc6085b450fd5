"""ADF: anisotropic diffusion into base and detail, the details by their principal axis (Bavirisetti, Dhuli 2016)."""

from __future__ import annotations

import numpy as np

from uaabench.baselines.classical import ClassicalMethod, Image
from uaabench.core.interface import MethodCard

# As published, on grey levels 0..255.
ITERATIONS, STEP, KAPPA = 10, 0.15, 30.0
# The eight neighbours, and the inverse of their squared distance.
NEIGHBOURS = [(dy, dx, 1 / (dy * dy + dx * dx)) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]


class ADF(ClassicalMethod):
    """The published method with its published parameters."""

    card = MethodCard.beside(__file__)

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Weight the details by the principal component of both, and average the bases."""
        images = [255 * ir, 255 * y]
        bases = [diffuse(image) for image in images]
        details = [image - base for image, base in zip(images, bases, strict=True)]
        _, vectors = np.linalg.eigh(np.cov(details[0].ravel(), details[1].ravel()))
        axis = vectors[:, -1]
        total = axis.sum()
        # Two details of exactly opposite sign have no weights that sum to one; then both count alike.
        first, second = axis / total if abs(total) > np.finfo(float).eps else (0.5, 0.5)
        return np.asarray((first * details[0] + second * details[1] + (bases[0] + bases[1]) / 2) / 255)


def diffuse(image: Image) -> Image:
    """Perona and Malik's diffusion, which their exponential function stops at edges; none over the border."""
    for _ in range(ITERATIONS):
        padded = np.pad(image, 1, mode="edge")
        flow = np.zeros_like(image)
        for dy, dx, weight in NEIGHBOURS:
            rows, columns = slice(1 + dy, padded.shape[0] - 1 + dy), slice(1 + dx, padded.shape[1] - 1 + dx)
            difference = padded[rows, columns] - image
            flow += weight * np.exp(-((difference / KAPPA) ** 2)) * difference
        image = image + STEP * flow
    return image
