"""SHIP: high-order interaction of two sources by spectral and channel products (Zheng et al., CVPR 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.restormer import ChannelNorm
from uaabench.baselines.scripts import recoloured
from uaabench.core.interface import MethodCard, luminance

WIDTH = 16
# Share of the sum of its taps that a difference kernel takes off the centre.
DIFFERENCE = 0.8


class SHIP(ScriptMethod):
    """The network, and the colours of the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance and take the visible chroma; see `FusionMethod.fuse`."""
        return recoloured(self._network(luminance(vi), ir).clamp(0, 1), vi)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _pair(channels: int) -> nn.Sequential:
    return nn.Sequential(_convolution(channels, channels), nn.ReLU(), _convolution(channels, channels))


class DifferenceKernel(nn.Module):
    """A 3x3 convolution of five trained taps, minus most of their sum at the centre.

    Args:
        places: Where the taps stand in the kernel, as indices of its nine entries.
    """

    def __init__(self, places: tuple[int, ...]) -> None:
        super().__init__()
        self.places = list(places)
        self.conv = nn.Conv2d(WIDTH, WIDTH, (1, len(places)), bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B,16,H,W) to the same."""
        taps = self.conv.weight.flatten(2)
        kernel = taps.new_zeros(WIDTH, WIDTH, 9)
        kernel[..., self.places] = taps
        centre = conv2d(features, taps.sum(2)[..., None, None])
        return conv2d(features, kernel.view(WIDTH, WIDTH, 3, 3), padding=1) - DIFFERENCE * centre


class EdgeBlock(nn.Module):
    """A residual stream and one of cross-shaped and diagonal differences."""

    def __init__(self) -> None:
        super().__init__()
        self.process = _convolution(WIDTH, WIDTH)
        self.Res = _pair(WIDTH)
        kernels = {"h_conv": DifferenceKernel((1, 3, 4, 5, 7)), "d_conv": DifferenceKernel((0, 2, 4, 6, 8))}
        self.CDC = nn.ModuleDict(kernels)
        self.CDC.register_parameter("HP_branch", nn.Parameter(torch.zeros(1)))

    def forward(self, features: Tensor) -> Tensor:
        """(B,16,H,W) to the same."""
        features = self.process(features)
        share = torch.sigmoid(self.CDC.get_parameter("HP_branch"))
        edges = share * self.CDC["h_conv"](features) + (1 - share) * self.CDC["d_conv"](features) + features
        found: Tensor = self.Res(features) + edges
        return found


class Encoder(nn.Module):
    """A source (B,1,H,W) to features (B,16,H,W)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, WIDTH, 1)
        self.block1, self.block2 = EdgeBlock(), EdgeBlock()

    def forward(self, image: Tensor) -> Tensor:
        """Encode a batch."""
        features: Tensor = self.block2(self.block1(self.conv(image)))
        return features


class SpatialInteraction(nn.Module):
    """The product of both spectra, multiplied three more times by refined infrared features."""

    def __init__(self) -> None:
        super().__init__()
        for order in (1, 2, 3):
            self.add_module(f"reflashFused{order}", _pair(WIDTH))
            self.add_module(f"reflashInfrared{order}", _pair(WIDTH))
        for order in (1, 2, 3, 4):
            self.add_module(f"norm{order}", ChannelNorm(WIDTH))

    def forward(self, visible: Tensor, infrared: Tensor) -> tuple[Tensor, Tensor]:
        """Visible and infrared features (B,16,H,W) to new ones."""
        spectrum = torch.fft.rfft2(visible.float()) * torch.fft.rfft2(infrared.float())
        fused = self.get_submodule("norm1")(torch.fft.irfft2(spectrum, s=visible.shape[2:])) * infrared
        for order in (1, 2, 3):
            refined = self.get_submodule(f"reflashFused{order}")(fused)
            infrared = self.get_submodule(f"reflashInfrared{order}")(infrared)
            fused = self.get_submodule(f"norm{order + 1}")(refined) * infrared
        return fused + visible, infrared


class ChannelInteraction(nn.Module):
    """Channel weights that are refined three times, each from the weights before: (B,32,H,W) to (B,16,H,W)."""

    def __init__(self) -> None:
        super().__init__()
        both = 2 * WIDTH
        for name in ("chaAtten", "reflashChaAtten1", "reflashChaAtten2", "reflashChaAtten3"):
            self.add_module(name, nn.Sequential(nn.Conv2d(both, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, both, 1)))
        for order in (1, 2, 3):
            self.add_module(f"reflashFused{order}", _pair(both))
        self.postprocess = nn.Sequential(InvertibleBlock(both), nn.Conv2d(both, WIDTH, 1))

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Fuse features."""
        both = torch.cat([visible, infrared], dim=1)
        weights = self.get_submodule("chaAtten")(both.mean((2, 3), keepdim=True)).softmax(dim=1)
        fused = both * weights
        for order in (1, 2, 3):
            weights = self.get_submodule(f"reflashChaAtten{order}")(weights).softmax(dim=1)
            fused = self.get_submodule(f"reflashFused{order}")(fused) * weights
        found: Tensor = self.postprocess(fused)
        return found


