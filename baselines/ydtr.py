"""YDTR: a Y-shaped dynamic transformer (Tang et al., IEEE TMM 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.datfuse import Unit
from uaabench.baselines.memory_transformer import MemoryTransformer, keep_used
from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import pil_grey, truncated
from uaabench.core.interface import MethodCard

WIDTH = 64


class YDTR(ScriptMethod):
    """The network on grey images."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out what the released network never applies."""
        return keep_used(state, ("conv64.", "conv."))

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return truncated(self._network(ir, pil_grey(vi)))


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (-1,1), by one set of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.convInput = Unit(1, WIDTH, 3, norm=True)
        channel = nn.Sequential(nn.Conv2d(WIDTH, 8, 1), nn.ReLU(), nn.Conv2d(8, WIDTH, 1))
        spatial = nn.Sequential(nn.Conv2d(WIDTH, 8, 3, padding=1), nn.Conv2d(8, 1, 3, padding=1))
        branches = {
            "channel_branch": nn.ModuleDict({"fc": channel}),
            "spatial_branch": nn.ModuleDict({"body": spatial}),
        }
        self.DDF = nn.ModuleDict(branches)
        self.basicLayer = MemoryTransformer(WIDTH, 4 * WIDTH)
        self.convolutional_out = Unit(WIDTH, 1, 1, norm=False)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        sources = [self._refine(torch.relu(self.convInput(image))) for image in (ir, vi)]
        return torch.tanh(self.convolutional_out(self._refine(sources[0] + sources[1])))

    def _refine(self, features: Tensor) -> Tensor:
        """Weight by channel and by place, without any limit to the weights, then the transformer."""
        channel = self.DDF.get_submodule("channel_branch.fc")(features.mean((2, 3), keepdim=True))
        place = self.DDF.get_submodule("spatial_branch.body")(features)
        refined: Tensor = self.basicLayer(features * channel + features * place)
        return refined
