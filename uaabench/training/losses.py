"""What the losses of several methods are made of. Images are (B,1,H,W) in [0,1] unless said otherwise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Weights of the five scales (Wang et al. 2003).
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def sobel(image: Tensor, border: str = "replicate") -> Tensor:
    """Horizontal and vertical Sobel responses, (B,2,H,W); `border` is a mode of `torch.nn.functional.pad`."""
    horizontal = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=image.device)
    kernels = torch.stack([horizontal, horizontal.T])[:, None]
    return functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode=border), kernels)


def edges(image: Tensor, border: str = "replicate") -> Tensor:
    """Gradient magnitude |sobel_x| + |sobel_y|: (B,1,H,W); see `sobel`."""
    return sobel(image, border).abs().sum(dim=1, keepdim=True)


def stronger_edges(fused: Tensor, ir: Tensor, y: Tensor, border: str = "replicate") -> Tensor:
    """Mean distance of the gradient magnitude to the larger one of both sources; see `sobel`."""
    return (edges(fused, border) - torch.maximum(edges(ir, border), edges(y, border))).abs().mean()


def gaussian(image: Tensor, window: int = 11) -> Tensor:
    """Gaussian mean over a window of so many pixels with deviation 1.5, edges replicated."""
    half = window // 2
    offsets = torch.arange(-half, half + 1, device=image.device, dtype=image.dtype)
    kernel = functional.softmax(-offsets.square() / (2 * 1.5**2), dim=0)
    padded = functional.pad(image, (half,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))


def ssim_map(first: Tensor, second: Tensor, window: int = 11) -> Tensor:
    """SSIM of each pixel (Wang et al. 2004; Gaussian window, deviation 1.5)."""
    luminance, structure = _similarities(first, second, window)
    return luminance * structure


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean multi-scale SSIM (Wang et al. 2003), the similarity of each scale moved from [-1,1] to [0,1].

    The move keeps powers of negative similarities real, as in the training code of DenseFuse and Res2Fusion; equal
    images still give 1.
    """
    result = first.new_ones(())
    for scale, weight in enumerate(SCALES):
        luminance, structure = _similarities(first, second)
        similarity = luminance * structure if scale == len(SCALES) - 1 else structure
        result = result * ((similarity.mean() + 1) / 2) ** weight
        first, second = (functional.avg_pool2d(image, 2) for image in (first, second))
    return result


def _similarities(first: Tensor, second: Tensor, window: int = 11) -> tuple[Tensor, Tensor]:
    """The luminance and the contrast-structure factor of SSIM at each pixel."""
    mean1, mean2 = gaussian(first, window), gaussian(second, window)
    variance1 = gaussian(first * first, window) - mean1 * mean1
    variance2 = gaussian(second * second, window) - mean2 * mean2
    covariance = gaussian(first * second, window) - mean1 * mean2
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean1 * mean2 + c1) / (mean1 * mean1 + mean2 * mean2 + c1)
    return luminance, (2 * covariance + c2) / (variance1 + variance2 + c2)


def saliency(image: Tensor) -> Tensor:
    """Mean distance of each grey level to those of all other pixels of its image (Zhai and Shah 2006)."""
    levels = (image.flatten(1) * 255).round().long()
    histogram = image.new_zeros(len(image), 256).scatter_add_(1, levels, torch.ones_like(levels, dtype=image.dtype))
    grey = torch.arange(256, device=image.device, dtype=image.dtype) / 255
    contrast = histogram / levels.shape[1] @ (grey[:, None] - grey[None]).abs()
    return contrast.gather(1, levels).reshape(image.shape)
