"""Segmenters that can sit inside UAAFusion: (B,1,H,W) in [0,1] to sigmoid scores (B,C,H,W).

Any module with that signature will do; these two are the authors' and one that is quick on a CPU.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2


class CoarseSegmenter(nn.Module, ABC):
    """A segmenter that decides at a coarse resolution and upsamples its logits bilinearly.

    Saying so lets the attribution upsample one class at a time, which saves most of its work.
    """

    align_corners = False

    @abstractmethod
    def logits(self, image: Tensor) -> Tensor:
        """Coarse logits of grey images: (B,1,H,W) to (B,C,h,w)."""

    def upsample(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Scores in (0,1) at a size from coarse logits of any number of classes: (B,c,h,w) to (B,c,*size)."""
        fine = functional.interpolate(logits, size, mode="bilinear", align_corners=self.align_corners)
        return torch.sigmoid(fine)

    def forward(self, image: Tensor) -> Tensor:
        """Score the classes of grey images: (B,1,H,W) to (B,C,H,W) in (0,1)."""
        return self.upsample(self.logits(image), (image.shape[-2], image.shape[-1]))


class MobileNetSegmenter(CoarseSegmenter):
    """The segmenter of the authors' release: MobileNetV2 of output stride 16 under a DeepLabV3+ style decoder.

    State-dict keys are those of the release. 3,255,519 parameters for 15 classes.

    Args:
        classes: Number of classes.
    """

    align_corners = True

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.feature_extractor = nn.Module()
        self.feature_extractor.features = _dilated_mobilenet()
        self.shortcut_conv = nn.Sequential(nn.Conv2d(24, 48, 1), nn.BatchNorm2d(48), nn.ReLU())
        self.cat_conv = nn.Sequential(
            *(nn.Conv2d(320 + 48, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.Dropout(0.1)),
        )
        self.cls_conv = nn.Conv2d(256, classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at stride 4; see `CoarseSegmenter.logits`."""
        features = self.feature_extractor.features
        assert isinstance(features, nn.Sequential)
        low = features[:4](image)
        high = functional.interpolate(features[4:](low), low.shape[-2:], mode="bilinear", align_corners=True)
        joint = self.cat_conv(torch.cat([high, self.shortcut_conv(low)], 1))
        logits: Tensor = self.cls_conv(joint)
        return logits


def _dilated_mobilenet() -> nn.Sequential:
    """Features 0 to 17 of MobileNetV2 for one input channel, dilated from block 14 on so that the stride stays 16."""
    features = mobilenet_v2(weights=None).features[:-1]
    features[0][0] = nn.Conv2d(1, 32, 3, stride=2, padding=1, bias=False)
    for index, block in enumerate(features[1:], start=1):
        # torchvision nests convolution, norm and activation; the release names them in one flat sequence.
        nested = [layer if isinstance(layer, nn.Sequential) else [layer] for layer in block.conv]
        block.conv = nn.Sequential(*(layer for group in nested for layer in group))
        if index >= 14:
            _dilate(block)
    return nn.Sequential(*features)


def _dilate(block: nn.Module) -> None:
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            spread = 1 if layer.stride == (2, 2) else 2
            layer.stride, layer.dilation, layer.padding = (1, 1), (spread, spread), (spread, spread)


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
            _separable(width // 4, width // 2, stride=2),
            _separable(width // 2, width, stride=2),
        )
        self.context = nn.ModuleList(_separable(width, width, dilation=dilation) for dilation in self.DILATIONS)
        self.classify = nn.Conv2d(width, classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at stride 8; see `CoarseSegmenter.logits`."""
        features = self.stem(image)
        for block in self.context:
            features = features + block(features)
        logits: Tensor = self.classify(features)
        return logits


def _separable(channels_in: int, channels_out: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Depthwise 3x3, then pointwise convolution, each with a batch norm; one ReLU at the end."""
    depthwise = nn.Conv2d(
        channels_in, channels_in, 3, stride, padding=dilation, dilation=dilation, groups=channels_in, bias=False
    )
    pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    return nn.Sequential(
        depthwise, nn.BatchNorm2d(channels_in), pointwise, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
    )


SEGMENTERS: dict[str, Callable[[int], nn.Module]] = {"mobilenetv2": MobileNetSegmenter, "small": SmallSegmenter}
"""Constructors by the name used in `UAAConfig.segmenter`; each takes the number of classes."""
