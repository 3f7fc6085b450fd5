"""A folder of the user's own pairs, named on the command line as `--datasets name=path/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from uaabench.core.interface import DatasetCard, Pair
from uaabench.data.box_files import read_classes
from uaabench.data.layout import LayoutDataset, Part
from uaabench.data.sequences import chained


class Folder(LayoutDataset):
    """`ir/`, `vi/` and perhaps `labels/` and `boxes/`, with equal stems.

    Pairs called `NAME_0001`, `NAME_0002` and so on are the frames of a video. Boxes are YOLO text or Pascal VOC XML
    with a `classes.txt`, or one COCO file: `boxes.json`, or alone in `boxes/`.
    """

    card = DatasetCard(
        name="folder",
        title="Own images",
        version=1,
        summary="Pairs of your own: a folder with ir/ and vi/, and labels/ and boxes/ if there are any.",
        splits={"all": None},
        default_split="all",
    )
    parts: ClassVar[Mapping[str, Part]] = {
        "all": Part(
            ir=("ir", "infrared", "inf", "thermal"),
            vi=("vi", "vis", "visible", "rgb"),
            label=("labels", "label", "Segmentation_labels"),
            boxes=("boxes", "Annotation", "Annotations"),
        )
    }

    def pairs(self, split: str) -> list[Pair]:
        """List the pairs; frames of a video know the one before; see `FusionDataset.pairs`."""
        return chained(super().pairs(split))

    @cached_property
    def box_classes(self) -> tuple[str, ...]:
        """Names of the classes of the boxes, as their files say; empty without boxes."""
        places = self.box_places("all")
        return tuple(read_classes(self.root, *places.values())) if places else ()

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:  # noqa: ARG003 - which folder it is only the user can say
        """Return None: a folder is named by its path."""
        return None
