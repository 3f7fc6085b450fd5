"""SFDFusion: fusion in the spatial and the frequency domain (Hu et al., ECAI 2024)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import stretched, truncated
from uaabench.core.interface import MethodCard, luminance

WIDTH = 8


class SFDFusion(ScriptMethod):
    """The network on luminance; each image is stretched, as in the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance; see `FusionMethod.fuse`."""
        return truncated(stretched(self._network(ir, luminance(vi))))


def convolution(inputs: int, outputs: int, *after: nn.Module) -> nn.Sequential:
    """A 3x3 convolution and what follows it."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), *after)


class Masked(nn.Module):
    """Features times a mask made of themselves.

    Args:
        gate: What brings the mask to 0..1.
    """

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        self.att = convolution(WIDTH, WIDTH, gate)

    def forward(self, features: Tensor) -> Tensor:
        """(B,8,H,W) to the same."""
        masked: Tensor = features * self.att(features)
        return masked


class Gradient(nn.Module):
    """The absolute responses of two kernels for each channel, which start as Sobel's and are trained, added."""

    def __init__(self) -> None:
        super().__init__()
        self.convx, self.convy = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH, bias=False) for _ in range(2))

    def forward(self, features: Tensor) -> Tensor:
        """(B,8,H,W) to the same."""
        added: Tensor = self.convx(features).abs() + self.convy(features).abs()
        return added


class TwoStreams(nn.Module):
    """Each source masked by itself, the sum of both masked for each source, and gradients: one feature map each.

    Args:
        gate: What brings masks to 0..1.
    """

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        for source in ("ir", "vi"):
            self.add_module(f"{source}_embed", convolution(1, WIDTH, nn.ReLU()))
            self.add_module(f"{source}_att1", Masked(gate))
            self.add_module(f"{source}_att2", Masked(gate))
            self.add_module(f"grad_{source}", Gradient())

    def forward(self, ir: Tensor, vi: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Sources (B,1,H,W) to their features, and to what those were made of: (B,8,H,W) each, infrared first."""
        embedded = {"ir": self.get_submodule("ir_embed")(ir), "vi": self.get_submodule("vi_embed")(vi)}
        both = embedded["ir"] + embedded["vi"]
        features = [
            self.get_submodule(f"{source}_att1")(own)
            + self.get_submodule(f"{source}_att2")(both)
            + self.get_submodule(f"grad_{source}")(own)
            for source, own in embedded.items()
        ]
        return (features[0], features[1]), (embedded["ir"], embedded["vi"])


class SpectrumLayers(nn.Module):
    """Amplitudes, or phases, of two spectra to those of one, under the entry name `conv1`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*convolution(2, 1, nn.LeakyReLU(0.1)), *convolution(1, 1, nn.LeakyReLU(0.1)))

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Twice (B,1,H,W/2+1) to the same."""
        fused: Tensor = self.conv1(torch.cat([ir, vi], dim=1))
        return fused


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in (-1,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.dmrm = TwoStreams(nn.Sigmoid())
        self.ff1, self.ff2 = SpectrumLayers(), SpectrumLayers()
        inverse = nn.Sequential(*convolution(2, WIDTH // 2, nn.ReLU()), *convolution(WIDTH // 2, WIDTH, nn.ReLU()))
        self.ifft = nn.ModuleDict({"conv1": inverse})
        widths = (32, 128, 64, 32)
        layers = [convolution(a, b, nn.ReLU()) for a, b in pairwise(widths)]
        layers.append(convolution(32, 1, nn.Tanh()))
        encoder = convolution(3 * WIDTH, 32, nn.ReLU())
        self.fus_block = nn.ModuleDict({"encoder": encoder, "down_conv": nn.Sequential(*layers)})

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        features, _ = self.dmrm(ir, y)
        encoded = self.fus_block["encoder"](torch.cat([*features, self._of_spectra(ir, y)], dim=1))
        fused: Tensor = self.fus_block["down_conv"](encoded)
        return fused

    def _of_spectra(self, ir: Tensor, y: Tensor) -> Tensor:
        """Features (B,8,H,W) of the image whose amplitudes and phases are fused ones."""
        spectra = torch.fft.rfft2(ir), torch.fft.rfft2(y)
        amplitude = self.ff1(*(spectrum.abs() for spectrum in spectra))
        phase = self.ff2(*(spectrum.angle() for spectrum in spectra))
        spectrum = torch.complex(amplitude * phase.cos(), amplitude * phase.sin())
        image = torch.fft.irfft2(spectrum, s=ir.shape[-2:]).abs()
        # Maximum and mean over channels, which come to the same for the only one there is.
        found: Tensor = self.ifft["conv1"](torch.cat([image, image], dim=1))
        return found
