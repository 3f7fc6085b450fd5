"""Segmenters that can sit inside UAAFusion: (B,1,H,W) in [0,1] to sigmoid scores (B,C,H,W).

Any module with that signature will do.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from uaabench.baselines.uaa.mobilenet import MobileNetSegmenter
from uaabench.baselines.uaa.small import SmallSegmenter

SEGMENTERS: dict[str, Callable[[int], nn.Module]] = {"mobilenetv2": MobileNetSegmenter, "small": SmallSegmenter}
"""Constructors by the name used in `UAAConfig.segmenter`; each takes the number of classes."""
