"""What a plug-in imports: the contracts of methods, data sets and metrics, at one place that does not move."""

from uaabench.core.interface import (
    Checkpoint,
    DatasetCard,
    FusionDataset,
    FusionMethod,
    LabelClass,
    LuminanceMethod,
    Measure,
    MethodCard,
    Metric,
    Pair,
    Sources,
    luminance,
)

__all__ = [
    "Checkpoint",
    "DatasetCard",
    "FusionDataset",
    "FusionMethod",
    "LabelClass",
    "LuminanceMethod",
    "Measure",
    "MethodCard",
    "Metric",
    "Pair",
    "Sources",
    "luminance",
]
