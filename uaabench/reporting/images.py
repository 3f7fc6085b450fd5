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
from uaabench.reporting.evidence import Evidence
from uaabench.reporting.table import DatasetHead
from uaabench.running import store

Image = NDArray[np.uint8]
# The trivial methods that are the sources themselves, and what the sources are called.
SOURCES = {"infrared": "Infrared", "visible": "Visible"}


class RunImages:
    """The images of one data set of a run; whatever is gone or unreadable is None.

    Args:
        evidence: The run.
        dataset: One of its data sets.
    """

    def __init__(self, evidence: Evidence, dataset: DatasetHead) -> None:
        self._run = evidence.run
        self._dataset = dataset
        (self._facts,) = (entry for entry in evidence.facts["datasets"] if entry["label"] == dataset.name)

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

    def label(self, pair: str) -> Image | None:
        """The label map, (H,W) class indices."""
        known = self._pairs.get(pair)
        try:
            return self._adapter.read_label(known) if self._adapter and known else None
        except UaabenchError:
            return None

    def prediction(self, method: str, pair: str) -> Image | None:
        """What the segmenter found in the artefact of a method, (H,W) class indices."""
        folder = self._predictions.get(method)
        try:
            return imaging.read_label(folder / f"{pair}.png") if folder else None
        except UaabenchError:
            return None

    @cached_property
    def _folders(self) -> Mapping[str, Path]:
        return self._latest("fuse")

    @cached_property
    def _predictions(self) -> Mapping[str, Path]:
        return self._latest("segment")

    def _latest(self, stage: str) -> Mapping[str, Path]:
        """Folder of a stage by method; of several, the latest one."""
        found: dict[str, Path] = {}
        for facts in (self._run / stage / self._dataset.name).glob("*/unit.json"):
            method = store.read_json(facts)["method"]
            if method not in found or facts.stat().st_mtime > (found[method] / "unit.json").stat().st_mtime:
                found[method] = facts.parent
        return found

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
        try:
            return {pair.id: pair for pair in self._adapter.pairs(self._facts["split"])} if self._adapter else {}
        except UaabenchError:
            return {}
