"""The images of a run: the artefacts in its directory, and the sources and label maps where the run found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench.core import files, imaging, registry
from uaabench.core.errors import UaabenchError
from uaabench.core.interface import FusionDataset, LabelClass, Pair, Sources
from uaabench.degradations import parse
from uaabench.running import store
from uaabench.running.evidence import DatasetHead, DegradedHead, KeptUnit, Run
from uaabench.running.stage import Stage

Image = NDArray[np.uint8]
# The trivial methods that are the sources themselves, and what the sources are called.
SOURCES = {"infrared": "Infrared", "visible": "Visible"}


class RunImages:
    """The images of one data set of a run; whatever is gone, unreadable or no longer that of the run is None.

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
        """`infrared` (H,W) or `visible` (H,W,3), as it was fused: degraded where the data set is.

        Without the data the artefact of the trivial method of that name.
        """
        try:
            head = self._dataset.degraded
            image = self._degraded(head, name, pair) if head else self._read(name, pair)
        except UaabenchError:
            image = None
        return self.fused(name, pair) if image is None else image

    def fused(self, method: str, pair: str) -> Image | None:
        """The artefact of a method: (H,W) where it is grey, else (H,W,3)."""
        unit = self._fused.get(method)
        if unit is None or pair not in unit.values:
            return None
        path = unit.folder / f"{pair}.png"
        try:
            image = imaging.read_rgb(path) if store.is_unchanged(path, unit.values[pair]) else None
        except UaabenchError:
            return None
        return image[..., 0] if image is not None and (image[..., :1] == image).all() else image

    def labels(self, pair: str) -> Image | None:
        """The label map in the colours of its classes, (H,W,4) RGBA."""
        known = self._files(pair)
        if not (known and self._adapter and self.classes and known[2] and _is_unchanged(known[2])):
            return None
        try:
            ir, vi, drawn = (Path(path) for path, _ in known[:3])
            label = self._adapter.read_label(Pair(pair, ir, vi, drawn))
        except UaabenchError:
            return None
        return None if label is None else imaging.coloured_label(label, [entry.colour for entry in self.classes])

    def layer(self, stage: Stage, method: str, pair: str) -> Image | None:
        """What a stage lays over the artefact of a method, (H,W,4) RGBA."""
        unit = self._run.units(stage.name, self._dataset).get(method)
        if unit is None or pair not in unit.values:
            return None
        try:
            return stage.layer(unit.folder, pair, unit.values[pair], self.classes)
        except UaabenchError:
            return None

    def _read(self, name: str, pair: str) -> Image | None:
        """A source as it lies in the data; None where it is not there, or not what it was in the run."""
        place, read = (0, imaging.read_grey) if name == "infrared" else (1, imaging.read_rgb)
        known = self._files(pair)[place : place + 1]
        return read(Path(known[0][0])) if known and _is_unchanged(known[0]) else None

    def _degraded(self, head: DegradedHead, name: str, pair: str) -> Image | None:
        """A source as it was fused; None where either is gone, or a corruption is no longer what it was."""
        ir, vi = self._read("infrared", pair), self._read("visible", pair)
        degradation = parse(head.text, head.key["seed"])
        if ir is None or vi is None or degradation.key != head.key:
            return None
        degraded = degradation.apply(Sources(ir, vi), self._facts["adapter"], pair)
        return degraded.ir if name == "infrared" else degraded.vi

    def colours(self, stage: Stage) -> Sequence[LabelClass]:
        """What the colours of the layers of a stage mean on this data set; empty where it judged nothing there."""
        judges = next(entry["judges"] for entry in self._run.facts["stages"] if entry["name"] == stage.name)
        here = (self._dataset.name, self._dataset.split)
        settings = [entry for entry in judges if (entry["dataset"], entry["split"]) == here]
        return stage.colours(settings[0], self.classes) if settings else ()

    @cached_property
    def _fused(self) -> Mapping[str, KeptUnit]:
        return self._run.units("fuse", self._dataset)

    def _files(self, pair: str) -> Sequence[Any]:
        """Path and SHA-256 of infrared image, visible image and label map; nothing where the manifest has no places."""
        found: Sequence[Any] = self._facts.get("files", {}).get(pair, ())
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


def _is_unchanged(file: tuple[str, str]) -> bool:
    """Whether a file has the content that it had in the run."""
    path, sha256 = file
    try:
        return files.sha256(Path(path)) == sha256
    except OSError:
        return False
