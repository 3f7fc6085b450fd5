"""Images taken strip by strip, so that what is computed of them stays in the cache of the processor."""

from collections.abc import Callable, Iterator

import numpy as np

from uaabench.core.arrays import FloatImage

# So many pixels of the ten or so arrays of a formula, 128 KiB each, stay in a cache of 1 or 2 MiB.
CACHED_PIXELS = 1 << 14


def strips(shape: tuple[int, ...], pixels: int) -> Iterator[slice]:
    """The rows of an (H,W) image in strips of at most so many pixels, but of one row at least, from above.

    Example:
        >>> list(strips((5, 10), 25))
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
    for rows in strips(values.shape, CACHED_PIXELS):
        values[rows] = formula(*(image[rows] for image in images))
    return values
