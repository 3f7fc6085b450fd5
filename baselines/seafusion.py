"""SeAFusion: semantic-aware fusion by gradient residual dense blocks (Tang et al., Information Fusion 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import recoloured, stretched, truncated
from uaabench.core.interface import MethodCard, luminance


class SeAFusion(ScriptMethod):
    """The network, and the colours and the stretch of the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out the batch normalisation, which the authors' network has but never applies."""
        return {key: value for key, value in state.items() if ".bn." not in key}

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance, take the visible chroma, and stretch the colour image; see `FusionMethod.fuse`."""
        return truncated(stretched(recoloured(self._network(ir, luminance(vi)), vi)))


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        for source in ("vis", "inf"):
            self.add_module(f"{source}_conv", Convolution(1, 16))
            self.add_module(f"{source}_rgbd1", GradientBlock(16, 32))
            self.add_module(f"{source}_rgbd2", GradientBlock(32, 48))
        self.decode4 = Convolution(96, 64)
        self.decode3 = Convolution(64, 32)
        self.decode2 = Convolution(32, 16)
        self.decode1 = Convolution(16, 1)

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        features = torch.cat([self._encode("vis", y), self._encode("inf", ir)], dim=1)
        for layer in (self.decode4, self.decode3, self.decode2):
            features = leaky_relu(layer(features), 0.2)
        fused: Tensor = torch.tanh(self.decode1(features)) / 2 + 0.5
        return fused

    def _encode(self, source: str, image: Tensor) -> Tensor:
        features = leaky_relu(self.get_submodule(f"{source}_conv")(image), 0.2)
        for block in ("rgbd1", "rgbd2"):
            features = self.get_submodule(f"{source}_{block}")(features)
        return features


class Convolution(nn.Module):
    """A convolution under the entry name `conv`."""

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (B,inputs,H,W)."""
        convolved: Tensor = self.conv(features)
        return convolved


class GradientBlock(nn.Module):
    """A dense stream, and one of gradients whose kernels start as Sobel's but were trained."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.ModuleDict({"conv1": Convolution(inputs, inputs), "conv2": Convolution(2 * inputs, inputs)})
        self.convdown = Convolution(3 * inputs, outputs, 1)
        gradients = {
            name: nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False) for name in ("convx", "convy")
        }
        self.sobelconv = nn.ModuleDict(gradients)
        self.convup = Convolution(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        dense = features
        for layer in self.dense.values():
            dense = torch.cat([dense, leaky_relu(layer(dense), 0.2)], dim=1)
        gradient = sum(kernel(features).abs() for kernel in self.sobelconv.values())
        return leaky_relu(self.convdown(dense) + self.convup(gradient), 0.1)
