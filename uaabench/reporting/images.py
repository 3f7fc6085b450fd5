"""The images of a run: the artefacts in its directory, and the sources and label maps where the run found them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uaabench.core import imaging, registry
from uaabench.core.errors import UaabenchError
from uaabench.core.interface import FusionDataset, LabelClass, Pair
from uaabench.running.evidence import DatasetHead, Run
from uaabench.running.stage import Stage

Image = NDArray[np.uint8]
# The trivial methods that are the sources themselves, and what the sources are called.
SOURCES = {"infrared": "Infrared", "visible": "Visible"}


class RunImages:
    """The images of one data set of a run; whatever is gone or unreadable is None.

    Which files they are the manifest says: the folders of the units of this run, and the paths of the sources.

    Args:
        run: The run.
        dataset: One of its data sets.
    """

    def __init__(self, run: Run, dataset: DatasetHead) -> None:
        self._run = run
        self._dataset = dataset
        where = (dataset.name, dataset.split)
        (self._facts,) = (entry for entry in run.facts["datasets"] if (entry["label"], entry["split"]) == where)

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """Classes of the label maps; empty without the data or for data without labels."""
        return self._adapter.card.classes if self._adapter else ()

    def source(self, name: str, pair: str) -> Image | None:
        """`infrared` (H,W) or `visible` (H,W,3); without the data the artefact of the trivial method of that name."""
        known = self._pairs.get(pair)
        try:
            if known is not None:
                return imaging.read_grey(known.ir) if name == "infrared" else imaging.read_rgb(known.vi)
        except UaabenchError:
            pass
        return self.fused(name, pair)

    def fused(self, method: str, pair: str) -> Image | None:
        """The artefact of a method: (H,W) where it is grey, else (H,W,3)."""
        folder = self._folders.get(method)
        try:
            image = imaging.read_rgb(folder / f"{pair}.png") if folder else None
        except UaabenchError:
            return None
        return image[..., 0] if image is not None and (image[..., :1] == image).all() else image

    def labels(self, pair: str) -> Image | None:
        """The label map in the colours of its classes, (H,W,4) RGBA."""
        known = self._pairs.get(pair)
        try:
            label = self._adapter.read_label(known) if self._adapter and known else None
        except UaabenchError:
            return None
        if label is None or not self.classes:
            return None
        return imaging.coloured_label(label, [entry.colour for entry in self.classes])

    def layer(self, stage: Stage, method: str, pair: str) -> Image | None:
        """What a stage lays over the artefact of a method, (H,W,4) RGBA."""
        folder = self._run.folders(stage.name, self._dataset).get(method)
        try:
            return stage.layer(folder, pair, self.classes) if folder else None
        except UaabenchError:
            return None

    @cached_property
    def _folders(self) -> Mapping[str, Path]:
        return self._run.folders("fuse", self._dataset)

    @cached_property
    def _adapter(self) -> FusionDataset | None:
        root = Path(self._facts.get("root", ""))
        if "root" not in self._facts or not root.is_dir():
            return None
        try:
            return registry.dataset_class(self._facts["adapter"])(root)
        except UaabenchError:
            return None

    @cached_property
    def _pairs(self) -> Mapping[str, Pair]:
        known = self._facts.get("files", {})
        return {
            name: Pair(name, Path(ir), Path(vi), Path(label) if label else None)
            for name, (ir, vi, label) in known.items()
        }
