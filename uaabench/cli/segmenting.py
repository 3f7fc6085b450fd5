"""The verb `segment`: the mIoU of a run, or of label maps predicted elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uaabench.cli import options


def segment(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run directory.")] = None,
    segmenter: options.SegmenterName = None,
    protocol: options.ProtocolName = None,
    pred: Annotated[Path | None, typer.Option(help="Folder of label maps predicted elsewhere.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of the true label maps, with the same stems.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Segment everything anew.")] = False,
) -> None:
    """Segment the fused images of a run, or compute the mIoU of label maps predicted elsewhere.

    Examples:
        uaabench segment runs/paper --segmenter runs/fast-scnn/segmenter.safetensors

        uaabench segment --pred predicted/ --labels MSRS/test/Segmentation_labels --protocol msrs-9
    """
    from uaabench.core.errors import UsageError

    if run is not None:
        from uaabench.cli.running import execute
        from uaabench.running import manifest
        from uaabench.running.config import build

        given = {"segmenter": segmenter, "protocol": protocol}
        config = manifest.read_config(run).model_dump()
        execute(
            build(config | {key: value for key, value in given.items() if value is not None}),
            run,
            stages=("segment",),
            fresh=fresh,
        )
        return
    if pred is None or labels is None or protocol is None:
        raise UsageError("Name a run directory, or: uaabench segment --pred DIR --labels DIR --protocol msrs-9")
    _compare_folders(pred, labels, protocol)


def _compare_folders(pred: Path, labels: Path, protocol: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from uaabench.core.files import images
    from uaabench.judges.segmentation import protocols
    from uaabench.judges.segmentation.confusion import MEAN_IOU, scores
    from uaabench.judges.segmentation.folders import read_matrices
    from uaabench.statistics.resampling import Tallies, estimate

    convention = protocols.protocol(protocol)
    matrices = read_matrices(pred, labels, convention)
    found = scores(sum(matrices[1:], matrices[0]), convention)
    there = len(images(labels))
    of_all = f" of {there}" if there > len(matrices) else ""
    table = Table(title=f"{convention.name}, {len(matrices)}{of_all} label maps")
    for heading in ("class", "IoU", "accuracy"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for name, iou, accuracy in zip(convention.counted, found.iou, found.accuracy, strict=True):
        table.add_row(name, _text(iou), _text(accuracy))
    Console().print(table)
    tallies = Tallies(
        "", {"counts_zero": convention.counts_zero}, tuple(map(str, range(len(matrices)))), (tuple(matrices),)
    )
    low, high = (end := estimate(MEAN_IOU, tallies)).low, end.high
    typer.echo(
        f"mIoU {_text(found.mean_iou)} [{_text(low)}, {_text(high)}]  mAcc {_text(found.mean_accuracy)}  "
        f"aAcc {_text(found.pixel_accuracy)}  mIoU with absent classes {_text(found.mean_iou_all)}"
    )


def _text(value: float) -> str:
    from uaabench.core.grid import number

    return number(None if value != value else float(value))  # noqa: PLR0124 - NaN is not itself
