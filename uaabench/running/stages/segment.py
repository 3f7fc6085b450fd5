"""The segment stage: a segmenter on the artefacts of one method, to one confusion matrix per pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from uaabench.core import imaging, registry
from uaabench.core.errors import DataError
from uaabench.core.interface import ByteImage, FusionDataset, Pair
from uaabench.core.streams import ordered_map
from uaabench.judges.segmentation.confusion import Matrix, confusion
from uaabench.judges.segmentation.judge import Judge
from uaabench.judges.segmentation.segmenters import Segmenter, SegmenterFile
from uaabench.running import store
from uaabench.running.plan import Unit
from uaabench.running.stages.fuse import Runtime, explain
from uaabench.running.store import Failure

BATCH = 4
# The image a segmenter sees and the label map, or why there is none.
Loaded = tuple[Pair, tuple[ByteImage, ByteImage] | Exception]


def segment_unit(unit: Unit, runtime: Runtime, on_pair: Callable[[], None]) -> list[Failure]:
    """Segment the artefacts of a unit that were not segmented yet.

    Pairs without an artefact are left out here: their failure belongs to the fuse stage. Predictions are kept as PNG
    label maps beside the matrices, for the report's overlays.

    Args:
        unit: What to segment, with its judge.
        runtime: Where and how.
        on_pair: Called after every pair, also after one that is left out or was segmented earlier.

    Returns:
        The pairs that failed, with reasons.
    """
    folder = store.begin(runtime.run, unit)
    file = folder / "confusion.jsonl"
    store.mend(file)
    finished = store.read_matrices(file)
    pending = [
        pair
        for pair in unit.dataset.pairs
        if pair.id not in finished and store.artefact(runtime.run, unit, pair.id).is_file()
    ]
    for _ in range(len(unit.dataset.pairs) - len(pending)):
        on_pair()
    failures: list[Failure] = []
    for pair, result in _segment_pairs(unit, runtime, pending, folder):
        on_pair()
        if isinstance(result, Exception):
            failures.append(Failure("segment", unit.method.label, unit.dataset.label, pair.id, explain(result)))
            if runtime.fail_fast:
                break
        else:
            store.append_line(file, json.dumps({"pair": pair.id, "matrix": result.tolist()}))
    if failures or len(store.read_matrices(file)) == len(unit.dataset.pairs):
        store.finish(runtime.run, unit, failures)
    return failures


def _segment_pairs(
    unit: Unit, runtime: Runtime, pairs: Sequence[Pair], folder: Path
) -> Iterator[tuple[Pair, Matrix | Exception]]:
    judge = unit.judge
    if not pairs or judge is None:
        return
    try:
        segmenter = _segmenter(judge.file, judge.protocol.classes, runtime.device)
    except Exception as error:
        yield from ((pair, error) for pair in pairs)
        return
    dataset = registry.dataset_class(unit.dataset.adapter)(unit.dataset.root)

    def load(pair: Pair) -> Loaded:
        try:
            return pair, _load(dataset, pair, store.artefact(runtime.run, unit, pair.id))
        except Exception as error:
            return pair, error

    batch: list[tuple[Pair, tuple[ByteImage, ByteImage]]] = []
    for pair, loaded in ordered_map(load, pairs, threads=1):
        if isinstance(loaded, Exception):
            yield pair, loaded
            continue
        batch.append((pair, loaded))
        if len(batch) == BATCH:
            yield from _segment_batch(batch, segmenter, judge, folder)
            batch = []
    yield from _segment_batch(batch, segmenter, judge, folder)


def _load(dataset: FusionDataset, pair: Pair, artefact: Path) -> tuple[ByteImage, ByteImage]:
    """The artefact in colour and the label map; a luminance artefact gets the chroma of the visible image."""
    label = dataset.read_label(pair)
    if label is None:
        raise DataError(f"The pair '{pair.id}' has no label map.")
    fused = imaging.read_rgb(artefact)
    if (fused == fused[..., :1]).all():
        fused = imaging.colourise(fused[..., 0], dataset.read(pair).vi)
    return fused, label


def _segment_batch(
    batch: Sequence[tuple[Pair, tuple[ByteImage, ByteImage]]], segmenter: Segmenter, judge: Judge, folder: Path
) -> Iterator[tuple[Pair, Matrix | Exception]]:
    try:
        predictions = segmenter.predict([fused for _, (fused, _) in batch])
    except Exception as error:
        yield from ((pair, error) for pair, _ in batch)
        return
    for (pair, (_, label)), predicted in zip(batch, predictions, strict=True):
        try:
            imaging.write_png(folder / f"{pair.id}.png", predicted)
            yield pair, confusion(predicted, label, judge.protocol)
        except Exception as error:
            yield pair, error


@lru_cache(maxsize=2)
def _segmenter(file: SegmenterFile, classes: tuple[str, ...], device: str) -> Segmenter:
    """One segmenter judges all methods: it is loaded once in a process."""
    import torch

    from uaabench.core.weights import ResolvedWeights

    ResolvedWeights(file.weights, file.sha256).verify()
    return Segmenter(file, classes, torch.device(device))
