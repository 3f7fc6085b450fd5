"""LIRP: unfolding with a learned image reasoning prior, adapted from pansharpening to infrared-visible fusion.

Zhou, Huang, Zheng, Li: Learned Image Reasoning Prior Penetrates Deep Unfolding Network for Panchromatic and
Multi-spectral Image Fusion, ICCV 2023. Gradient steps on what both sources say of the image alternate with a proximal
operator that is a masked autoencoder: a network that has learnt to restore patches that it does not see. No code was
found, and only the abstract was read: the stages follow what it says, their layers and the autoencoder are ours.

What is adapted: panchromatic and multi-spectral images are two observations of one image, by known operators; infrared
and visible ones are not. So both observe the fused image as it is, each with a weight at each pixel that is estimated
from the sources.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.network import NetworkMethod
from uaabench.core.interface import LuminanceMethod, MethodCard, luminance

STAGES, WIDTH, WEIGHING, PATCH, BLOCKS = 4, 64, 16, 4, 3


class LIRP(NetworkMethod, LuminanceMethod):
    """The network with weights trained here."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Run the network; see `LuminanceMethod.fuse_luminance`."""
        fused: Tensor = self._network(ir, y)
        return fused.clamp(0, 1)

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The average and the image after each stage; see `explanation.Unfolds`."""
        network = self._network
        assert isinstance(network, Network)
        return network.iterates(ir, luminance(vi))


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused image (B,1,H,W), about in [0,1].

    Minimises 1/2 |w_i (f - i)|^2 + 1/2 |w_v (f - v)|^2 + a prior, with the weights w at each pixel inside the norms
    as square roots; a stage is a gradient step followed by the proximal operator of the prior.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            _conv3x3(2, WEIGHING), nn.PReLU(), _conv3x3(WEIGHING, WEIGHING), nn.PReLU(), _conv3x3(WEIGHING, 1)
        )
        self.step = nn.Parameter(torch.full((STAGES,), 0.5))
        self.trust = nn.Parameter(torch.full((STAGES,), 0.5))
        self.prior = MaskedAutoencoder()

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        return self.iterates(ir, y)[-1]

    def iterates(self, ir: Tensor, y: Tensor) -> list[Tensor]:
        """The average of the sources, and the image after each stage."""
        weight = torch.sigmoid(self.weigh(torch.cat([ir, y], dim=1)).float())
        found = [(ir + y) / 2]
        for step, trust in zip(self.step, self.trust, strict=True):
            f = found[-1]
            f = f - step * (weight * (f - ir) + (1 - weight) * (f - y))
            found.append(f + trust * (self.prior(f) - f))
        return found


class MaskedAutoencoder(nn.Module):
    """An image (B,1,H,W) from its patches of 4x4, of which some may be hidden (He et al., CVPR 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH)
        self.hidden = nn.Parameter(torch.zeros(1, WIDTH, 1, 1))
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv3x3(WIDTH, WIDTH), nn.PReLU(), _conv3x3(WIDTH, WIDTH)) for _ in range(BLOCKS)
        )
        self.restore = nn.Conv2d(WIDTH, PATCH**2, 1)

    def forward(self, image: Tensor, hide: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            image: The images; a part of a patch at the lower or right border is completed by repeating the last pixel.
            hide: Which patches are not seen, (B,1,ceil(H/4),ceil(W/4)) bool; by default none.
        """
        height, width = image.shape[2:]
        whole = functional.pad(image, (0, -width % PATCH, 0, -height % PATCH), mode="replicate")
        tokens = self.embed(whole)
        if hide is not None:
            tokens = torch.where(hide, self.hidden.to(tokens.dtype), tokens)
        for block in self.blocks:
            tokens = tokens + block(tokens)
        restored = functional.pixel_shuffle(self.restore(tokens).float(), PATCH)
        return restored[..., :height, :width]


def _conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
