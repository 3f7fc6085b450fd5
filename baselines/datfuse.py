"""DATFuse: dual attention and transformer blocks (Tang et al., IEEE TCSVT 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.memory_transformer import MemoryTransformer, keep_used
from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import pil_grey, truncated
from uaabench.core.interface import MethodCard

WIDTH = 16


class DATFuse(ScriptMethod):
    """The network on grey images."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out what the released network never applies."""
        return keep_used(state)

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return truncated(self._network(ir, pil_grey(vi)))


class Unit(nn.Module):
    """A convolution with repeated borders, with or without batch normalisation."""

    def __init__(self, inputs: int, outputs: int, size: int, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="replicate")
        if norm:
            self.bn = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        convolved: Tensor = self.conv(features)
        return self.bn(convolved) if hasattr(self, "bn") else convolved


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (-1,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutional = Unit(2, WIDTH, 5, norm=True)
        self.fem = Unit(WIDTH, WIDTH, 3, norm=True)
        channel = nn.Sequential(nn.Conv2d(WIDTH, 4, 1), nn.ReLU(), nn.Conv2d(4, WIDTH, 1), nn.Sigmoid())
        self.cam = nn.ModuleDict({"fc": channel})
        narrow, single = nn.Conv2d(WIDTH, 4, 3, padding=1), nn.Conv2d(4, 1, 3, padding=1)
        spatial = nn.Sequential(narrow, nn.BatchNorm2d(4), nn.ReLU(), single, nn.BatchNorm2d(1), nn.Sigmoid())
        self.sam = nn.ModuleDict({"body": spatial})
        self.basicLayer = MemoryTransformer(WIDTH, 4 * WIDTH)
        self.convolutional_out = Unit(WIDTH, 1, 1, norm=False)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        start = torch.relu(self.convolutional(torch.cat([ir, vi], dim=1)))
        found = self._features(start)
        found = self._features(self.basicLayer(torch.relu(self._attended(found) + start)))
        return torch.tanh(self.convolutional_out(self._attended(found) + found))

    def _features(self, features: Tensor) -> Tensor:
        """One convolution and normalisation, applied twice."""
        found: Tensor = self.fem(torch.relu(self.fem(features)))
        return found

    def _attended(self, features: Tensor) -> Tensor:
        """Weighted by channel plus weighted by place."""
        channel = self.cam["fc"](features.mean((2, 3), keepdim=True))
        weighted: Tensor = features * channel + features * self.sam["body"](features)
        return weighted
