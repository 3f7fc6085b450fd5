"""FMB: 1500 registered road scenes with label maps of fourteen classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from uaabench.core.interface import DatasetCard, LabelClass
from uaabench.data.layout import LayoutDataset, Part

CLASSES = (
    LabelClass("unlabelled", (0, 0, 0)),
    LabelClass("road", (179, 228, 228)),
    LabelClass("sidewalk", (181, 57, 133)),
    LabelClass("building", (67, 162, 177)),
    LabelClass("traffic lamp", (200, 178, 50)),
    LabelClass("traffic sign", (132, 45, 199)),
    LabelClass("vegetation", (66, 172, 84)),
    LabelClass("sky", (179, 73, 79)),
    LabelClass("person", (76, 99, 166)),
    LabelClass("car", (66, 121, 253)),
    LabelClass("truck", (137, 165, 91)),
    LabelClass("bus", (155, 97, 152)),
    LabelClass("motorcycle", (105, 153, 140)),
    LabelClass("bicycle", (222, 215, 158)),
    LabelClass("pole", (135, 113, 90)),
)
_FOLDERS = {"ir": ("Infrared", "ir"), "vi": ("Visible", "vi", "vis"), "label": ("Label", "labels")}


class FMB(LayoutDataset):
    """`{train,test}/{Infrared,Visible,Label}/NNNNN.png`; the users of the set report a test split without bicycles."""

    card = DatasetCard(
        name="fmb",
        title="FMB",
        version=1,
        summary="Registered road scenes with label maps of fourteen classes; 0 is unlabelled.",
        splits={"train": 1220, "test": 280},
        default_split="test",
        image_size=(600, 800),
        classes=CLASSES,
        reference="Liu et al., Multi-interactive feature learning and a full-time multi-modality benchmark for image "
        "fusion and segmentation (SegMiF), ICCV 2023",
        homepage="https://github.com/JinyuanLiu-CV/SegMiF",
    )
    parts: ClassVar[Mapping[str, Part]] = {split: Part(**_FOLDERS, folder=(split,)) for split in ("train", "test")}