class Interaction(nn.Module):
    """Spatial, then channel interaction."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial, self.channel = SpatialInteraction(), ChannelInteraction()

    def forward(self, visible: Tensor, infrared: Tensor) -> tuple[Tensor, Tensor]:
        """Visible and infrared features (B,16,H,W) to new ones."""
        visible, infrared = self.spatial(visible, infrared)
        return self.channel(visible, infrared) + visible, infrared


class HalfNormBlock(nn.Module):
    """Two convolutions, half of the channels between them normalised by each image's own statistics."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.identity = nn.Conv2d(inputs, WIDTH, 1)
        self.conv_1, self.conv_2 = _convolution(inputs, WIDTH), _convolution(WIDTH, WIDTH)
        self.norm = nn.InstanceNorm2d(WIDTH // 2, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,16,H,W)."""
        first, second = self.conv_1(features).chunk(2, dim=1)
        found = leaky_relu(torch.cat([self.norm(first), second], dim=1), 0.1)
        kept: Tensor = self.identity(features)
        return leaky_relu(self.conv_2(found), 0.1) + kept


class DenseBlock(nn.Module):
    """Two half-normalised blocks, and a convolution of all that came before."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = HalfNormBlock(channels), HalfNormBlock(WIDTH)
        self.conv3 = _convolution(channels + 2 * WIDTH, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B,channels,H,W) to the same."""
        first = leaky_relu(self.conv1(features), 0.2)
        second = leaky_relu(self.conv2(first), 0.2)
        return leaky_relu(self.conv3(torch.cat([features, first, second], dim=1)), 0.2)


class InvertibleMix(nn.Module):
    """A 1x1 convolution by the factors of an invertible matrix."""

    p: Tensor
    sign_s: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("p", torch.eye(channels))
        self.register_buffer("sign_s", torch.ones(channels))
        self.lower, self.upper = (nn.Parameter(torch.zeros(channels, channels)) for _ in range(2))
        self.log_s = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """(B,channels,H,W) to the same."""
        lower = self.lower.tril(-1) + torch.eye(len(self.p), device=features.device)
        upper = self.upper.triu(1) + torch.diag(self.sign_s * self.log_s.exp())
        return conv2d(features, (self.p @ lower @ upper)[..., None, None])


class InvertibleBlock(nn.Module):
    """Mixes the channels, then changes one half by the other and back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.invconv = InvertibleMix(channels)
        self.F, self.G, self.H = (DenseBlock(channels // 2) for _ in range(3))

    def forward(self, features: Tensor) -> Tensor:
        """(B,channels,H,W) to the same."""
        first, second = self.invconv(features).chunk(2, dim=1)
        first = first + self.F(second)
        scale = 0.8 * (2 * torch.sigmoid(self.H(first)) - 1)
        return torch.cat([first, second * scale.exp() + self.G(first)], dim=1)


class ChannelAttention(nn.Module):
    """Adds the means of convolved features, weighted by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.process = _pair(WIDTH)
        self.conv_du = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH // 4, 1), nn.ReLU(), nn.Conv2d(WIDTH // 4, WIDTH, 1), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B,16,H,W) to the same."""
        means = self.process(features).mean((2, 3), keepdim=True)
        changed: Tensor = features + self.conv_du(means) * means
        return changed


class Refinement(nn.Module):
    """Features (B,16,H,W) to an image (B,1,H,W)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = _convolution(WIDTH, WIDTH)
        self.process = nn.Sequential(ChannelAttention(), ChannelAttention())
        self.conv_last = _convolution(WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Decode a batch."""
        image: Tensor = self.conv_last(self.process(self.conv_in(features)))
        return image


class Network(nn.Module):
    """Luminance and infrared (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W), about [0,1.3]."""

    def __init__(self) -> None:
        super().__init__()
        self.vis, self.inf = Encoder(), Encoder()
        self.interaction1, self.interaction2, self.interaction3 = Interaction(), Interaction(), Interaction()
        self.postprocess = nn.Sequential(InvertibleBlock(3 * WIDTH), nn.Conv2d(3 * WIDTH, WIDTH, 1))
        self.reconstruction = Refinement()

    def forward(self, y: Tensor, ir: Tensor) -> Tensor:
        """Fuse a batch."""
        visible, infrared = self.vis(y), self.inf(ir)
        stages = []
        for interaction in (self.interaction1, self.interaction2, self.interaction3):
            visible, infrared = interaction(visible, infrared)
            stages.append(visible)
        fused: Tensor = self.reconstruction(self.postprocess(torch.cat(stages, dim=1)))
        return fused
