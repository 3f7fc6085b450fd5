"""What the losses of several methods are made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def sobel(image: Tensor) -> Tensor:
    """Horizontal and vertical Sobel responses of (B,1,H,W), edges replicated: (B,2,H,W)."""
    horizontal = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=image.device)
    kernels = torch.stack([horizontal, horizontal.T])[:, None]
    return functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="replicate"), kernels)


def edges(image: Tensor) -> Tensor:
    """Gradient magnitude |sobel_x| + |sobel_y| of (B,1,H,W): (B,1,H,W)."""
    return sobel(image).abs().sum(dim=1, keepdim=True)
