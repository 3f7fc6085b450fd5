"""How well the segmenters inside UAAFusion know real roads: the one of `uaa`, and the shipped segmenter of roads.

    python benchmarks/road_segmenter.py --camvid CamVid --data DATA --boxes MSRS_detection_label

All on four classes, rest, car, person and bike, and on images that neither was trained on:

- mIoU on CamVid test, by people's label maps;
- mIoU on the labelled pairs of MSRS test, on average and maximum of the sources, by whatever label maps lie there:
  where these are machine labels it is the agreement with other segmenters, not a quality;
- recall of people's boxes of MSRS test, in the image that they were drawn on (`fusion`: on the maximum): how often at
  least half of the pixels of the box, or of the ellipse amid it, are of its class.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.road import CLASSES
from uaabench.baselines.uaa.roads.drawings import UNKNOWN, VERSIONS, camvid, corners, map_of_boxes, read_boxes
from uaabench.baselines.uaa.roads.shipped import read_shipped
from uaabench.core import imaging, weights
from uaabench.training.pairs import find

OF_BOXES = {0: 2, 1: 3, 2: 1}
Named = tuple[str, np.ndarray, np.ndarray]


def predict(segmenter: nn.Module, image: np.ndarray) -> np.ndarray:
    """Classes (H,W) of a grey image; what only a segmenter of nine classes knows is the rest."""
    with torch.no_grad():
        found = segmenter(imaging.to_tensor(image)).argmax(1)[0].numpy()
    return np.where(found < len(CLASSES), found, 0)


def confusion(found: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(C,C) pixels by label and prediction, where the label is known."""
    known = label != UNKNOWN
    count = len(CLASSES)
    return np.bincount(count * label[known].astype(int) + found[known], minlength=count**2).reshape(count, count)


def ious(matrix: np.ndarray) -> str:
    """IoU of each class and their mean."""
    hit = np.diag(matrix)
    each = hit / (matrix.sum(0) + matrix.sum(1) - hit)
    return " | ".join(f"{value:.3f}" for value in (*each, each.mean()))


def labelled(data: Path) -> Iterator[Named]:
    """MSRS test: how the image was made, image, label map."""
    for dataset, pair in find(["msrs:test"], [], 0, data).items:
        label = dataset.read_label(pair)
        if label is not None:
            ir, vi = sources(dataset, pair)
            classes = np.where((label >= len(CLASSES)) & (label != UNKNOWN), 0, label)
            yield "average", np.rint((ir.astype(float) + vi) / 2).astype(np.uint8), classes
            yield "maximum", np.maximum(ir, vi), classes


def sources(dataset, pair) -> tuple[np.ndarray, np.ndarray]:
    read = dataset.read(pair)
    return read.ir, imaging.grey(read.vi).astype(np.uint8)


def recall(segmenters: dict[str, nn.Module], data: Path, boxes: Path) -> dict[tuple[str, str], np.ndarray]:
    """By segmenter and version, for each box its class, whether half of it, and half of its ellipse, are right."""
    found = {(name, version): [] for name in segmenters for version in VERSIONS}
    for dataset, pair in find(["msrs:test"], [], 0, data).items:
        ir, vi = sources(dataset, pair)
        images = {"infrared": ir, "visible": vi, "fusion": np.maximum(ir, vi)}
        for name, segmenter in segmenters.items():
            for version, image in images.items():
                classes = predict(segmenter, image)
                for box in read_boxes(boxes / version / "test" / f"{pair.id}.txt"):
                    label = OF_BOXES[int(box[0])]
                    left, top, right, bottom = corners(box, image.shape)
                    right_class = classes == label
                    whole = right_class[top:bottom, left:right].mean()
                    middle = right_class[map_of_boxes(box[None], image.shape) == label].mean()
                    found[name, version].append((label, whole >= 0.5, middle >= 0.5))
    return {key: np.array(values, float) for key, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--boxes", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    shipped = weights.shipped("uaa")
    assert shipped is not None
    segmenters = {"uaa": read_model(shipped).model_s, "road": read_shipped()}
    print(f"| segmenter | images | {' | '.join(CLASSES)} | mIoU |\n|---|---|---|---|---|---|---|")
    streets = [(one.images["visible"], one.maps["visible"]) for one in camvid(given.camvid, "test")]
    for name, segmenter in segmenters.items():
        matrix = sum(confusion(predict(segmenter, image), label) for image, label in streets)
        print(f"| {name} | CamVid test, {len(streets)} | {ious(matrix)} |", flush=True)
    pairs = list(labelled(given.data))
    for name, segmenter in segmenters.items():
        for way in ("average", "maximum"):
            matrices = [confusion(predict(segmenter, image), label) for made, image, label in pairs if made == way]
            print(f"| {name} | MSRS test, {way}, {len(matrices)} | {ious(np.sum(matrices, axis=0))} |", flush=True)
    print(
        "\n| segmenter | boxes on | class | boxes | half of the box | half of the ellipse |\n|---|---|---|---|---|---|"
    )
    for (name, version), values in recall(segmenters, given.data, given.boxes).items():
        for label in (2, 1, 3):
            of_class = values[values[:, 0] == label]
            rates = " | ".join(f"{rate:.3f}" for rate in of_class[:, 1:].mean(0))
            print(f"| {name} | {version} | {CLASSES[label]} | {len(of_class)} | {rates} |")


if __name__ == "__main__":
    main()
