"""Images taken strip by strip, so that what is computed fits: of thin strips into the cache, of thick ones into memory.

Thin strips are for the formulas of any image; thick ones, with the rows around them, for all that a metric needs of a
large one.
"""

from collections.abc import Callable, Iterator

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric, Summed
from uaabench.core.strips import is_large, strips

# So many pixels of the ten or so arrays of a formula, 128 KiB each, stay in a cache of 1 or 2 MiB.
CACHED_PIXELS = 1 << 14


def thin_strips(shape: tuple[int, ...], pixels: int) -> Iterator[slice]:
    """The rows of an (H,W) image in strips of at most so many pixels, but of one row at least, from above.

    Example:
        >>> list(thin_strips((5, 10), 25))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height, width = shape
    step = max(1, pixels // width)
    for first in range(0, height, step):
        yield slice(first, min(first + step, height))


def elementwise(formula: Callable[..., FloatImage], *images: FloatImage) -> FloatImage:
    """A formula of the pixels of (H,W) images: the values of `formula(*images)` to the last bit, in less time.

    Each step of a formula on whole images fetches and gives back megabytes of memory, which takes longer than the
    arithmetic.

    Args:
        formula: A function of arrays of one shape to an array of that shape, pixel by pixel.
        images: Its arguments, (H,W).
    """
    values = np.empty(images[0].shape)
    for rows in thin_strips(values.shape, CACHED_PIXELS):
        values[rows] = formula(*(image[rows] for image in images))
    return values


def is_in_strips(metric: Metric, shape: tuple[int, int]) -> bool:
    """Whether a metric of (H,W) images is computed strip by strip, because they are large and it can be."""
    return isinstance(metric.compute, Summed) and is_large(*shape)


def in_strips(metric: Metric, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """A metric of large (H,W) images, strip by strip: what it is of the whole images, but for rounding.

    Args:
        metric: One whose `compute` is a `Summed`.
        fused: The fused image.
        ir: One source.
        vi: The other source.
    """
    summed = metric.compute
    if not isinstance(summed, Summed):
        raise TypeError(f"{metric.name} is not made of sums")
    total = np.zeros(())
    height, width = fused.shape
    for strip in strips(height, width, border=summed.border, step=summed.step):
        # Copies, as features of plug-ins may write.
        features = (metric.features(image[strip.around].copy()) for image in (fused, ir, vi))
        total = total + summed.sums(*(summed.inner(entry, strip.inner) for entry in features))
    return summed.value(total)
