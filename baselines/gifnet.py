"""GIFNet: one network for all fusion tasks, taught by the interaction of two of them (Cheng et al., CVPR 2025).

The release fuses infrared and visible images by its branch for multi-focus images, into which the branch for infrared
ones enters once. What it has beyond that never reaches an image, and is left out.
"""

from __future__ import annotations

import re

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from uaabench.baselines.network import ScriptMethod, State
from uaabench.core.interface import MethodCard

# Channels that each shared convolution finds, and all of them with the two sources.
FOUND, WIDTH = 32, 2 + 3 * 32
HEADS, WINDOW = 2, 8
# Sides of what the transformer gets are multiples of this.
MULTIPLE = 4
TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
FROM_YCBCR = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])

TRANSFORMER = "extractor_multask.SwinTransformerSpecific."
# For the training and other tasks; positions that are computed; and of the second block the branch that leads nowhere.
UNUSED = re.compile(
    r"decoder_rec\.|layer1\.weights\.|layer1\.weights_mfif\.1|layer1\.blocks\.\d\.attn\.attn\.relative_positions"
    r"|layer1\.blocks\.1\.(norm1|mlp|attn\.(conv|V|proj|QK))\."
)
# The release has the parts of both branches side by side, those for multi-focus images with `_mfif` behind the name.
ENTRIES = (
    (r"^getSharedFeatures\.conv_(\d)\.conv2d\.", r"shared.\1."),
    (r"^layer1\.blocks\.(\d)\.attn\.attn\.", r"blocks.\1.attention."),
    (r"^layer1\.blocks\.(\d)\.(?:attn\.)?(norm1|conv|V|proj|QK|mlp)_mfif\.(?:mlp\.)?", r"blocks.\1.focus.\2."),
    (r"^layer1\.blocks\.(\d)\.(?:attn\.)?(norm1|conv|V|proj|QK|mlp)\.(?:mlp\.)?", r"blocks.\1.infrared.\2."),
    (r"^layer1\.weights_mfif\.0$", "share"),
    (r"^patch_embed_mfif\.proj\.", "embed.focus."),
    (r"^patch_embed_ivif\.proj\.", "embed.infrared."),
    (r"^patch_unembed\.proj\.0\.", "unembed."),
    (r"^cnnDecoder\.fuseComplementFeatures\.mlp\.", "joined."),
    (r"^cnnDecoder\.decoder\.", "decoder."),
)


class GIFNet(ScriptMethod):
    """The network, and the colours of the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 5

    def __init__(self) -> None:
        super().__init__(Network())

    def adapt(self, state: State) -> State:
        """Leave out what never reaches an image, and sort the rest by branches."""
        entries = {key.removeprefix(TRANSFORMER): value for key, value in state.items()}
        return {_entry(key): value for key, value in entries.items() if not UNUSED.match(key)}

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the truncated luminance and take the visible chroma; see `FusionMethod.fuse`."""
        y, chroma = split_colours(vi)
        colours = torch.cat([self._network(ir, y).double(), chroma], dim=1)
        fused = torch.einsum("ij,bjhw->bihw", torch.from_numpy(FROM_YCBCR).to(vi.device), colours)
        return fused.clamp(0, 1).float()


def _entry(key: str) -> str:
    for pattern, name in ENTRIES:
        key = re.sub(pattern, name, key)
    return key


