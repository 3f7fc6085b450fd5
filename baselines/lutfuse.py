"""LUT-Fuse: a look-up table of four dimensions that was taught by a network (Yi et al., ICCV 2025)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from uaabench.baselines.network import ScriptMethod, State
from uaabench.baselines.scripts import truncated
from uaabench.core.interface import MethodCard, luminance

# Entries along each dimension of the table, and channels of the network for one of its places.
ENTRIES, WIDTH = 16, 16
SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


class LUTFuse(ScriptMethod):
    """The table, and the colours and the truncation of the authors' script.

    The script scales sources to multiples of 16 rows and columns first, and saves an image of that size; here each pair
    keeps its own size, which is the same for what has such a size.
    """

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Take the array that the authors saved on its own, with one more dimension of one entry, as the table."""
        array = state.pop("array", None)
        return state if array is None else state | {"table": array.squeeze(-1)}

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the luminance and take the visible chroma; see `FusionMethod.fuse`."""
        y = self._network(ir, vi)
        red, green, blue = vi[:, :1], vi[:, 1:2], vi[:, 2:3]
        cb = 0.5 * blue - 0.168736 * red - 0.331264 * green
        cr = 0.5 * red - 0.418688 * green - 0.081312 * blue
        return truncated(torch.cat([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], dim=1))


def interpolated(table: Tensor, places: Sequence[Tensor]) -> Tensor:
    """Linear interpolation between the entries of a table of as many dimensions as there are places.

    Args:
        table: (N,...,N).
        places: For each dimension a place in [0,N) for each pixel, all of one shape; the last entry goes on to N.

    Returns:
        The values, in the shape of a place.
    """
    low = [place.long() for place in places]
    high = [(place + 1).clamp(max=size - 1) for place, size in zip(low, table.shape, strict=True)]
    shares = [place - place.floor() for place in places]

    def between(corner: tuple[Tensor, ...]) -> Tensor:
        dimension = len(corner)
        if dimension == len(places):
            return table[corner]
        share = shares[dimension]
        return between((*corner, low[dimension])) * (1 - share) + between((*corner, high[dimension])) * share

    return between(())


def slope(y: Tensor) -> Tensor:
    """Sobel magnitude of a luminance (B,1,H,W), each image from its own minimum and maximum to [0,1]."""
    across = y.new_tensor(SOBEL)
    kernels = torch.stack([across, across.T])[:, None]
    found = conv2d(y, kernels, padding=1).square().sum(dim=1, keepdim=True).sqrt()
    least, most = found.amin((2, 3), keepdim=True), found.amax((2, 3), keepdim=True)
    return (found - least) / (most - least + 1e-8)


def _layer(inputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, WIDTH, 3, padding=1), nn.LeakyReLU(0.2), nn.InstanceNorm2d(WIDTH, affine=True)]


class Network(nn.Module):
    """Infrared (B,1,H,W) and visible (B,3,H,W) in [0,1] to the fused luminance (B,1,H,W), about [0,1]."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros((ENTRIES,) * 4))
        self.input_layer = nn.Sequential(*_layer(4))
        self.mid_layer = nn.Sequential(*_layer(WIDTH), *_layer(WIDTH), *_layer(WIDTH))
        self.output_layer = nn.Sequential(nn.Dropout(), nn.Conv2d(WIDTH, 1, 3, padding=1), nn.Sigmoid())

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Look up luminance, its slope, what the network makes of the surroundings, and infrared."""
        features = self.input_layer(torch.cat([vi, ir], dim=1) * 255)
        context = self.output_layer(self.mid_layer(features) + features)
        y = luminance(vi)
        places = [axis * 255 / ENTRIES for axis in (y, slope(y), context, ir)]
        return interpolated(self.table, places)
