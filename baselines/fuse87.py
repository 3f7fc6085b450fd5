"""Fuse87: SFDFusion's two streams without its spectra, in 4.5 thousand parameters."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import stretched, truncated
from uaabench.baselines.sfdfusion import WIDTH, TwoStreams, convolution
from uaabench.core.interface import MethodCard, luminance

# How the authors call what is the same in SFDFusion, and what it is called there.
ENTRIES = (
    ("_enc.", "_embed."),
    ("ir_fea.conv1", "grad_ir.convx"),
    ("ir_fea.conv2", "grad_ir.convy"),
    ("vi_fea.conv1", "grad_vi.convx"),
    ("vi_fea.conv2", "grad_vi.convy"),
)


class Fuse87(ScriptMethod):
    """The network on luminance; each image is stretched, as in the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Name the two streams as SFDFusion does."""
        return {reduce(lambda name, entry: name.replace(*entry), ENTRIES, key): value for key, value in state.items()}

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance without the last row and column of odd sides, which repeat those before; see there."""
        height, width = ir.shape[-2:]
        even = (..., slice(max(height - height % 2, 1)), slice(max(width - width % 2, 1)))
        fused = truncated(stretched(self._network(ir[even], luminance(vi[even]))))
        return pad(fused, (0, width - fused.shape[-1], 0, height - fused.shape[-2]), mode="replicate")


class Layer(TwoStreams):
    """The two streams, and one map of each source made of its features."""

    def __init__(self) -> None:
        super().__init__(nn.Hardsigmoid())
        self.ir_dec, self.vi_dec = convolution(WIDTH, 1, nn.ReLU()), convolution(WIDTH, 1, nn.ReLU())


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in [-1,1]."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer()
        mixed = nn.Sequential(nn.Conv2d(2 * WIDTH + 2, 2 * WIDTH, 1), nn.ReLU())
        layers = {"out_conv1": mixed, "out_conv2": convolution(2 * WIDTH, WIDTH, nn.ReLU())}
        self.fus_out = nn.ModuleDict({**layers, "out_conv3": convolution(WIDTH, 1, nn.Hardtanh())})

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        (features_ir, features_vi), (embedded_ir, embedded_vi) = self.layer(ir, y)
        maps = self.layer.ir_dec(features_ir), self.layer.vi_dec(features_vi)
        fused = torch.cat([maps[0], embedded_ir, maps[1], embedded_vi], dim=1)
        for layer in self.fus_out.values():
            fused = layer(fused)
        return fused
