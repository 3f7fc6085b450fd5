"""What a plug-in imports: the contracts of methods, data sets and metrics, at one place that does not move."""

from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.columns import Measure, Metric, Summed
from uaabench.core.interface import (
    Checkpoint,
    DatasetCard,
    FusionDataset,
    FusionMethod,
    LabelClass,
    LuminanceMethod,
    MethodCard,
    Pair,
    Sources,
    luminance,
)

__all__ = [
    "ByteImage",
    "Checkpoint",
    "DatasetCard",
    "FloatImage",
    "FusionDataset",
    "FusionMethod",
    "LabelClass",
    "LuminanceMethod",
    "Measure",
    "MethodCard",
    "Metric",
    "Pair",
    "Sources",
    "Summed",
    "luminance",
]
