"""Any network of mmsegmentation as a segmenter inside UAAFusion."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from uaabench.baselines.uaa.coarse import CoarseSegmenter
from uaabench.judges.segmentation import segmenters


class MMSegSegmenter(CoarseSegmenter):
    """A network of mmsegmentation, untrained, that scores grey images by the sigmoid of its logits.

    Args:
        network: Name of a segmenter configuration of uaabench, or the path of a configuration file.
        classes: Number of classes.

    Raises:
        UsageError: There is no such configuration, or it does not describe a segmenter.
    """

    def __init__(self, network: str, classes: int) -> None:
        super().__init__()
        self.network = segmenters.build(segmenters.config_file(network), classes)
        self.align_corners = bool(cast("Any", self.network).align_corners)

    def logits(self, image: Tensor) -> Tensor:
        """Logits at the network's own resolution; see `CoarseSegmenter.logits`."""
        logits: Tensor = self.network(self._normalised(image), mode="tensor")
        return logits

    def _normalised(self, image: Tensor) -> Tensor:
        """Grey in [0,1] as the RGB that the network's preprocessor makes of 0..255, but differentiable."""
        preprocessor = cast("Any", self.network).data_preprocessor
        rgb = 255 * image.expand(-1, 3, -1, -1)
        mean, std = (getattr(preprocessor, name, None) for name in ("mean", "std"))
        if not isinstance(mean, torch.Tensor) or not isinstance(std, torch.Tensor):
            return rgb
        return (rgb - mean.to(rgb)) / std.to(rgb)
