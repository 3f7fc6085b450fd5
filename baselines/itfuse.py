"""ITFuse: features of each source that ask for those of both, in rounds (Tang et al., Pattern Recognition 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import hardswish

from uaabench.baselines.datfuse import Unit
from uaabench.baselines.memory_transformer import MemoryTransformer, keep_used
from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import pil_grey, truncated
from uaabench.core.interface import MethodCard

WIDTH, ROUNDS = 16, 3
# Layers that the released network has but never applies, and in either kind of interaction.
UNUSED = ("norm.", "mlp.", "layer2.", "conv1_32.", "conv32.", "conv16_32.", "conv2_32.")
UNUSED_INSIDE = tuple(f"{name}.{layer}." for name in ("TS_lv1", "equalAtt") for layer in ("bn", "se"))


class ITFuse(ScriptMethod):
    """The network on grey images."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out what the released network never applies."""
        return keep_used(state, (*UNUSED, *UNUSED_INSIDE))

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return truncated(self._network(ir, pil_grey(vi)))


class CoordinateAttention(nn.Module):
    """Weights rows and columns by the means along them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(WIDTH, WIDTH // 4, 1), nn.BatchNorm2d(WIDTH // 4)
        self.conv_h, self.conv_w = nn.Conv2d(WIDTH // 4, WIDTH, 1), nn.Conv2d(WIDTH // 4, WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B,16,H,W) to the same."""
        rows, columns = (hardswish(self.bn1(self.conv1(features.mean(dim=axis, keepdim=True)))) for axis in (3, 2))
        weighted: Tensor = features * self.conv_w(columns).sigmoid() * self.conv_h(rows).sigmoid()
        return weighted


class Interaction(nn.Module):
    """Weights values by what keys and queries say of each place."""

    def __init__(self) -> None:
        super().__init__()
        self.key_embed = Unit(WIDTH, WIDTH, 3, norm=True)
        narrow, single = nn.Conv2d(WIDTH, WIDTH // 8, 1, bias=False), nn.Conv2d(WIDTH // 8, 1, 1)
        self.embed = nn.Sequential(narrow, nn.BatchNorm2d(WIDTH // 8), nn.ReLU(), single, nn.BatchNorm2d(1))
        self.conv1x1 = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))

    def embedded(self, features: Tensor) -> Tensor:
        """Keys, and of the last interaction queries, (B,16,H,W) to the same."""
        return torch.relu(self.key_embed(features))

    def forward(self, values: Tensor, keys: Tensor, queries: Tensor) -> Tensor:
        """Values, embedded keys and queries, each (B,16,H,W), to the same."""
        weighted: Tensor = self.embed(keys + queries) * self.conv1x1(values)
        return weighted


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (0,1); all rounds share weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv16, self.conv2_16 = Unit(1, WIDTH, 3, norm=True), Unit(2, WIDTH, 3, norm=True)
        self.conv16_16 = Unit(WIDTH, WIDTH, 3, norm=True)
        self.CoordAtt = CoordinateAttention()
        self.TS_lv1, self.equalAtt = Interaction(), Interaction()
        self.basicLayer = MemoryTransformer(WIDTH, 4 * WIDTH, blocks=3)
        self.convolutional_out = Unit(WIDTH, 1, 1, norm=False)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        sources, both = (ir, vi), torch.cat([ir, vi], dim=1)
        for turn in range(ROUNDS):
            first = self.conv16_16 if turn else self.conv16
            own = [self._residual(torch.relu(first(source))) for source in sources]
            both = self._attended(self._next(torch.relu((self.conv16_16 if turn else self.conv2_16)(both))))
            keys = [self.TS_lv1.embedded(other) for other in reversed(own)]
            sources = tuple(self.TS_lv1(both, key, query) + key for key, query in zip(keys, own, strict=True))
        fused = self._attended(self.equalAtt(both, *(self.equalAtt.embedded(source) for source in sources)))
        return torch.sigmoid(self.convolutional_out(self._next(self.basicLayer(fused))))

    def _next(self, features: Tensor) -> Tensor:
        return torch.relu(self.conv16_16(features))

    def _residual(self, features: Tensor) -> Tensor:
        return features + self._next(self._next(features))

    def _attended(self, features: Tensor) -> Tensor:
        attended: Tensor = features + self.CoordAtt(self.CoordAtt(features))
        return attended
