"""ReFusion: Restormer encoders and crossed attention, trained by a learnt loss (Bai et al., IJCV 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, leaky_relu

from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.restormer import Block, attend, depthwise, pointwise
from uaabench.baselines.scripts import stretched
from uaabench.core.interface import MethodCard, luminance

WIDTH, HEADS = 16, 8


class ReFusion(ScriptMethod):
    """The network for infrared and visible images; the fused luminance is stretched, as in the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out the second copy that the release has of every convolution."""
        return {key: value for key, value in state.items() if not key.endswith(".conv.weight")}

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse infrared and luminance; see `FusionMethod.fuse`."""
        return stretched(self._network(ir, luminance(vi)))


class FusionModule(nn.Module):
    """Attention of each source by the other's queries, then gates from both: twice (B,16,H,W) to (B,32,H,W)."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature1, self.temperature2 = (nn.Parameter(torch.ones(HEADS, 1, 1)) for _ in range(2))
        self.qkv1, self.qkv2 = pointwise(WIDTH, 3 * WIDTH), pointwise(WIDTH, 3 * WIDTH)
        self.qkv1_dwconv, self.qkv2_dwconv = depthwise(3 * WIDTH), depthwise(3 * WIDTH)
        self.project_mid1, self.project_mid2 = pointwise(WIDTH, WIDTH), pointwise(WIDTH, WIDTH)
        self.project_E, self.project_E_d = pointwise(2 * WIDTH, 8 * WIDTH), depthwise(8 * WIDTH)
        self.project_E1, self.project_E1_d = pointwise(WIDTH, 4 * WIDTH), depthwise(4 * WIDTH)
        self.project_E2, self.project_E2_d = pointwise(WIDTH, 4 * WIDTH), depthwise(4 * WIDTH)
        self.project_out1, self.project_out2 = pointwise(4 * WIDTH, 2 * WIDTH), pointwise(4 * WIDTH, 2 * WIDTH)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse features."""
        query1, key1, value1 = self.qkv1_dwconv(self.qkv1(first)).chunk(3, dim=1)
        query2, key2, value2 = self.qkv2_dwconv(self.qkv2(second)).chunk(3, dim=1)
        first = first + self.project_mid1(attend(query2, key1, value1, self.temperature1))
        second = second + self.project_mid2(attend(query1, key2, value2, self.temperature2))
        both = torch.cat([first, second], dim=1)
        gate1, gate2 = self.project_E_d(self.project_E(both)).chunk(2, dim=1)
        passed1 = self.project_out1(gelu(gate1) * self.project_E1_d(self.project_E1(first)))
        passed2 = self.project_out2(gelu(gate2) * self.project_E2_d(self.project_E2(second)))
        fused: Tensor = both + passed1 + passed2
        return fused


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.project_in_1, self.project_in_2 = (nn.Conv2d(1, WIDTH, 3, padding=1, bias=False) for _ in range(2))
        self.encoder1, self.encoder2 = (nn.Sequential(Block(WIDTH, HEADS), Block(WIDTH, HEADS)) for _ in range(2))
        self.FM = FusionModule()
        self.decoder = nn.Sequential(Block(2 * WIDTH, HEADS), Block(2 * WIDTH, HEADS))
        self.project_out_0 = nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1, bias=False)
        self.project_out_1 = nn.Conv2d(WIDTH, 1, 3, padding=1, bias=False)

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        first, second = self.encoder1(self.project_in_1(ir)), self.encoder2(self.project_in_2(y))
        features = self.decoder(self.FM(first, second))
        return torch.sigmoid(self.project_out_1(leaky_relu(self.project_out_0(features), 0.01)))
