"""CDDFuse: base features by attention, detail features by an invertible network (Zhao et al., CVPR 2023)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.restormer import Block, ChannelNorm, GatedLayer, attend, pointwise
from uaabench.baselines.scripts import opencv_rounded_grey, stretched
from uaabench.core.interface import MethodCard

WIDTH, HEADS, BLOCKS = 64, 8, 4


class CDDFuse(ScriptMethod):
    """The network on grey images; each image is stretched, as in the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 2
    parts = ("DIDF_Encoder", "DIDF_Decoder", "BaseFuseLayer", "DetailFuseLayer")

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return stretched(self._network(ir, opencv_rounded_grey(vi)))


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution without bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class BaseAttention(nn.Module):
    """Attention between channels, whose projections are convolutions over all of them."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv1, self.qkv2 = pointwise(channels, 3 * channels), convolution(3 * channels, 3 * channels)
        self.proj = pointwise(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        query, key, value = self.qkv2(self.qkv1(features)).chunk(3, dim=1)
        attended: Tensor = self.proj(attend(query, key, value, self.scale))
        return attended


class BaseBlock(nn.Module):
    """Features of the whole image: attention and a layer gated in pairs of channels, each added.

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
        border: How the gated layer goes on beyond the border.
    """

    def __init__(self, channels: int, heads: int, border: Literal["zeros", "reflect"] = "zeros") -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.attn, self.mlp = BaseAttention(channels, heads), GatedLayer(channels, channels)
        double = 2 * channels
        self.mlp.dwconv = nn.Conv2d(double, double, 3, padding=1, groups=channels, bias=False, padding_mode=border)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        features = features + self.attn(self.norm1(features))
        changed: Tensor = features + self.mlp(self.norm2(features))
        return changed


class Bottleneck(nn.Module):
    """Half of the detail features to as many, with twice the channels between."""

    def __init__(self) -> None:
        super().__init__()
        half = WIDTH // 2
        spatial = nn.Conv2d(WIDTH, WIDTH, 3, groups=WIDTH, bias=False)
        layers = (pointwise(half, WIDTH), nn.ReLU6(), nn.ReflectionPad2d(1), spatial, nn.ReLU6())
        self.bottleneckBlock = nn.Sequential(*layers, pointwise(WIDTH, half))

    def forward(self, features: Tensor) -> Tensor:
        """(B,32,H,W) to the same."""
        found: Tensor = self.bottleneckBlock(features)
        return found


class CouplingLayer(nn.Module):
    """An invertible step: channels are mixed, then each half is changed by the other."""

    def __init__(self) -> None:
        super().__init__()
        self.theta_phi, self.theta_rho, self.theta_eta = (Bottleneck() for _ in range(3))
        self.shffleconv = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B,64,H,W) to the same."""
        first, second = self.shffleconv(features).chunk(2, dim=1)
        second = second + self.theta_phi(first)
        first = first * self.theta_rho(second).exp() + self.theta_eta(second)
        return torch.cat([first, second], dim=1)


class DetailBlock(nn.Module):
    """Features of edges and texture by coupling layers, under the entry name `net`."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*(CouplingLayer() for _ in range(layers)))

    def forward(self, features: Tensor) -> Tensor:
        """(B,64,H,W) to the same."""
        found: Tensor = self.net(features)
        return found


class Encoder(nn.Module):
    """An image (B,1,H,W) to its base and its detail features, (B,64,H,W) each."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": convolution(1, WIDTH)})
        self.encoder_level1 = nn.Sequential(*(Block(WIDTH, HEADS) for _ in range(BLOCKS)))
        self.baseFeature, self.detailFeature = BaseBlock(WIDTH, HEADS), DetailBlock(3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch."""
        shared = self.encoder_level1(self.patch_embed["proj"](image))
        return self.baseFeature(shared), self.detailFeature(shared)


class Decoder(nn.Module):
    """Base and detail features (B,64,H,W) to an image (B,1,H,W) of arbitrary range."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce_channel = pointwise(2 * WIDTH, WIDTH)
        self.encoder_level2 = nn.Sequential(*(Block(WIDTH, HEADS) for _ in range(BLOCKS)))
        self.output = nn.Sequential(convolution(WIDTH, WIDTH // 2), nn.LeakyReLU(), convolution(WIDTH // 2, 1))

    def forward(self, base: Tensor, detail: Tensor) -> Tensor:
        """Decode a batch."""
        features = self.reduce_channel(torch.cat([base, detail], dim=1))
        decoded: Tensor = self.output(self.encoder_level2(features))
        return decoded


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.DIDF_Encoder, self.DIDF_Decoder = Encoder(), Decoder()
        self.BaseFuseLayer, self.DetailFuseLayer = BaseBlock(WIDTH, HEADS), DetailBlock(1)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch: features are added and refined, and their image corrects the visible one."""
        (base_ir, detail_ir), (base_vi, detail_vi) = self.DIDF_Encoder(ir), self.DIDF_Encoder(vi)
        base, detail = self.BaseFuseLayer(base_vi + base_ir), self.DetailFuseLayer(detail_vi + detail_ir)
        return torch.sigmoid(self.DIDF_Decoder(base, detail) + vi)
