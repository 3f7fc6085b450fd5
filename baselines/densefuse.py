"""DenseFuse: a densely connected autoencoder whose features are averaged (Li, Wu, IEEE TIP 2019).

The authors' PyTorch version for grey images with the addition strategy, which in that version is the mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey, truncated
from uaabench.core.interface import MethodCard


class DenseFuse(ScriptMethod):
    """The autoencoder on grey levels 0..255."""

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Autoencoder())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return truncated(self._network(ir * 255, pil_grey(vi) * 255) / 255)


class Unit(nn.Module):
    """Convolution with reflected borders, and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        return torch.relu(self.conv2d(features))


class DenseBlock(nn.Module):
    """Three units, each of which sees all before it: 16 to 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        units = (nn.ModuleDict({"dense_conv": Unit(16 * (place + 1), 16)}) for place in range(3))
        self.denseblock = nn.ModuleList(units)

    def forward(self, features: Tensor) -> Tensor:
        """(B,16,H,W) to (B,64,H,W)."""
        for unit in self.denseblock.children():
            features = torch.cat([features, unit.get_submodule("dense_conv")(features)], dim=1)
        return features


class Autoencoder(nn.Module):
    """Infrared and grey visible (B,1,H,W) in 0..255 to the fused image (B,1,H,W), nominally in 0..255."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Unit(1, 16)
        self.DB1 = DenseBlock()
        self.conv2, self.conv3, self.conv4, self.conv5 = Unit(64, 64), Unit(64, 32), Unit(32, 16), Unit(16, 1)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        return self.decode((self.encode(ir) + self.encode(vi)) / 2)

    def encode(self, image: Tensor) -> Tensor:
        """One image (B,1,H,W) in 0..255 to its features (B,64,H,W)."""
        features: Tensor = self.DB1(self.conv1(image))
        return features

    def decode(self, features: Tensor) -> Tensor:
        """Features (B,64,H,W) to an image (B,1,H,W)."""
        for unit in (self.conv2, self.conv3, self.conv4, self.conv5):
            features = unit(features)
        return features
