"""MI: mutual information of the grey levels of the fused image with those of each source, summed.

    MI = I(F;A) + I(F;B),   I(F;X) = H(F) + H(X) - H(F,X)

with the entropies of the 256 grey levels and of their 256 x 256 pairs. Toolboxes use bits or nats.

Reference: Qu, Zhang, Yan, "Information measure for performance of image fusion", Electronics Letters 38, 2002,
doi:10.1049/el:20020212.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.columns import Metric

LEVELS = 256


class Levels(NamedTuple):
    """The grey level of each pixel, (N,) whole numbers 0..255, and the entropy of the image in bits."""

    of_pixels: ByteImage
    entropy: float


def levels(image: FloatImage) -> Levels:
    """Grey levels of an (H,W) image with values 0..255, rounded half to even, and their entropy."""
    of_pixels = np.rint(image).astype(np.uint8).ravel()
    return Levels(of_pixels, entropy_of(np.bincount(of_pixels)))


def stretched_levels(image: FloatImage) -> Levels:
    """Grey levels after the image's own range was stretched to 0..255 and rounded; all 0 for a constant image."""
    low, high = image.min(), image.max()
    # MATLAB rounds halves up.
    return levels(np.floor((image - low) / (high - low) * 255 + 0.5) if high > low else np.zeros_like(image))


def entropy_of(counts: NDArray[np.intp]) -> float:
    """Entropy in bits of a histogram of any shape.

    Example:
        >>> entropy_of(np.array([2, 0, 1, 1]))
        1.5
    """
    share = counts[counts > 0] / counts.sum()
    return float(np.sum(share * np.log2(1 / share)))


def joint_entropy(first: Levels, second: Levels) -> float:
    """Entropy in bits of the pairs of grey levels at the same pixel."""
    return entropy_of(joint_counts(first.of_pixels, second.of_pixels))


def joint_counts(first: ByteImage, second: ByteImage) -> NDArray[np.intp]:
    """How often each pair of grey levels occurs at a pixel of two images (N,): (65536,)."""
    return np.bincount(first.astype(np.uint16) * LEVELS + second, minlength=LEVELS**2)


def information(first: Levels, second: Levels) -> float:
    """Mutual information of two images in bits: 0..8."""
    return first.entropy + second.entropy - joint_entropy(first, second)


def mutual_information(fused: Levels, ir: Levels, vi: Levels) -> float:
    """Mutual information of three images, each given by its `levels`, in bits: 0..16."""
    return information(fused, ir) + information(fused, vi)


def mutual_information_in_nats(fused: Levels, ir: Levels, vi: Levels) -> float:
    """The same with the natural logarithm: 0..11.09."""
    return math.log(2) * mutual_information(fused, ir, vi)


MI = Metric(
    name="MI",
    title="mutual information",
    compute=mutual_information,
    features=levels,
    higher_is_better=True,
    range=(0.0, 16.0),
    gameable_by_noise=False,
    version=1,
    reference="Qu et al., Electron. Lett. 2002",
    formula="I(F;A) + I(F;B) of the grey levels, in bits, I(F;X) = H(F) + H(X) - H(F,X)",
)
