"""A segmenter of real roads: the front of an ImageNet MobileNetV2 under a light decoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.coarse import CoarseSegmenter
from uaabench.baselines.uaa.layers import run
from uaabench.baselines.uaa.mobilenet import flat_mobilenet, run_blocks
from uaabench.baselines.uaa.small import separable

CLASSES = ("rest", "car", "person", "bike")
"""What it tells apart: the first four classes of MSRS, in their order; everything else is the rest."""

DEEP = 14
"""How many parts of MobileNetV2 are kept, stem included: up to the last one of stride 16 with 96 channels."""


class RoadSegmenter(CoarseSegmenter):
    """MobileNetV2 cut off at stride 16, and a decoder that adds its features of stride 8 and 4.

    572,036 parameters for four classes.

    Args:
        classes: Number of classes.
        width: Number of channels of the decoder.
    """

    MEAN, STD = 0.449, 0.226
    """Of grey ImageNet images in [0,1]: the means of those of the three colours."""

    def __init__(self, classes: int = len(CLASSES), width: int = 64) -> None:
        super().__init__()
        self.features = flat_mobilenet()[:DEEP]
        self.deep = nn.Sequential(nn.Conv2d(96, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.context = nn.ModuleList(separable(width, width, dilation=dilation) for dilation in (2, 4))
        self.middle = nn.Sequential(nn.Conv2d(32, width, 1, bias=False), nn.BatchNorm2d(width))
        self.fine = nn.Sequential(nn.Conv2d(24, width, 1, bias=False), nn.BatchNorm2d(width))
        self.join_middle = separable(width, width)
        self.join_fine = separable(width, width)
        self.classify = nn.Conv2d(width, classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at stride 4; see `CoarseSegmenter.logits`."""
        fine = run_blocks((image - self.MEAN) / self.STD, self.features[:4])
        middle = run_blocks(fine, self.features[4:7])
        x = run(run_blocks(middle, self.features[7:]), self.deep)
        for block in self.context:
            x = x + run(x, block)
        x = run(_grow(x, middle) + run(middle, self.middle), self.join_middle)
        x = run(_grow(x, fine) + run(fine, self.fine), self.join_fine)
        logits: Tensor = self.classify(x)
        return logits


def _grow(x: Tensor, like: Tensor) -> Tensor:
    """Upsample features to the height and width of others."""
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
