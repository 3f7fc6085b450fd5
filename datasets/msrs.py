"""MSRS: 1444 registered road scenes by day and night with label maps of nine classes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import ClassVar

from uaabench.core.interface import DatasetCard, LabelClass
from uaabench.data.layout import LayoutDataset, Part, child

CLASSES = (
    LabelClass("unlabelled", (0, 0, 0)),
    LabelClass("car", (64, 0, 128)),
    LabelClass("person", (64, 64, 0)),
    LabelClass("bike", (0, 128, 192)),
    LabelClass("curve", (0, 0, 192)),
    LabelClass("car stop", (128, 128, 0)),
    LabelClass("guardrail", (64, 64, 128)),
    LabelClass("colour cone", (192, 128, 128)),
    LabelClass("bump", (192, 64, 0)),
)
BOX_CLASSES = ("person", "bicycle", "car")
# What can be seen in the fused, the visible and the infrared image: three versions of the boxes, the usual one first.
BOX_VERSIONS = ("fusion", "visible", "infrared")
_BOX_FOLDERS = ("MSRS_detection_label", "MSRS-detection-label", "MSRS-detection-label-main")
_FOLDERS = {
    "ir": ("ir", "infrared"),
    "vi": ("vi", "vis", "visible"),
    "label": ("Segmentation_labels", "label", "labels"),
}


class MSRS(LayoutDataset):
    """`{train,test}/{ir,vi,Segmentation_labels}/NNNNN{D,N}.png`; D is day, N is night.

    Boxes are those of the public label set MSRS-detection-label: `MSRS_detection_label/{fusion,visible,infrared}/
    {train,test}/*.txt`, in the folder of MSRS or beside it.
    """

    card = DatasetCard(
        name="msrs",
        title="MSRS",
        version=1,
        summary="Registered road scenes by day and night with label maps of nine classes.",
        splits={"train": 1083, "test": 361},
        default_split="test",
        image_size=(480, 640),
        classes=CLASSES,
        box_classes=BOX_CLASSES,
        reference="Tang et al., PIAFusion: A progressive infrared and visible image fusion network based on "
        "illumination aware, Information Fusion 2022",
        homepage="https://github.com/Linfeng-Tang/MSRS",
    )
    parts: ClassVar[Mapping[str, Part]] = {split: Part(**_FOLDERS, folder=(split,)) for split in ("train", "test")}

    def box_places(self, split: str) -> Mapping[str, Path]:
        """Folders of the three versions of boxes, in the folder of the set or beside it."""
        label_set = child(self.root, _BOX_FOLDERS) or child(self.root.parent, _BOX_FOLDERS)
        folders = {version: child(label_set, [version]) if label_set else None for version in BOX_VERSIONS}
        places = {version: child(folder, [split]) for version, folder in folders.items() if folder}
        return {version: place for version, place in places.items() if place}

    def expected_hashes(self, split: str) -> Mapping[str, tuple[str, str]]:
        """SHA-256 of the infrared and visible file of each test pair, by id, as released."""
        if split != "test":
            return {}
        facts = resources.files("uaabench.datasets.facts").joinpath("msrs_test_sha256.tsv").read_text(encoding="utf-8")
        rows = (line.split("\t") for line in facts.splitlines())
        return {name.removesuffix(".png"): (ir, vi) for name, ir, vi in rows}
