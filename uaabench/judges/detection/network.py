"""The network of the detectors that are trained here: torchvision's FCOS on a backbone of under a million parameters.

Head, loss, decoding and suppression are torchvision's; the paper is Tian et al., FCOS: Fully convolutional one-stage
object detection, ICCV 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.models.resnet import BasicBlock
from torchvision.ops import FeaturePyramidNetwork

NAME = "fcos-small"
# A box below this confidence is no detection; of two of one class that overlap more, the less confident goes.
SCORE, IOU = 0.05, 0.5
_STEM = 24
_WIDTHS = (32, 64, 96, 96)
_STRIDES = (8, 16, 32)
_FEATURES = 64
# Values of the three channels, which may be colours or grey, at 0 and 1 lie at -2 and 2.
_MEAN, _STD = [0.5] * 3, [0.25] * 3


class Backbone(nn.Module):
    """Residual blocks of torchvision with group normalisation, which is the same in training and in use, and a pyramid.

    Attributes:
        out_channels: Channels of every level, as torchvision's detectors ask for.
    """

    def __init__(self) -> None:
        super().__init__()
        norm = partial(nn.GroupNorm, 8)
        self.stem = nn.Sequential(nn.Conv2d(3, _STEM, 3, 2, 1, bias=False), norm(_STEM), nn.ReLU())
        self.stages = nn.ModuleList(_stage(*widths, norm) for widths in pairwise((_STEM, *_WIDTHS)))
        self.pyramid = FeaturePyramidNetwork(list(_WIDTHS[1:]), _FEATURES)
        self.out_channels = _FEATURES

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B,3,H,W) to features of the strides 8, 16 and 32, (B,64,H/stride,W/stride) each."""
        found, levels = self.stem(images), []
        for stage in self.stages:
            found = stage(found)
            levels.append(found)
        named = zip(map(str, _STRIDES), levels[1:], strict=True)
        features: OrderedDict[str, Tensor] = self.pyramid(OrderedDict(named))
        return features


def _stage(before: int, after: int, norm: partial[nn.GroupNorm]) -> nn.Module:
    """One block that halves height and width."""
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, 2, bias=False), norm(after))
    block: nn.Module = BasicBlock(before, after, stride=2, downsample=shortcut, norm_layer=norm)
    return block


class AsItIs(GeneralizedRCNNTransform):  # type: ignore[misc,unused-ignore]
    """What torchvision does with images, without the change of size, which it can leave out in training alone."""

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Keep an image and its boxes."""
        return image, target


def build(classes: int) -> nn.Module:
    """An untrained detector of so many classes for images of any size, which are not resized."""
    detector: nn.Module = FCOS(
        Backbone(),
        num_classes=classes,
        anchor_generator=AnchorGenerator(tuple((stride,) for stride in _STRIDES), ((1.0,),) * len(_STRIDES)),
        score_thresh=SCORE,
        nms_thresh=IOU,
    )
    detector.transform = AsItIs(0, 0, _MEAN, _STD)
    return detector
