"""What methods with Restormer blocks share: attention between channels and the gated layer (Zamir et al., CVPR 2022).

How the projections before the attention are cut, and what the entries are called, differs from method to method.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution without bias."""
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def depthwise(channels: int) -> nn.Conv2d:
    """A 3x3 convolution of each channel on its own, without bias."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def attend(query: Tensor, key: Tensor, value: Tensor, temperature: Tensor) -> Tensor:
    """Attention between channels over the whole image: (B,C,H,W) three times to (B,C,H,W).

    Args:
        query: Queries; like the keys they are scaled to length 1 for each channel.
        key: Keys.
        value: Values.
        temperature: (heads,1,1) factors of the products before the softmax; the channels are shared out to the heads.
    """
    batch, channels, height, width = query.shape
    shape = batch, len(temperature), channels // len(temperature), height * width
    q, k, v = (features.reshape(shape) for features in (query, key, value))
    weights = (normalize(q, dim=-1) @ normalize(k, dim=-1).transpose(-2, -1) * temperature).softmax(dim=-1)
    attended: Tensor = weights @ v
    return attended.reshape(query.shape)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel, under the entry name `body`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.LayerNorm(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        normalised: Tensor = self.body(features.movedim(1, -1))
        return normalised.movedim(-1, 1)


class GatedLayer(nn.Module):
    """Restormer's feed-forward layer: one half of what is projected gates the other.

    Args:
        channels: Channels in and out.
        hidden: Channels of each half.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.project_in = pointwise(channels, 2 * hidden)
        self.dwconv = depthwise(2 * hidden)
        self.project_out = pointwise(hidden, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        gate, values = self.dwconv(self.project_in(features)).chunk(2, dim=1)
        passed: Tensor = self.project_out(gelu(gate) * values)
        return passed


class Attention(nn.Module):
    """Restormer's attention between channels.

    Args:
        channels: Channels in and out.
        heads: Heads.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv, self.qkv_dwconv = pointwise(channels, 3 * channels), depthwise(3 * channels)
        self.project_out = pointwise(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        query, key, value = self.qkv_dwconv(self.qkv(features)).chunk(3, dim=1)
        attended: Tensor = self.project_out(attend(query, key, value, self.temperature))
        return attended


class Block(nn.Module):
    """Attention and a gated layer of twice the channels, each on normalised features and added to them.

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.attn, self.ffn = Attention(channels, heads), GatedLayer(channels, 2 * channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        features = features + self.attn(self.norm1(features))
        changed: Tensor = features + self.ffn(self.norm2(features))
        return changed
