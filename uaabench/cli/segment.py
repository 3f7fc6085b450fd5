"""The verb `segment`: the mIoU of a run, or of label maps predicted elsewhere."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError
from uaabench.core.files import images, replacing

if TYPE_CHECKING:
    from uaabench.judges.segmentation.confusion import Scores
    from uaabench.judges.segmentation.protocols import Protocol


def segment(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run directory.")] = None,
    segmenter: options.SegmenterName = None,
    protocol: options.ProtocolName = None,
    pred: Annotated[Path | None, typer.Option(help="Folder of label maps predicted elsewhere.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of the true label maps, with the same stems.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --pred: print JSON instead of a table.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="With --pred: also write all values to this file.")] = None,
    judge_precision: options.JudgePrecision = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Segment everything anew.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Segment the fused images of a run, or compute the mIoU of label maps predicted elsewhere.

    Examples:
        uaabench segment runs/paper --segmenter runs/fast-scnn/segmenter.safetensors

        uaabench segment --pred predicted/ --labels MSRS/test/Segmentation_labels --protocol msrs-9 --csv miou.csv
    """
    if run is not None:
        if pred or labels or as_json or csv:
            raise UsageError(
                f"--pred, --labels, --json and --csv are for label maps predicted elsewhere; the mIoU of {run} stands "
                "in its report."
            )
        given = {"segmenter": segmenter, "protocol": protocol, "judge_precision": judge_precision, "plugins": plugin}
        _segment_run(run, given, fresh=fresh)
        return
    if pred is None or labels is None or protocol is None:
        raise UsageError("Name a run directory, or: uaabench segment --pred DIR --labels DIR --protocol msrs-9")
    judged = _judge(pred, labels, protocol)
    if as_json:
        typer.echo(json.dumps(_as_dict(judged), indent=2))
    else:
        _print(judged)
    if csv is not None:
        _write_csv(judged, csv)


def _segment_run(run: Path, given: dict[str, Any], *, fresh: bool) -> None:
    from uaabench.cli.running import execute
    from uaabench.running import manifest
    from uaabench.running.config import build

    chosen = {key: value for key, value in given.items() if value is not None}
    execute(build(manifest.read_config(run).model_dump() | chosen), run, stages=("segment",), fresh=fresh)


@dataclass(frozen=True)
class _Judged:
    """Label maps of a folder against the true ones: what they come to, and how many of the true ones were predicted."""

    protocol: Protocol
    scores: Scores
    low: float
    high: float
    predicted: int
    there: int

    @property
    def overall(self) -> dict[str, float]:
        """The measures over all classes by name."""
        return {
            "mIoU": self.scores.mean_iou,
            "mIoU_low": self.low,
            "mIoU_high": self.high,
            "mAcc": self.scores.mean_accuracy,
            "aAcc": self.scores.pixel_accuracy,
            "mIoU_with_absent_classes": self.scores.mean_iou_all,
        }


def _judge(pred: Path, labels: Path, protocol: str) -> _Judged:
    import numpy as np

    from uaabench.judges.segmentation import protocols
    from uaabench.judges.segmentation.confusion import MEAN_IOU, scores
    from uaabench.judges.segmentation.folders import read_matrices
    from uaabench.statistics.resampling import Tallies, estimate

    convention = protocols.protocol(protocol)
    matrices = np.stack(read_matrices(pred, labels, convention))
    names = tuple(map(str, range(len(matrices))))
    found = estimate(MEAN_IOU, Tallies("", {"counts_zero": convention.counts_zero}, names, (tuple(matrices),)))
    of_all = scores(matrices.sum(axis=0), convention)
    return _Judged(convention, of_all, found.low, found.high, len(matrices), len(images(labels)))


def _print(judged: _Judged) -> None:
    from rich.console import Console
    from rich.text import Text

    from uaabench.reporting.fitting import Column, print_columns

    values = {"IoU": judged.scores.iou, "accuracy": judged.scores.accuracy}
    names = Column("class", [Text(name) for name in judged.protocol.counted], "left")
    columns = [Column(head, [Text(_text(value)) for value in column]) for head, column in values.items()]
    title = f"{judged.protocol.name}, {judged.predicted} of {judged.there} label maps"
    print_columns(title, [names], columns, Console(highlight=False))
    shown = {name: _text(value) for name, value in judged.overall.items()}
    typer.echo(
        f"mIoU {shown['mIoU']} [{shown['mIoU_low']}, {shown['mIoU_high']}]  mAcc {shown['mAcc']}  "
        f"aAcc {shown['aAcc']}  mIoU with absent classes {shown['mIoU_with_absent_classes']}"
    )


def _as_dict(judged: _Judged) -> dict[str, Any]:
    """The result as JSON values at full precision; null stands for a number that does not exist."""
    rows = zip(judged.protocol.counted, judged.scores.iou, judged.scores.accuracy, strict=True)
    return {
        "protocol": judged.protocol.name,
        "label_maps": {"predicted": judged.predicted, "there": judged.there},
        **{name: _number(value) for name, value in judged.overall.items()},
        "classes": {name: {"IoU": _number(iou), "accuracy": _number(recall)} for name, iou, recall in rows},
    }


def _write_csv(judged: _Judged, path: Path) -> None:
    """A line for each measure, those of a class last; empty for a number that does not exist."""
    import pandas as pd

    content = _as_dict(judged)
    rows = [(content["protocol"], "", name, content[name]) for name in judged.overall]
    rows += [
        (content["protocol"], label, name, value)
        for label, measures in content["classes"].items()
        for name, value in measures.items()
    ]
    with replacing(path) as aside:
        pd.DataFrame(rows, columns=["protocol", "class", "measure", "value"]).to_csv(aside, index=False)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _text(value: float) -> str:
    from uaabench.core.grid import number

    return number(_number(value))
