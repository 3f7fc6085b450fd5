"""SIBA: each source and its inverse as the queries of attention over the other (Wang et al., ICCV 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.restormer import ChannelNorm, GatedLayer, attend, depthwise, pointwise
from uaabench.baselines.scripts import recoloured, truncated
from uaabench.core.interface import MethodCard, luminance

WIDTH, HEADS = 48, 8
# Channels for each unit of the hidden layer that weights them.
REDUCTION = 16


class SIBA(ScriptMethod):
    """The network, and the colours and the truncation of the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance and take the visible chroma; see `FusionMethod.fuse`."""
        return truncated(recoloured(self._network(ir, luminance(vi)).clamp(0, 1), vi))


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class Excitation(nn.Module):
    """Weights each channel by what a hidden layer makes of the means of all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // REDUCTION
        squeezed, expanded = nn.Linear(channels, narrow, bias=False), nn.Linear(narrow, channels, bias=False)
        self.fc = nn.Sequential(squeezed, nn.ReLU(), expanded, nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        weights: Tensor = self.fc(features.mean((2, 3)))
        return features * weights[..., None, None]


class Residual(nn.Module):
    """Two convolutions, weighted by channel unless there is only one, and a 1x1 convolution beside them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.res_conv = nn.Conv2d(inputs, outputs, 1)
        self.conv1, self.conv2 = _convolution(inputs, outputs), _convolution(outputs, outputs)
        self.act = nn.PReLU()
        self.se = Excitation(outputs) if outputs > 1 else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        found = self.se(self.conv2(self.act(self.conv1(features))))
        added: Tensor = self.act(found + self.res_conv(features))
        return added


class Queries(nn.Module):
    """A source or its inverse (B,1,H,W) to the queries (B,48,H,W) that it puts to the other source."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _convolution(1, WIDTH), _convolution(WIDTH, WIDTH)
        self.act, self.se = nn.PReLU(), Excitation(WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        """Widen a batch."""
        queries: Tensor = self.act(self.se(self.conv2(self.act(self.conv1(image)))))
        return queries


class Attention(nn.Module):
    """Attention between channels, by given queries or by the features' own.

    Args:
        crossed: The queries are given, so that only keys and values are projected.
    """

    def __init__(self, *, crossed: bool) -> None:
        super().__init__()
        projected = (2 if crossed else 3) * WIDTH
        self.scale = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.qkv1, self.qkv2 = pointwise(WIDTH, projected), depthwise(projected)
        self.proj = pointwise(WIDTH, WIDTH)

    def forward(self, features: Tensor, *queries: Tensor) -> Tensor:
        """(B,48,H,W), and as many queries if they are given, to the same."""
        query, key, value = (*queries, *torch.split(self.qkv2(self.qkv1(features)), WIDTH, dim=1))
        attended: Tensor = self.proj(attend(query, key, value, self.scale))
        return attended


class Block(nn.Module):
    """Attention and a gated layer, each on normalised features and added to them."""

    def __init__(self, *, crossed: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(WIDTH), ChannelNorm(WIDTH)
        self.attn, self.mlp = Attention(crossed=crossed), GatedLayer(WIDTH, WIDTH)

    def forward(self, features: Tensor, *queries: Tensor) -> Tensor:
        """(B,48,H,W), and as many queries if the block is crossed, to the same."""
        features = features + self.attn(self.norm1(features), *queries)
        changed: Tensor = features + self.mlp(self.norm2(features))
        return changed


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W), about [0,1]."""

    # Entry names of the queries, the block that they enter, the source they are made of, and whether of its inverse.
    CROSSED = (
        ("weight_ir", "ir2vi_ca", "ir", False),
        ("weight_vi", "vi2ir_ca", "vi", False),
        ("weight_irI", "irI2vi_ca", "ir", True),
        ("weight_viI", "viI2ir_ca", "vi", True),
    )

    def __init__(self) -> None:
        super().__init__()
        for source in ("ir", "vi"):
            self.add_module(f"{source}_conv", Residual(1, WIDTH))
            self.add_module(f"{source}_sa", nn.ModuleList([Block(crossed=False)]))
        for queries, block, _, _ in self.CROSSED:
            self.add_module(queries, Queries())
            self.add_module(block, nn.ModuleList([Block(crossed=True)]))
        self.fuse_conv = nn.Sequential(Residual(4 * WIDTH, 2 * WIDTH), Residual(2 * WIDTH, WIDTH))
        self.out_conv = Residual(WIDTH, 1)

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        images = {"ir": ir, "vi": y}
        # What is asked is the other source than the one that asks.
        asked = {"ir": self._encoded("vi", y), "vi": self._encoded("ir", ir)}
        found = []
        for queries, block, source, inverted in self.CROSSED:
            image = 1 - images[source] if inverted else images[source]
            found.append(self.get_submodule(f"{block}.0")(asked[source], self.get_submodule(queries)(image)))
        fused: Tensor = self.out_conv(self.fuse_conv(torch.cat(found, dim=1)))
        return fused

    def _encoded(self, source: str, image: Tensor) -> Tensor:
        encoded: Tensor = self.get_submodule(f"{source}_sa.0")(self.get_submodule(f"{source}_conv")(image))
        return encoded
