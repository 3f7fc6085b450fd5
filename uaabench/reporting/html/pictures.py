"""The images of the page: sources, fused images and label maps of some pairs, made small enough to be embedded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import cv2
import numpy as np
import pandas as pd

from uaabench.core.columns import Column
from uaabench.core.interface import LabelClass
from uaabench.reporting.images import SOURCES, Image, RunImages
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Table
from uaabench.running.evidence import DatasetHead, Run

# Bytes of all images together; base64 makes them a third longer.
BUDGET = 9_000_000
QUALITIES = (90, 80, 65, 50, 35)
OVERLAY = "Labels"
Load = Callable[[], Image | None]


def pictures(run: Run, numbers: Numbers, table: Table, limit: int) -> list[dict[str, Any]]:
    """What the viewer shows, for each data set.

    The pairs are shared out among the data sets. Half of those of a data set are spread evenly over it, the others are
    those on which the methods differ most. Images are re-encoded for viewing only; the values beside them were computed
    on the artefacts.

    Returns:
        For each data set its `name`, `title`, and `pairs`: `id`, `values` by method and metric, `layers` as data URIs
        by method or source, `overlays` by name.
    """
    share = -(-limit // max(len(run.datasets), 1))
    shown = {dataset.key: _choose(run, numbers, table, dataset, share) for dataset in run.datasets}
    layers = len(table.methods) + len(SOURCES)
    images = layers * sum(len(ids) for ids in shown.values())
    encode = partial(_encode, budget=BUDGET // max(images, 1))
    return [
        _dataset(run, numbers, table, dataset, shown[dataset.key], encode)
        for dataset in run.datasets
        if shown[dataset.key]
    ]


def metrics_of_pairs(numbers: Numbers, table: Table) -> list[Column]:
    """The metrics that a pair has a value of, without the measures of whole data sets."""
    return [metric for metric in table.metrics if metric.name not in numbers.judged]


def _choose(run: Run, numbers: Numbers, table: Table, dataset: DatasetHead, limit: int) -> list[str]:
    """Ids of the pairs to show, in their order."""
    frame = run.records
    here = (frame["dataset"] == dataset.name) & (frame["split"] == dataset.split) & (frame["scope"] == "pair")
    ids = sorted(frame.loc[here, "pair"].unique())
    if len(ids) <= limit:
        return ids
    spread = {ids[int(place)] for place in np.linspace(0, len(ids) - 1, max(limit // 2, 1))} if limit else set()
    differing = _by_difference(numbers, table, dataset)
    rest = [pair for pair in differing if pair not in spread][: limit - len(spread)]
    return sorted(spread.union(rest))


def _by_difference(numbers: Numbers, table: Table, dataset: DatasetHead) -> list[str]:
    """Ids of the pairs, those first on which the methods above the floor differ most, over all metrics."""
    labels = [method.label for method in table.methods if not method.is_floor]
    gaps = []
    for metric in metrics_of_pairs(numbers, table):
        values = pd.DataFrame({label: numbers.values(dataset, label, metric.name) for label in labels})
        spread = float(np.nanstd(values.to_numpy(dtype=float))) if values.size else 0.0
        gaps.append((values.max(axis=1) - values.min(axis=1)) / (spread or 1.0))
    if not gaps:
        return []
    total = pd.concat(gaps, axis=1).sum(axis=1)
    return sorted(total.index, key=lambda pair: (-total[pair], pair))


def _dataset(
    run: Run,
    numbers: Numbers,
    table: Table,
    dataset: DatasetHead,
    ids: Sequence[str],
    encode: Callable[[Load], str | None],
) -> dict[str, Any]:
    images = RunImages(run, dataset)
    titles = table.row_titles
    fused = {method.label: titles[method.label] for method in table.methods if method.label not in SOURCES}
    drawn = [stage for stage in run.stages if stage.finds]
    seen = {
        f"{stage.finds} {titles[method.label]}": (stage, method.label) for stage in drawn for method in table.methods
    }
    overlays = (OVERLAY, *seen)
    work: list[tuple[str, str, Load]] = []
    for pair in ids:
        work += [(pair, source, partial(images.source, source, pair)) for source in SOURCES]
        work += [(pair, label, partial(images.fused, label, pair)) for label in fused]
        work.append((pair, OVERLAY, partial(images.labels, pair)))
        work += [(pair, name, partial(images.layer, stage, label, pair)) for name, (stage, label) in seen.items()]
    with ThreadPoolExecutor() as pool:
        uris = list(pool.map(lambda item: _lossless(item[2]) if item[1] in overlays else encode(item[2]), work))
    by_pair: dict[str, dict[str, str]] = {pair: {} for pair in ids}
    for (pair, layer, _), uri in zip(work, uris, strict=True):
        if uri:
            by_pair[pair][layer] = uri
    return {
        "name": dataset.key,
        "title": dataset.heading,
        "layers": [{"id": layer, "title": title} for layer, title in (SOURCES | fused).items()],
        "methods": [{"id": method.label, "title": titles[method.label]} for method in table.methods],
        "legends": {OVERLAY: _legend(images.classes[1:])}
        | {name: _legend(images.colours(stage)) for name, (stage, _) in seen.items()},
        "pairs": [
            {
                "id": pair,
                "values": _values(numbers, table, dataset, pair),
                "overlays": {name: by_pair[pair].pop(name) for name in overlays if name in by_pair[pair]},
                "layers": by_pair[pair],
            }
            for pair in ids
        ],
    }


def _legend(classes: Sequence[LabelClass]) -> list[dict[str, str]]:
    return [{"name": entry.name, "colour": "#{:02x}{:02x}{:02x}".format(*entry.colour)} for entry in classes]


def _values(numbers: Numbers, table: Table, dataset: DatasetHead, pair: str) -> dict[str, list[float | None]]:
    """The values of one pair by method, in the order of the metrics."""
    found = {}
    for method in table.methods:
        columns = [numbers.values(dataset, method.label, metric.name) for metric in metrics_of_pairs(numbers, table)]
        found[method.label] = [float(column[pair]) if pair in column.index else None for column in columns]
    return found


def _encode(load: Load, budget: int) -> str | None:
    """A WebP image of at most so many bytes as a data URI: first of less quality, then smaller."""
    image = load()
    if image is None:
        return None
    while True:
        for quality in QUALITIES:
            data = _webp(image, quality)
            if len(data) <= budget or min(image.shape[:2]) < 64:
                return _uri(data)
        height, width = image.shape[:2]
        image = np.asarray(cv2.resize(image, (width * 3 // 4, height * 3 // 4), interpolation=cv2.INTER_AREA), np.uint8)


def _lossless(load: Load) -> str | None:
    """A label map as a data URI: its colours must stay what they are."""
    image = load()
    return None if image is None else _uri(_webp(image, 101))


def _webp(image: Image, quality: int) -> bytes:
    # OpenCV's order of channels; above 100 WebP is lossless.
    order = {2: image, 3: image[..., ::-1]}.get(image.ndim, image)
    if image.ndim == 3 and image.shape[2] == 4:
        order = image[..., [2, 1, 0, 3]]
    done, data = cv2.imencode(".webp", np.ascontiguousarray(order), [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert done
    return data.tobytes()


def _uri(data: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(data).decode()
