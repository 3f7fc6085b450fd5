"""The two kinds of arrays that images are kept in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ByteImage = NDArray[np.uint8]
FloatImage = NDArray[np.float64]
# How often each of N pairs occurs in each of R draws, (R,N), and a number for each draw, (R,).
Counts = NDArray[np.int64]
Values = NDArray[np.float64]
