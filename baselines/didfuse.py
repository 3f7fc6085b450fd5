"""DIDFuse: decomposition into base and detail features that are added (Zhao et al., IJCAI 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey
from uaabench.core.interface import MethodCard

WIDTH = 64


class DIDFuse(ScriptMethod):
    """Encoder and decoder, the features of the sources added, as in the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        fused: Tensor = self._network(ir, pil_grey(vi))
        return fused


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        reflect = nn.ReflectionPad2d(1)
        layers = {
            "cov1": nn.Sequential(reflect, nn.Conv2d(1, WIDTH, 3), nn.BatchNorm2d(WIDTH), nn.PReLU()),
            "cov2": _convolution(WIDTH, nn.PReLU()),
            "cov3": _convolution(WIDTH, nn.Tanh()),
            "cov4": _convolution(WIDTH, nn.Tanh()),
            "cov5": _convolution(2 * WIDTH, nn.PReLU()),
            "cov6": _convolution(2 * WIDTH, nn.PReLU()),
            "cov7": nn.Sequential(reflect, nn.Conv2d(2 * WIDTH, 1, 3), nn.BatchNorm2d(1), nn.Sigmoid()),
        }
        for name, layer in layers.items():
            # The authors' entries name each layer twice.
            self.add_module(name, nn.ModuleDict({name: layer}))

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        return self.decode(*(a + b for a, b in zip(self.encode(ir), self.encode(vi), strict=True)))

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of one image (B,1,H,W): features of the first and second layer, base and detail, (B,64,H,W) each."""
        first = self._layer("cov1", image)
        second = self._layer("cov2", first)
        return first, second, self._layer("cov3", second), self._layer("cov4", second)

    def decode(self, first: Tensor, second: Tensor, base: Tensor, detail: Tensor) -> Tensor:
        """An image (B,1,H,W) in (0,1) from what `encode` gives."""
        features = self._layer("cov5", torch.cat([base, detail], dim=1))
        features = self._layer("cov6", torch.cat([features, second], dim=1))
        return self._layer("cov7", torch.cat([features, first], dim=1))

    def _layer(self, name: str, features: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(f"{name}.{name}")(features)
        return result


def _convolution(inputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), activation)
