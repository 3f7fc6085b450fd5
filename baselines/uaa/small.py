"""A segmenter for CPUs."""

from __future__ import annotations

from torch import Tensor, nn

from uaabench.baselines.uaa.coarse import CoarseSegmenter
from uaabench.baselines.uaa.layers import run


class SmallSegmenter(CoarseSegmenter):
    """A segmenter for CPUs: separable convolutions at output stride 8 with growing dilation.

    Args:
        classes: Number of classes.
        width: Number of channels at stride 8.
    """

    DILATIONS = (1, 2, 4, 8, 1)

    def __init__(self, classes: int, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, width // 4, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(),
            separable(width // 4, width // 2, stride=2),
            separable(width // 2, width, stride=2),
        )
        self.context = nn.ModuleList(separable(width, width, dilation=dilation) for dilation in self.DILATIONS)
        self.classify = nn.Conv2d(width, classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at stride 8; see `CoarseSegmenter.logits`."""
        features = run(image, self.stem)
        for block in self.context:
            features = features + run(features, block)
        logits: Tensor = self.classify(features)
        return logits


def separable(channels_in: int, channels_out: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Depthwise 3x3, then pointwise convolution, each with a batch norm; one ReLU at the end."""
    depthwise = nn.Conv2d(
        channels_in, channels_in, 3, stride, padding=dilation, dilation=dilation, groups=channels_in, bias=False
    )
    pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    return nn.Sequential(
        depthwise, nn.BatchNorm2d(channels_in), pointwise, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
    )
