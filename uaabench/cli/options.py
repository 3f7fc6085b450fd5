"""Options that several verbs share, and the small helpers around them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--methods", "-m", help="Comma list of `name`, `name@checkpoint`, `name@file`, `label=folder/`, or a glob."
    ),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--datasets",
        "-d",
        help="Comma list of `name`, `name:split`, `label=folder/`. Default: all found in the data root, else `demo`.",
    ),
]
Metrics = Annotated[
    list[str] | None, typer.Option("--metrics", help="Comma list, or `all`. Default: the profile's headline.")
]
ProfileName = Annotated[str | None, typer.Option("--profile", help="Convention of the metrics. Default: `cddfuse`.")]
SegmenterName = Annotated[
    str | None,
    typer.Option(
        "--segmenter",
        help="What judges fused images by mIoU: `auto`, `none`, a trained `.safetensors`, `CONFIG@CHECKPOINT`, where "
        "`CONFIG.py` is code that runs, or a folder made by `train judges` with those of each method. "
        "Default: `auto`, the shipped one of each data set that has one.",
    ),
]
ProtocolName = Annotated[
    str | None, typer.Option("--protocol", help="Convention of mIoU, for example `msrs-9`. Default: the data set's.")
]
ScoreAgainst = Annotated[
    str | None,
    typer.Option(
        "--score-against",
        help="What fused images of degraded input are scored against: `clean` or `degraded` sources. Default: `clean`.",
    ),
]
DetectorName = Annotated[
    str | None,
    typer.Option(
        "--detector",
        help="What judges fused images by AP: `auto`, `none`, a name or file (docs/detectors.md), or a folder with "
        "those of each method. Default: `auto`, the shipped one of each data set that has one.",
    ),
]
DetectionProtocolName = Annotated[
    str | None,
    typer.Option(
        "--detection-protocol", help="Which boxes and classes count, for example `msrs-det-3`. Default: the data set's."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", help="Folder of the data sets. Default: `$UAABENCH_DATA`, else the user's."),
]
Device = Annotated[str | None, typer.Option("--device", help="`auto`, `cpu`, `cuda` or `cuda:N`. Default: `auto`.")]
JudgePrecision = Annotated[
    str | None,
    typer.Option("--judge-precision", help="`fp32` or `bf16`, of segmenters and detectors. Default: `fp32`."),
]
PairsAtOnce = Annotated[
    str | None,
    typer.Option(
        "--batch",
        help="How many pairs of one size are worked on at once, or `auto`: as many as fit on a GPU, 1 on a processor. "
        "Default: `auto`.",
    ),
]
Plugins = Annotated[
    list[Path] | None, typer.Option("--plugin", help="Python file with further methods, data sets or metrics.")
]
# What the verbs that train segmenters share.
SegmenterNetwork = Annotated[
    str,
    typer.Option(
        "--segmenter", help="Network, see `uaabench list segmenters`, or a configuration file, which is code that runs."
    ),
]
TrainingProtocol = Annotated[str, typer.Option("--protocol", help="Which classes count. Default: the data set's.")]
PairNames = Annotated[Path | None, typer.Option("--names", help="File with the ids to train on, one a line.")]
HeldOut = Annotated[
    int | None, typer.Option("--validate", min=0, help="Pairs held out for validation. Default: a tenth of 20 or more.")
]
Steps = Annotated[int, typer.Option("--steps", min=1, help="Optimiser steps.")]
Batch = Annotated[int, typer.Option("--batch", min=2, help="Crops in a step.")]
Crop = Annotated[int, typer.Option("--crop", min=64, help="Height and width of the crops.")]


def number_or_word(value: str | None) -> int | str | None:
    """A whole number as one, anything else as it is."""
    return int(value) if value is not None and value.isdecimal() else value


def split_commas(values: list[str] | None) -> list[str] | None:
    """Split `a,b` given once and `a` `b` given separately into the same list; None stays None."""
    if values is None:
        return None
    return [part.strip() for value in values for part in value.split(",") if part.strip()]
