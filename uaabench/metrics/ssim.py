"""SSIM: structural similarity of the fused image with each source.

In local windows with means m, variances s^2 and covariance s_XF

    SSIM(X,F) = mean [(2 m_X m_F + C1) (2 s_XF + C2)] / [(m_X^2 + m_F^2 + C1) (s_X^2 + s_F^2 + C2)]
    C1 = (0.01 L)^2,   C2 = (0.03 L)^2,   L = range of the grey levels

The published window is a Gaussian of side 11 and sigma 1.5, used only where it fits, and L = 255. Toolboxes differ in
the window, in the border, in L, and in whether the two sources are added or averaged; nothing in this field
changes more between toolboxes.

Reference: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13, 2004, doi:10.1109/TIP.2003.819861.
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric, Summed


def gaussian_window() -> FloatImage:
    """Weights (11,) of the published Gaussian, sigma 1.5, sum 1."""
    weights = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Similarity:
    """One convention of SSIM, as a function of a fused image and a source.

    Attributes:
        data_range: L, the range of grey levels that C1 and C2 are made for.
        window: Weights along one axis; the two-dimensional window is their product.
        replicate: Whether the border is replicated; otherwise the window is used only where it fits.
        unbiased: Whether variances are divided by the number of pixels less 1, for a uniform window.
    """

    data_range: float
    window: FloatImage = field(default_factory=gaussian_window)
    replicate: bool = False
    unbiased: bool = False

    def __call__(self, fused: FloatImage, source: FloatImage) -> float:
        """Mean SSIM of two (H,W) images with values 0..255: -1..1."""
        luminance, structure = self.maps(fused, source)
        return float(np.mean(luminance * structure))

    def maps(self, fused: FloatImage, source: FloatImage) -> tuple[FloatImage, FloatImage]:
        """The two factors of SSIM at each pixel: of the means, and of the variances and the covariance."""
        c1, c2 = (0.01 * self.data_range) ** 2, (0.03 * self.data_range) ** 2
        pixels = len(self.window) ** 2
        scale = pixels / (pixels - 1) if self.unbiased else 1
        mean_f, mean_x = self._blur(fused), self._blur(source)
        var_f = scale * (self._blur(fused * fused) - mean_f * mean_f)
        var_x = scale * (self._blur(source * source) - mean_x * mean_x)
        covariance = scale * (self._blur(fused * source) - mean_f * mean_x)
        luminance = (2 * mean_f * mean_x + c1) / (mean_f * mean_f + mean_x * mean_x + c1)
        return luminance, (2 * covariance + c2) / (var_f + var_x + c2)

    def _blur(self, image: FloatImage) -> FloatImage:
        blurred = cv2.sepFilter2D(image, cv2.CV_64F, self.window, self.window, borderType=cv2.BORDER_REPLICATE)
        edge = 0 if self.replicate else len(self.window) // 2
        return np.asarray(blurred[edge : image.shape[0] - edge, edge : image.shape[1] - edge])

    @property
    def added_in_strips(self) -> Summed:
        """The same as `added` by sums, for a window that is used only where it fits."""
        return Summed(sums=self._sums, value=_added, border=len(self.window) // 2)

    @property
    def averaged_in_strips(self) -> Summed:
        """The same as `averaged` by sums, for a window that is used only where it fits."""
        return replace(self.added_in_strips, value=_averaged)

    def _sums(self, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> FloatImage:
        """Sum of SSIM over the places of the window with each source, and how many places there are."""
        products = [np.multiply(*self.maps(fused, source)) for source in (ir, vi)]
        return np.array([products[0].sum(), products[1].sum(), products[0].size])

    def added(self, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
        """SSIM with the two sources, added: -2..2."""
        return self(fused, ir) + self(fused, vi)

    def averaged(self, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
        """SSIM with the two sources, averaged: -1..1."""
        return self.added(fused, ir, vi) / 2


def _added(sums: FloatImage) -> float:
    with_ir, with_vi, places = (float(total) for total in sums)
    return with_ir / places + with_vi / places


def _averaged(sums: FloatImage) -> float:
    return _added(sums) / 2


PUBLISHED = Similarity(data_range=255)

SSIM = Metric(
    name="SSIM",
    title="structural similarity",
    compute=PUBLISHED.averaged_in_strips,
    higher_is_better=True,
    range=(-1.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Wang et al., IEEE Trans. Image Process. 2004",
    formula="(SSIM(A,F) + SSIM(B,F)) / 2, Gaussian window of side 11 and sigma 1.5 where it fits, L = 255",
    min_size=11,
)