def split_colours(vi: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance on 8-bit levels and exact chroma, as the authors' script has them.

    The script truncates sums of `numpy.dot` in floating point, which end just below a whole number for 70 of the 256
    levels of grey: those come out a level darker. Only the same sums tell which.

    Args:
        vi: (B,3,H,W) in [0,1].

    Returns:
        Luminance (B,1,H,W) in [0,1] float32, and Cb and Cr (B,2,H,W) about 0, in the same unit, float64.
    """
    levels = (vi * 255).round().byte().movedim(1, -1).cpu().numpy()
    colours = torch.from_numpy(np.dot(levels, TO_YCBCR.T)).movedim(-1, 1).to(vi.device)
    return (colours[:, :1].floor() / 255).float(), colours[:, 1:] / 255


def _reflecting(inputs: int, outputs: int, size: int = 3, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="reflect", groups=groups)


class ImageNorm(nn.Module):
    """Normalises each image by one mean and deviation of all features, and says how to undo that for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, WIDTH, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, WIDTH, 1, 1))
        self.meta1, self.meta2 = nn.Conv2d(1, WIDTH, 1), nn.Conv2d(1, WIDTH, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B,98,H,W) to the same, and to a scale and a shift (B,98,1,1)."""
        variance, mean = torch.var_mean(features, (1, 2, 3), correction=0, keepdim=True)
        deviation = (variance + 1e-5).sqrt()
        return (features - mean) / deviation * self.weight + self.bias, self.meta1(deviation), self.meta2(mean)


class WindowAttention(nn.Module):
    """Attention within windows of 8x8, by content and by a network of the distance between two places.

    Args:
        shift: By how much the windows are shifted, in pixels.
    """

    distances: Tensor

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.meta = nn.Sequential(nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, HEADS))
        places = torch.cartesian_prod(torch.arange(WINDOW), torch.arange(WINDOW))
        distances = places[:, None] - places
        self.register_buffer("distances", distances.sign() * torch.log(1.0 + distances.abs()), persistent=False)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B,98,H,W) three times to the same."""
        height, width = query.shape[2:]
        q, k, v = (self._windows(features) for features in (query, key, value))
        places = self.meta(self.distances).movedim(-1, 0)
        weights = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + places).softmax(dim=-1)
        attended: Tensor = weights @ v
        batch, rows, columns = attended.shape[:3]
        cut = attended.reshape(batch, rows, columns, HEADS, WINDOW, WINDOW, -1).permute(0, 3, 6, 1, 4, 2, 5)
        whole = cut.reshape(batch, WIDTH, rows * WINDOW, columns * WINDOW)
        return whole[..., self.shift : self.shift + height, self.shift : self.shift + width]

    def _windows(self, features: Tensor) -> Tensor:
        """(B,98,H,W), continued by reflection to whole windows, to (B,rows,columns,heads,8*8,49)."""
        after = [-(self.shift + side) % WINDOW for side in features.shape[2:]]
        whole = pad(features, (self.shift, after[1], self.shift, after[0]), mode="reflect")
        rows, columns = (side // WINDOW for side in whole.shape[2:])
        cut = whole.reshape(len(whole), HEADS, -1, rows, WINDOW, columns, WINDOW).permute(0, 3, 5, 1, 4, 6, 2)
        return cut.reshape(len(whole), rows, columns, HEADS, WINDOW**2, -1)


class Branch(nn.Module):
    """The part of a block for one of two tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = ImageNorm()
        self.QK, self.V = nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 1)
        self.conv, self.proj = _reflecting(WIDTH, WIDTH, 5, groups=WIDTH), nn.Conv2d(WIDTH, WIDTH, 1)
        self.mlp = nn.Sequential(nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.ReLU(), nn.Conv2d(2 * WIDTH, WIDTH, 1))

    def forward(
        self, features: Tensor, attention: WindowAttention, given: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features and queries to use in place of their own, (B,98,H,W), to new features and their own queries."""
        normalised, scale, shift = self.norm1(features)
        value = self.V(normalised)
        query, key = self.QK(normalised).chunk(2, dim=1)
        attended = attention(query if given is None else given, key, value)
        features = features + self.proj(self.conv(value) + attended) * scale + shift
        return features + self.mlp(features), query


class Block(nn.Module):
    """Both branches, or the one for multi-focus images alone, with one attention.

    Args:
        shift: By how much the windows are shifted, in pixels.
        both: Whether there is the branch for infrared images; its queries are those of the other.
    """

    def __init__(self, shift: int, *, both: bool) -> None:
        super().__init__()
        self.attention = WindowAttention(shift)
        self.focus = Branch()
        self.infrared = Branch() if both else None

    def forward(self, focus: Tensor, infrared: Tensor) -> tuple[Tensor, Tensor]:
        """(B,98,H,W) twice to the same; infrared features pass as they are where there is no branch for them."""
        focus, queries = self.focus(focus, self.attention)
        if self.infrared is not None:
            infrared, _ = self.infrared(infrared, self.attention, queries)
        return focus, infrared


class Network(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.ModuleDict({str(layer): _reflecting(2 + (layer - 1) * FOUND, FOUND) for layer in (1, 2, 3)})
        self.embed = nn.ModuleDict({branch: _reflecting(WIDTH, WIDTH) for branch in ("infrared", "focus")})
        self.blocks = nn.ModuleList([Block(0, both=True), Block(WINDOW // 2, both=False)])
        self.share = nn.Parameter(torch.zeros(1))
        self.unembed = _reflecting(WIDTH, WIDTH)
        narrow, wide = nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False), nn.Conv2d(WIDTH, 128, 1, bias=False)
        self.joined = nn.Sequential(narrow, nn.ReLU(), wide)
        layers: list[nn.Module] = []
        for inputs, outputs in ((128, 64), (64, 32), (32, 16), (16, 1)):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU() if outputs > 1 else nn.Tanh()]
        self.decoder = nn.Sequential(*layers)

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        shared = torch.cat([ir, y], dim=1)
        for layer in self.shared.values():
            shared = torch.cat([shared, relu(layer(shared))], dim=1)
        fused: Tensor = self.decoder(self.joined(torch.cat([shared, self._transformed(shared)], dim=1)))
        return fused / 2 + 0.5

    def _transformed(self, shared: Tensor) -> Tensor:
        """(B,98,H,W) to the same, by both branches."""
        height, width = shared.shape[2:]
        whole = pad(shared, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
        focus, infrared = self.embed["focus"](whole), self.embed["infrared"](whole)
        first, second = self.blocks
        focus, infrared = first(focus, infrared)
        focus, _ = second(focus + self.share * infrared, infrared)
        found: Tensor = self.unembed(focus)
        return found[..., :height, :width]
