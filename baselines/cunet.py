"""CU-Net: what the sources share and what each has alone, by unrolled convolutional sparse coding.

Deng, Dragotti: Deep Convolutional Neural Network for Multi-modal Image Restoration and Fusion, IEEE TPAMI 2021. Their
weights are for photographs of two exposures or two focal planes, none for infrared and visible images. Entry names
follow their checkpoints, which therefore load as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, unfold

from uaabench.baselines.network import ScriptMethod, State
from uaabench.core.interface import MethodCard, luminance

WIDTH, STEPS, SIZE = 64, 4, 9
THRESHOLD = 0.01


class CUNet(ScriptMethod):
    """The network on luminance with weights trained here; with the authors', whose networks take colours, on colours.

    Infrared then stands three times in the place of the overexposed, or of the first, photograph.
    """

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Take the number of channels from the weights."""
        filters = state.get("conv_u.weight", torch.empty(1))
        self._network = Network(max(1, filters.shape[0]))
        return state

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse infrared and visible; see `FusionMethod.fuse`."""
        fused: Tensor = self._network(*self._sources(ir, vi))
        return fused.clamp(0, 1)

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The image of the codes after each thresholding; see `explanation.Unfolds`."""
        network = self._network
        assert isinstance(network, Network)
        found = network.iterates(*self._sources(ir, vi))
        return [image if image.shape[1] == 1 else luminance(image) for image in found]

    def _sources(self, ir: Tensor, vi: Tensor) -> tuple[Tensor, Tensor]:
        colours = self._network.get_parameter("conv_u.weight").shape[0] > 1
        return (ir.expand_as(vi), vi) if colours else (ir, luminance(vi))


class Network(nn.Module):
    """Two sources (B,C,H,W) in [0,1] to the fused image (B,C,H,W), about in [0,1].

    Args:
        channels: C, of each image.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.net_u, self.net_v = SparseCoding(channels), SparseCoding(channels)
        self.conv_u, self.conv_v = Synthesis(channels), Synthesis(channels)
        self.net_z = SparseCoding(2 * channels)
        self.decoder = nn.ModuleDict({name: Synthesis(channels) for name in ("conv_1", "conv_2", "conv_3")})

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse a batch."""
        u, v = self.net_u(first), self.net_v(second)
        z = self.net_z(self._left(first, second, u, v))
        return self._decode(u, v, z)

    def iterates(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """The fused image of the codes that each step leads to, the one of the last step being that of `forward`."""
        u, v = self.net_u.iterates(first), self.net_v.iterates(second)
        z = self.net_z.iterates(self._left(first, second, u[-1], v[-1]))
        return [self._decode(*codes) for codes in zip(u, v, z, strict=True)]

    def _left(self, first: Tensor, second: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """What the codes of each source alone leave of both, (B,2C,H,W)."""
        return torch.cat([first - self.conv_u(u), second - self.conv_v(v)], dim=1)

    def _decode(self, u: Tensor, v: Tensor, z: Tensor) -> Tensor:
        """The fused image from the codes (B,64,H,W) of each source alone, u and v, and of what they share, z."""
        decoder = self.decoder
        image: Tensor = decoder["conv_1"](u) + decoder["conv_2"](z) + decoder["conv_3"](v)
        return image


class Analysis(nn.Module):
    """A convolution of 9x9 to 64 channels with zeros around the image: (B,C,H,W) to (B,64,H,W).

    Nine shifted copies of the image take the place of the rows of the kernel. The products are the same; with few
    channels, processors run long kernels of one row several times faster, backwards above all.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = _kernel(WIDTH, channels)

    def forward(self, image: Tensor) -> Tensor:
        """Filter a batch."""
        shifted = unfold(image, (SIZE, 1), padding=(SIZE // 2, 0)).reshape(len(image), -1, *image.shape[2:])
        return conv2d(shifted, self.weight.flatten(1, 2)[:, :, None], padding=(0, SIZE // 2))


class Synthesis(nn.Module):
    """A convolution of 9x9 from 64 channels with zeros around the image: (B,64,H,W) to (B,C,H,W).

    Row by row as `Analysis`: the responses to each row of the kernel are shifted and added.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = _kernel(channels, WIDTH)

    def forward(self, codes: Tensor) -> Tensor:
        """Filter a batch."""
        rows = self.weight.flip(2).transpose(1, 2).flatten(0, 1)[:, :, None]
        responses = conv2d(codes, rows, padding=(0, SIZE // 2)).float()
        return fold(responses.flatten(2), codes.shape[2:], (SIZE, 1), padding=(SIZE // 2, 0))


class SparseCoding(nn.Module):
    """A block of learned convolutional sparse coding: an image (B,C,H,W) to its codes (B,64,H,W).

    Unrolled iterative soft thresholding (Gregor, LeCun 2010; Sreter, Giryes 2018): the codes of what the last ones
    leave unexplained are added, and small ones set to zero. Each step has filters and a threshold of its own.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer_in = Analysis(channels)
        self.lam_in = nn.Parameter(torch.tensor([THRESHOLD]))
        for step in range(STEPS):
            self.add_module(f"down_conv_{step}", Synthesis(channels))
            self.add_module(f"up_conv_{step}", Analysis(channels))
            self.register_parameter(f"lam_{step}", nn.Parameter(torch.tensor([THRESHOLD])))

    def forward(self, image: Tensor) -> Tensor:
        """Encode a batch."""
        return self.iterates(image)[-1]

    def iterates(self, image: Tensor) -> list[Tensor]:
        """The codes after the first thresholding and after each step."""
        start = self.layer_in(image)
        found = [_threshold(start, self.lam_in)]
        for step in range(STEPS):
            analysis, synthesis = (self.get_submodule(f"{name}_conv_{step}") for name in ("up", "down"))
            codes = found[-1] - analysis(synthesis(found[-1])) + start
            found.append(_threshold(codes, self.get_parameter(f"lam_{step}")))
        return found


def _kernel(outputs: int, inputs: int) -> nn.Parameter:
    """Filters that start as the authors' do."""
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(outputs, inputs, SIZE, SIZE)))


def _threshold(codes: Tensor, threshold: Tensor) -> Tensor:
    """Soft thresholding; trained thresholds may be slightly negative and are taken as they are."""
    return codes.detach().sign() * (codes.abs() - threshold.to(codes.dtype)).clamp(min=0)
