"""What the classical methods share: fusing one grey image after the other as NumPy arrays, and filters of the field."""

from __future__ import annotations

from abc import abstractmethod

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uaabench.core.interface import LuminanceMethod

Image = NDArray[np.float64]


class ClassicalMethod(LuminanceMethod):
    """A method on single grey images, computed on the processor whatever the device."""

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch (B,1,H,W) in [0,1] image by image; overshoot is clipped."""
        pairs = zip(ir[:, 0].double().cpu().numpy(), y[:, 0].double().cpu().numpy(), strict=True)
        fused = np.stack([self.fuse_images(*pair) for pair in pairs])
        return torch.from_numpy(fused)[:, None].float().clamp(0, 1).to(ir.device)

    @abstractmethod
    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Fuse two (H,W) float64 images in [0,1]; values beyond are clipped by the caller."""


def box_mean(image: Image, radius: int) -> Image:
    """Mean over a square window, at the border over the part of it inside the image."""
    size = (2 * radius + 1,) * 2
    total = cv2.boxFilter(image, cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    inside = cv2.boxFilter(np.ones_like(image), cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / inside)


def guided_filter(guide: Image, image: Image, radius: int, epsilon: float) -> Image:
    """Filter an image so that its edges follow those of a guide (He, Sun, Tang, IEEE TPAMI 2013, equations 5 to 8).

    Args:
        guide: (H,W) in [0,1].
        image: (H,W).
        radius: Of the window in pixels.
        epsilon: Regularisation; the larger, the smoother.
    """
    mean_guide, mean_image = box_mean(guide, radius), box_mean(image, radius)
    covariance = box_mean(guide * image, radius) - mean_guide * mean_image
    variance = box_mean(guide * guide, radius) - mean_guide**2
    slope = covariance / (variance + epsilon)
    offset = mean_image - slope * mean_guide
    return box_mean(slope, radius) * guide + box_mean(offset, radius)


def gaussian(image: Image, sigma: float, radius: int, border: int = cv2.BORDER_REPLICATE) -> Image:
    """Gaussian filter of a window of 2 * radius + 1 pixels."""
    return np.asarray(cv2.GaussianBlur(image, (2 * radius + 1,) * 2, sigma, borderType=border))
