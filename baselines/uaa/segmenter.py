"""Segmenters that can sit inside UAAFusion: (B,1,H,W) in [0,1] to sigmoid scores (B,C,H,W).

Any module with that signature will do.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from uaabench.baselines.uaa.mobilenet import MobileNetSegmenter
from uaabench.baselines.uaa.road import RoadSegmenter
from uaabench.baselines.uaa.small import SmallSegmenter
from uaabench.core.errors import unknown_name

SEGMENTERS: dict[str, Callable[[int], nn.Module]] = {
    "mobilenetv2": MobileNetSegmenter,
    "road": RoadSegmenter,
    "small": SmallSegmenter,
}
"""Constructors by the name used in `UAAConfig.segmenter`; each takes the number of classes."""


def is_built_in(name: str) -> bool:
    """Whether a segmenter comes with the package, so that its name alone runs no code of others."""
    from uaabench.judges.segmentation.segmenters import CONFIGS

    return name in SEGMENTERS or name in CONFIGS


def build_segmenter(name: str, classes: int) -> nn.Module:
    """Build an untrained segmenter.

    Args:
        name: One of `SEGMENTERS`, a segmenter configuration of uaabench such as `segformer-b0`, or the path of a
            configuration file of mmsegmentation.
        classes: Number of classes.

    Raises:
        UsageError: There is no such segmenter.
    """
    if name in SEGMENTERS:
        return SEGMENTERS[name](classes)
    from uaabench.baselines.uaa.mmseg_segmenter import MMSegSegmenter
    from uaabench.judges.segmentation.segmenters import CONFIGS

    if not is_built_in(name) and not name.endswith(".py"):
        raise unknown_name("segmenter", name, [*SEGMENTERS, *CONFIGS])
    return MMSegSegmenter(name, classes)
