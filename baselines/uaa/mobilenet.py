"""The segmenter of the authors' release, and how it attributes each class on the region of that class only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from uaabench.baselines.uaa.coarse import CoarseSegmenter
from uaabench.baselines.uaa.layers import fold, run
from uaabench.baselines.uaa.regional import Support, pull_back
from uaabench.baselines.uaa.upsampled import convolve_upsampled, interpolation, pull_back_upsampled

HIGH = 320
"""Channels of the high-level features; they come first in the decoder's input."""


class MobileNetSegmenter(CoarseSegmenter):
    """MobileNetV2 of output stride 16 under a DeepLabV3+ style decoder.

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
            *(nn.Conv2d(HIGH + 48, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.Dropout(0.1)),
        )
        self.cls_conv = nn.Conv2d(256, classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at stride 4; see `CoarseSegmenter.logits`."""
        low, high = self._features(image)
        joint = self._join(high, run(low, self.shortcut_conv))
        logits: Tensor = self.cls_conv(run(joint, self.cat_conv[4:]))
        return logits

    def region_slopes(self, points: Tensor, labels: Tensor, classes: int) -> Tensor:
        """See `attribution.region_slopes`; the backward passes through the decoder are confined to the regions."""
        slopes = points.new_zeros(len(points), classes)
        inputs = points.detach().requires_grad_()
        features = self._features(inputs)
        decoder = _Decoder.of(self, *features)
        for index in torch.unique(labels).tolist():
            share = (labels == index).to(points.dtype) / (labels == index).sum()
            gradients = [gradient.to(inputs.dtype) for gradient in decoder.pull_back(index, share)]
            (gradient,) = torch.autograd.grad(features, inputs, gradients, retain_graph=True)
            slopes[:, index] = ((gradient * points)[:, 0] * share).sum((1, 2))
        return slopes

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Low-level features (B,24,h,w) at stride 4, and high-level ones (B,320,h/4,w/4).

        They ignore autocast: depthwise convolutions gain nothing from bfloat16 on a CPU, and attributions lose by it.
        """
        features = self.feature_extractor.features
        assert isinstance(features, nn.Sequential)
        with torch.autocast(image.device.type, enabled=False):
            low = run_blocks(image, features[:4])
            return low, run_blocks(low, features[4:])

    def _join(self, high: Tensor, shortcut: Tensor) -> Tensor:
        """The decoder's first convolution and what follows up to its dropout, on upsampled high and low features."""
        convolution, norm = self.cat_conv[0], self.cat_conv[1]
        assert isinstance(convolution, nn.Conv2d)
        frozen = not norm.training
        weight, bias = fold(convolution, norm) if frozen else (convolution.weight, convolution.bias)
        size = (shortcut.shape[-2], shortcut.shape[-1])
        joint = convolve_upsampled(high, weight[:, :HIGH], size)
        joint = joint + functional.conv2d(shortcut, weight[:, HIGH:], bias, padding=1)
        return run(joint, self.cat_conv[2 if frozen else 1 : 4])


@dataclass(frozen=True, slots=True)
class _Decoder:
    """The decoder at P images: what its transpose needs.

    Attributes:
        network: The segmenter, in eval mode.
        weights: Folded weights of the shortcut, of both 3x3 convolutions, and of the classifier.
        logits: (P,C,h,w).
        active: Where the ReLU after each of the first three lets through, (P,h,w,c).
        coarse: Height and width of the high-level features.
    """

    network: MobileNetSegmenter
    weights: list[Tensor]
    logits: Tensor
    active: list[Tensor]
    coarse: tuple[int, int]

    @classmethod
    @torch.no_grad()
    def of(cls, network: MobileNetSegmenter, low: Tensor, high: Tensor) -> _Decoder:
        """Run the decoder on low-level and high-level features."""
        shortcut = run(low, network.shortcut_conv)
        first = network._join(high, shortcut)
        second = run(first, network.cat_conv[4:])
        active = [(features > 0).permute(0, 2, 3, 1) for features in (shortcut, first, second)]
        layers = (network.shortcut_conv, network.cat_conv[:2], network.cat_conv[4:6])
        weights = [fold(layer[0], layer[1])[0] for layer in layers] + [network.cls_conv.weight]
        return cls(network, weights, network.cls_conv(second), active, (high.shape[-2], high.shape[-1]))

    @torch.no_grad()
    def pull_back(self, index: int, share: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of a class's score, averaged by `share` (H,W), with respect to low- and high-level features."""
        shortcut, first, second, classify = self.weights
        on_shortcut, on_first, on_second = self.active
        gradient, support = self._on_logits(index, share)
        gradient = gradient * classify[index, :, 0, 0] * support.gather(on_second)
        gradient, support = pull_back(gradient, support, second)
        gradient = gradient * support.gather(on_first)
        high = pull_back_upsampled(support.scatter(gradient), first[:, :HIGH], self.coarse, support.window())
        gradient, support = pull_back(gradient, support, first[:, HIGH:])
        gradient = gradient * support.gather(on_shortcut)
        low = support.scatter(gradient @ shortcut[:, :, 0, 0]).permute(0, 3, 1, 2)
        return low, high

    def _on_logits(self, index: int, share: Tensor) -> tuple[Tensor, Support]:
        """Gradient of the averaged score with respect to the coarse logits of its class: (P,n,1) and where that is."""
        height, width = share.shape
        rows = interpolation(self.logits.shape[-2], height, share.dtype, share.device)
        columns = interpolation(self.logits.shape[-1], width, share.dtype, share.device)
        score = self.network.upsample(self.logits[:, index : index + 1], (height, width))[:, 0]
        gradient = rows.T @ (score * (1 - score) * share) @ columns
        support = Support.of(rows.T @ share @ columns > 0)
        return support.gather(gradient[..., None]), support


def run_blocks(x: Tensor, blocks: nn.Sequential) -> Tensor:
    """Apply the stem and inverted residual blocks of MobileNetV2."""
    for block in blocks:
        if isinstance(block, nn.Sequential):
            x = run(x, block)
        else:
            convolutions = block.conv
            assert isinstance(convolutions, nn.Sequential)
            y = run(x, convolutions)
            x = x + y if block.use_res_connect else y
    return x


def _dilated_mobilenet() -> nn.Sequential:
    """Features 0 to 17 of MobileNetV2 for one input channel, dilated from block 14 on so that the stride stays 16."""
    features = flat_mobilenet()
    for block in features[14:]:
        _dilate(block)
    return features


def flat_mobilenet() -> nn.Sequential:
    """Features 0 to 17 of MobileNetV2 for one input channel, untrained; `run_blocks` applies them."""
    features = mobilenet_v2(weights=None).features[:-1]
    features[0][0] = nn.Conv2d(1, 32, 3, stride=2, padding=1, bias=False)
    for block in features[1:]:
        # torchvision nests convolution, norm and activation; the release names them in one flat sequence.
        nested = [layer if isinstance(layer, nn.Sequential) else [layer] for layer in block.conv]
        block.conv = nn.Sequential(*(layer for group in nested for layer in group))
    return nn.Sequential(*features)


def _dilate(block: nn.Module) -> None:
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            spread = 1 if layer.stride == (2, 2) else 2
            layer.stride, layer.dilation, layer.padding = (1, 1), (spread, spread), (spread, spread)
