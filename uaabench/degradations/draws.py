"""Random numbers that are the same on any machine: from the raw 64-bit words of a counter-based generator, by integers.

NumPy keeps the words of its bit generators as they are between versions and machines. What it makes of them by
logarithms and exponentials may differ in the last bit, so that nothing here uses those.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Uniform numbers of 16 bit that make one normal number, and their mean.
TERMS = 12
HALF = TERMS * 65535 // 2


class Draws:
    """A stream of random numbers that is decided by what it is for.

    Args:
        purpose: JSON values; each list of them has a stream of its own.
    """

    def __init__(self, *purpose: Any) -> None:
        digest = hashlib.sha256(json.dumps(purpose).encode()).digest()
        self._words = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def uniform(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Numbers in [0, 1), multiples of 2^-53."""
        return (self._raw(math.prod(shape)) >> np.uint64(11)).reshape(shape).astype(np.float64) * 2.0**-53

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Standard normal numbers, multiples of 2^-16 in [-6, 6].

        The sum of twelve uniform numbers (Irwin-Hall): its mean is 0, its variance 1 to ten digits and its kurtosis 2.9
        instead of 3, so that only numbers beyond 3 standard deviations are rarer than of a normal distribution.
        """
        count = math.prod(shape)
        words = self._raw(count * TERMS // 4).astype("<u8").view("<u2").reshape(TERMS, count)
        return np.asarray((words.sum(axis=0, dtype=np.int64) - HALF).reshape(shape).astype(np.float64) * 2.0**-16)

    def index(self, count: int) -> int:
        """A number from 0 to count - 1, all of them as likely to 2^-50 for counts below 2^14."""
        return int(self._raw(1)[0]) % count

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return np.asarray(self._words.random_raw(count), dtype=np.uint64)
