"""Fusion in a stationary wavelet transform, which is shift-invariant (Rockinger, ICIP 1997)."""

from __future__ import annotations

import numpy as np
import pywt

from uaabench.baselines.classical import ClassicalMethod, Image
from uaabench.core.errors import UsageError, unknown_name
from uaabench.core.interface import MethodCard


class StationaryWavelet(ClassicalMethod):
    """Stronger detail coefficients, averaged approximation.

    Args:
        wavelet: Name of the wavelet, as PyWavelets knows it.
        levels: Number of levels.

    Raises:
        UsageError: There is no such wavelet, or less than one level.
    """

    card = MethodCard.beside(__file__)

    def __init__(self, wavelet: str = "haar", levels: int = 4) -> None:
        if wavelet not in pywt.wavelist(kind="discrete"):
            raise unknown_name("discrete wavelet", wavelet, pywt.wavelist(kind="discrete"))
        if levels < 1:
            raise UsageError(f"A wavelet transform needs at least 1 level, not {levels}.")
        self._wavelet = wavelet
        self._levels = levels

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Transform, fuse, and transform back; images are mirrored to a multiple of 2^levels."""
        height, width = ir.shape
        step = 2**self._levels
        margins = ((0, -height % step), (0, -width % step))
        transforms = [
            pywt.swt2(
                np.pad(image, margins, mode="symmetric"), self._wavelet, self._levels, trim_approx=True, norm=True
            )
            for image in (ir, y)
        ]
        (base_ir, *details_ir), (base_y, *details_y) = transforms
        fused = [
            tuple(np.where(np.abs(a) >= np.abs(b), a, b) for a, b in zip(level_ir, level_y, strict=True))
            for level_ir, level_y in zip(details_ir, details_y, strict=True)
        ]
        image = pywt.iswt2([(base_ir + base_y) / 2, *fused], self._wavelet, norm=True)
        return np.asarray(image[:height, :width])
