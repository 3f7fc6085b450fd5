"""What the outputs of a detector mean: from arrays to boxes on its input, one function for each decoding of a card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from uaabench.core.boxes import Corners
from uaabench.core.errors import WeightsError
from uaabench.judges.detection.card import DetectorCard, NmsIncluded, Output, SsdAnchors, Yolo

Array = npt.NDArray[Any]
Values = npt.NDArray[np.float64]


class Outputs:
    """What a network returned: arrays in order, by number or by name.

    Args:
        arrays: By name.
        file: Where they are from, for messages.
    """

    def __init__(self, arrays: Mapping[str, Array], file: str) -> None:
        self._arrays, self._file = arrays, file

    def get(self, named: Output) -> Values:
        """One output as float64, without the axis of the batch.

        Raises:
            WeightsError: There is no such output, or it has values that are not finite.
        """
        names = list(self._arrays)
        name = names[named] if isinstance(named, int) and 0 <= named < len(names) else named
        if name not in self._arrays:
            raise WeightsError(
                f"{self._file} has no output {named!r}; its outputs are {self._listed()}: correct the card's decoding."
            )
        values = self._arrays[str(name)].astype(np.float64)
        if not np.isfinite(values).all():
            raise WeightsError(f"{self._file} gives an output {name!r} with NaN or infinity; take another file.")
        return values[0] if values.ndim > 1 and values.shape[0] == 1 else values

    def refuse(self, named: Output, expected: str) -> WeightsError:
        """What to raise where an output has not the shape that its decoding needs."""
        return WeightsError(
            f"The output {named!r} of {self._file} is not {expected} as the card says; its outputs are "
            f"{self._listed()}: correct the card."
        )

    def _listed(self) -> str:
        shapes = (f"{name} {'x'.join(map(str, array.shape))}" for name, array in self._arrays.items())
        return ", ".join(f"{number}: {text}" for number, text in enumerate(shapes))


@dataclass(frozen=True, slots=True)
class Decoded:
    """Boxes on the input of a network.

    Attributes:
        corners: (N,4) left, top, right, bottom in pixels of the input.
        scores: (N,C) confidences of the columns of the card.
        final: Whether they are suppressed already.
    """

    corners: Corners
    scores: Values
    final: bool = False


def decode(outputs: Outputs, card: DetectorCard) -> Decoded:
    """Decode the outputs of a network as its card says.

    Raises:
        WeightsError: An output is missing, or has another shape or number of classes.
    """
    return _DECODINGS[card.decoding.kind](outputs, card.decoding, card)


def _ssd_anchors(outputs: Outputs, facts: SsdAnchors, card: DetectorCard) -> Decoded:
    """Liu et al., SSD: Single shot multibox detector, ECCV 2016, as TensorFlow's Object Detection API codes boxes."""
    offsets, scores = outputs.get(facts.boxes), outputs.get(facts.scores)
    known = anchors(facts)
    if offsets.shape != known.shape:
        raise outputs.refuse(facts.boxes, f"1x{len(known)}x4, which these anchors come to,")
    if scores.shape != (len(known), len(card.classes)):
        raise outputs.refuse(facts.scores, f"1x{len(known)}x{len(card.classes)}, a column for each of the classes,")
    offsets = offsets / np.array(facts.offset_scales)
    centres = known[:, :2] + offsets[:, :2] * known[:, 2:]
    halves = known[:, 2:] * np.exp(offsets[:, 2:]) / 2
    top_left, bottom_right = (centres - halves)[:, ::-1], (centres + halves)[:, ::-1]
    corners = np.concatenate([top_left, bottom_right], axis=1) * np.array(card.input.size[::-1] * 2)
    return Decoded(corners, _ACTIVATIONS[facts.activation](scores))


_ACTIVATIONS: dict[str, Callable[[Values], Values]] = {
    "none": lambda values: values,
    "sigmoid": expit,
    "softmax": lambda values: np.asarray(softmax(values, axis=1)),
}


@cache
def anchors(facts: SsdAnchors) -> Values:
    """The anchors of an SSD in the order of its outputs: (N,4) centre y, centre x, height and width in shares."""
    low, high = facts.scales
    layers = len(facts.cells)
    scales = [low + (high - low) * k / (layers - 1) for k in range(layers)] + [1.0]
    found = []
    for layer, cells in enumerate(facts.cells):
        sizes = [(scales[layer], ratio) for ratio in facts.ratios]
        sizes.append((float(np.sqrt(scales[layer] * scales[layer + 1])), 1.0))
        if layer == 0 and facts.reduce_lowest:
            sizes = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
        shapes = np.array([(scale / np.sqrt(ratio), scale * np.sqrt(ratio)) for scale, ratio in sizes])
        middles = (np.arange(cells) + 0.5) / cells
        centres = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
        found.append(np.hstack([np.repeat(centres, len(shapes), axis=0), np.tile(shapes, (len(centres), 1))]))
    return np.concatenate(found)


def _yolo(outputs: Outputs, facts: Yolo, card: DetectorCard) -> Decoded:
    values = outputs.get(facts.output)
    columns = 4 + facts.objectness + len(card.classes)
    if values.ndim != 2 or columns not in values.shape:
        raise outputs.refuse(facts.output, f"1x{columns}xN or 1xNx{columns}, by the number of classes,")
    # In a file for few classes the number of boxes, the longer axis, might be the same by chance.
    rows = values if values.shape[1] == columns and values.shape[0] != columns else values.T
    centres, halves, scores = rows[:, :2], rows[:, 2:4] / 2, rows[:, 4:]
    if facts.objectness:
        scores = scores[:, :1] * scores[:, 1:]
    corners = np.concatenate([centres - halves, centres + halves], axis=1)
    return Decoded(corners * _pixels(facts.unit, card), scores)


def _nms_included(outputs: Outputs, facts: NmsIncluded, card: DetectorCard) -> Decoded:
    corners = outputs.get(facts.boxes).reshape(-1, 4) if outputs.get(facts.boxes).size % 4 == 0 else None
    scores, labels = outputs.get(facts.scores).ravel(), outputs.get(facts.labels).ravel()
    if corners is None or not len(corners) == len(scores) == len(labels):
        raise outputs.refuse(facts.boxes, "Nx4 with as many scores and labels")
    counted = scores > card.suppression.score
    corners, scores, labels = corners[counted], scores[counted], labels[counted]
    if len(labels) and not (labels == np.clip(np.rint(labels), 0, len(card.classes) - 1)).all():
        raise outputs.refuse(facts.labels, f"an index into its {len(card.classes)} classes")
    if facts.order == "yxyx":
        corners = corners[:, [1, 0, 3, 2]]
    columns = np.zeros((len(labels), len(card.classes)))
    columns[np.arange(len(labels)), labels.astype(np.int64)] = scores
    return Decoded(corners * _pixels(facts.unit, card), columns, final=True)


def _pixels(unit: str, card: DetectorCard) -> Values:
    """What turns the four numbers of a box into pixels of the input."""
    return np.array(card.input.size[::-1] * 2, np.float64) if unit == "shares" else np.ones(4)


_DECODINGS: dict[str, Callable[[Outputs, Any, DetectorCard], Decoded]] = {
    "ssd-anchors": _ssd_anchors,
    "yolo": _yolo,
    "nms-included": _nms_included,
}
