"""DUN-SA: unfolding with spatial alignment, adapted from the reconstruction of MRI to infrared-visible fusion.

Zhang, Wang, Shi, Ying, Wen: Deep Unfolding Network with Spatial Alignment for Multi-modal MRI Reconstruction, Medical
Image Analysis 99, 2025. Each stage first aligns the reference with the image as it is so far, then takes a gradient
step and applies learned proximal operators, one for an auxiliary variable of the aligned reference and one for the
image. No code was found, and only the abstract was read: the stages follow what it says, their layers are ours.

What is adapted: the reference is the infrared image and the target the visible one, in place of measurements in
k-space, so that the gradient step is of a weighted distance to both. The misalignment is one displacement of the
whole image, as of a camera beside another, in place of a deformation of tissue. It is found from coarse to fine, by
where learned features of both images agree best.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.network import NetworkMethod
from uaabench.core.interface import LuminanceMethod, MethodCard, luminance

# Pixels in a step of the search in each stage, and how many steps it looks around.
SCALES, REACH = (4, 2, 1), 3
WIDTH, FEATURES = 16, 8
# What the agreement of features, in [-1,1] on average, is multiplied by before the softmax; trained from here.
SHARPNESS = 100.0


class DUNSA(NetworkMethod, LuminanceMethod):
    """The network with weights trained here."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Run the network; see `LuminanceMethod.fuse_luminance`."""
        fused: Tensor = self._network(ir, y)
        return fused.clamp(0, 1)

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The visible luminance and the image after each stage; see `explanation.Unfolds`."""
        return self._unfolded(ir, vi).iterates

    def displacements(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """How far the infrared image (B,1,H,W) lies off the visible one (B,3,H,W), as each stage finds it.

        Down and right, (B,2) in pixels; the last one is what the image is fused by.
        """
        return self._unfolded(ir, vi).displacements

    def _unfolded(self, ir: Tensor, vi: Tensor) -> Unfolded:
        network = self._network
        assert isinstance(network, Network)
        return network.unfold(ir, luminance(vi))


class Unfolded(NamedTuple):
    """All stages: `iterates` (B,1,H,W), the visible image first, and `displacements` (B,2) in pixels, one a stage."""

    iterates: list[Tensor]
    displacements: list[Tensor]


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused image (B,1,H,W), about in [0,1]."""

    def __init__(self) -> None:
        super().__init__()
        self.align = nn.ModuleList(Alignment(scale) for scale in SCALES)
        self.reconstruct = nn.ModuleList(Reconstruction() for _ in SCALES)

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        return self.unfold(ir, y).iterates[-1]

    def unfold(self, ir: Tensor, y: Tensor) -> Unfolded:
        """Fuse a batch and keep what each stage gives."""
        displacement, auxiliary = ir.new_zeros(len(ir), 2), ir.new_zeros(len(ir), WIDTH, *ir.shape[2:])
        found = Unfolded([y], [])
        for align, reconstruct in zip(self.align, self.reconstruct, strict=True):
            displacement = displacement + align(moved(ir, displacement), y)
            aligned = moved(ir, displacement)
            image, auxiliary = reconstruct(found.iterates[-1], auxiliary, aligned, y)
            found.iterates.append(image)
            found.displacements.append(displacement)
        return found


class Alignment(nn.Module):
    """How far an infrared image still lies off a visible one, (B,2) in pixels: down and right.

    Args:
        scale: Pixels in a step of the search.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.of_ir, self.of_y = _features(), _features()
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Compare a batch (B,1,H,W)."""
        around = torch.arange(-REACH, REACH + 1, dtype=ir.dtype, device=ir.device)
        steps = torch.cartesian_prod(around, around)
        likely = (self.agreement(ir, y) * self.sharpness.exp()).softmax(dim=1)
        return likely @ steps * self.scale

    def agreement(self, ir: Tensor, y: Tensor) -> Tensor:
        """Mean correlation of both images' features for each displacement of the search, (B,49), row by row."""
        features = self.of_ir(self._seen(ir)), self.of_y(self._seen(y))
        first, second = (_normalised(found.float()) for found in features)
        height, width = second.shape[2:]
        around = functional.pad(first, (REACH,) * 4, mode="replicate")
        found = [
            (around[..., row : row + height, column : column + width] * second).mean((1, 2, 3))
            for row in range(2 * REACH + 1)
            for column in range(2 * REACH + 1)
        ]
        return torch.stack(found, dim=1)

    def _seen(self, image: Tensor) -> Tensor:
        """The image at the scale of the search with the magnitudes of its slopes, (B,3,h,w)."""
        image = functional.avg_pool2d(image, self.scale, ceil_mode=True, count_include_pad=False)
        padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
        across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).abs()
        down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).abs()
        return torch.cat([image, across, down], dim=1)


class Reconstruction(nn.Module):
    """A gradient step towards both sources, and the proximal operators of the auxiliary variable and of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(_conv3x3(2, WIDTH), nn.PReLU(), _conv3x3(WIDTH, 1))
        self.step = nn.Parameter(torch.tensor(0.5))
        self.prox_z = nn.Sequential(_conv3x3(WIDTH + 3, WIDTH), nn.PReLU(), _conv3x3(WIDTH, WIDTH))
        self.prox_s = nn.Sequential(_conv3x3(WIDTH + 1, WIDTH), nn.PReLU(), _conv3x3(WIDTH, 1))

    def forward(self, image: Tensor, auxiliary: Tensor, aligned: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Advance the image (B,1,H,W) and the auxiliary variable (B,16,H,W), given the aligned infrared image."""
        weight = torch.sigmoid(self.weigh(torch.cat([aligned, y], dim=1)).float())
        image = image - self.step * (weight * (image - aligned) + (1 - weight) * (image - y))
        auxiliary = auxiliary + self.prox_z(torch.cat([auxiliary, image, aligned, y], dim=1)).float()
        return image + self.prox_s(torch.cat([auxiliary, image], dim=1)).float(), auxiliary


def moved(image: Tensor, displacement: Tensor) -> Tensor:
    """What lies `displacement` (B,2), down and right in pixels, off each pixel of an image (B,1,H,W), bilinearly.

    Beyond the border the nearest pixel is repeated.
    """
    height, width = image.shape[2:]
    rows, columns = (torch.arange(length, device=image.device, dtype=image.dtype) for length in (height, width))
    down = (rows[None] + displacement[:, :1]) * (2 / max(height - 1, 1)) - 1
    right = (columns[None] + displacement[:, 1:]) * (2 / max(width - 1, 1)) - 1
    grid = torch.stack([right[:, None].expand(-1, height, -1), down[:, :, None].expand(-1, -1, width)], dim=3)
    return functional.grid_sample(image, grid, padding_mode="border", align_corners=True)


def _features() -> nn.Sequential:
    return nn.Sequential(_conv3x3(3, WIDTH), nn.PReLU(), _conv3x3(WIDTH, FEATURES))


def _normalised(features: Tensor) -> Tensor:
    """Each channel of each image without its mean and of deviation 1; one without contrast becomes 0."""
    centred = features - features.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-6).sqrt()


def _conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
