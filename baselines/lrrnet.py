"""LRRNet: low-rank and sparse parts by unrolled soft thresholding (Li et al., IEEE TPAMI 2023)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import opencv_grey, stretched, truncated
from uaabench.core.interface import MethodCard

WIDTH, STEPS = 128, 4
# What the authors' script adds to the range of grey levels, in 0..255 for its input and in 0..1 for its output.
MARGIN = 1e-5


class LRRNet(ScriptMethod):
    """The network, each image stretched on the way in and out, as in the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return truncated(stretched(self._network(*_sources(ir, vi)), MARGIN))

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The stretched image of the coefficients after each thresholding; see `explanation.Unfolds`."""
        network = self._network
        assert isinstance(network, Network)
        return [stretched(image, MARGIN) for image in network.iterates(*_sources(ir, vi))]


def _sources(ir: Tensor, vi: Tensor) -> tuple[Tensor, Tensor]:
    """Both images in grey, each stretched as the authors' script does."""
    return stretched(ir * 255, MARGIN), stretched(opencv_grey(vi) * 255, MARGIN)


class Convolution(nn.Module):
    """A convolution with reflected borders under the entry name `conv2d`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        convolved: Tensor = self.conv2d(features)
        return convolved


class Decomposition(nn.Module):
    """An image (B,1,H,W) to its low-rank and its sparse coefficients, (B,128,H,W) each."""

    def __init__(self) -> None:
        super().__init__()
        self.lamj = nn.Parameter(torch.zeros(1, 2 * WIDTH))
        self.lamz = nn.Parameter(torch.ones(1, 1))
        self.conv_W00 = Convolution(1, 2 * WIDTH)
        for step in range(STEPS):
            convolutions = {"conv_Wdz": Convolution(2 * WIDTH, 1), "conv_Wdtz": Convolution(1, 2 * WIDTH)}
            self.add_module(f"lrrblock{step}", nn.ModuleDict(convolutions))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Decompose a batch."""
        *_, last = self.iterates(image)
        return last

    def iterates(self, image: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Both coefficients after the first thresholding and after each step."""
        found = self._threshold(self.conv_W00(image))
        yield found[:, :WIDTH], found[:, WIDTH:]
        for step in range(STEPS):
            block = self.get_submodule(f"lrrblock{step}")
            rest = image - block.get_submodule("conv_Wdz")(found)
            found = self._threshold(self.lamz * found + block.get_submodule("conv_Wdtz")(rest))
            yield found[:, :WIDTH], found[:, WIDTH:]

    def _threshold(self, values: Tensor) -> Tensor:
        """Soft thresholding; some trained thresholds are slightly negative and are taken as they are."""
        return values.sign() * (values.abs() - self.lamj.view(1, -1, 1, 1)).clamp(min=0)


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W), stretched, to the fused image (B,1,H,W) of an arbitrary small range."""

    def __init__(self) -> None:
        super().__init__()
        self.get_ls1, self.get_ls2 = Decomposition(), Decomposition()
        heads = {name: Convolution(WIDTH, 1) for name in ("conv_ReZx", "conv_ReUx", "conv_ReZy", "conv_ReUy")}
        self.decoder = nn.ModuleDict({**heads, "conv_ReL": Convolution(2, 1), "conv_ReH": Convolution(2, 1)})

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        return self._decode(self.get_ls1(ir), self.get_ls2(vi))

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The fused image of the coefficients that each step leads to, the last one that of `forward`."""
        steps = zip(self.get_ls1.iterates(ir), self.get_ls2.iterates(vi), strict=True)
        return [self._decode(*coefficients) for coefficients in steps]

    def _decode(self, of_ir: tuple[Tensor, Tensor], of_vi: tuple[Tensor, Tensor]) -> Tensor:
        """The fused image from the low-rank and sparse coefficients of both sources."""
        (low_ir, sparse_ir), (low_vi, sparse_vi) = of_ir, of_vi
        decode = self.decoder
        low = torch.cat([decode["conv_ReZx"](low_ir), decode["conv_ReZy"](low_vi)], dim=1)
        sparse = torch.cat([decode["conv_ReUx"](sparse_ir), decode["conv_ReUy"](sparse_vi)], dim=1)
        fused: Tensor = decode["conv_ReL"](low) + decode["conv_ReH"](sparse)
        return fused
