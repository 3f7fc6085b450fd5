"""M3FD: 300 pairs for fusion and, of other scenes, 4200 with boxes for detection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from uaabench.core.interface import DatasetCard
from uaabench.data.layout import LayoutDataset, Part

BOX_CLASSES = ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")
_FOLDERS = {"ir": ("Ir", "infrared"), "vi": ("Vis", "vi", "visible")}


class M3FD(LayoutDataset):
    """`M3FD_Fusion/{Ir,Vis}` and `M3FD_Detection/{Ir,Vis,Annotation}`; boxes are Pascal VOC, or YOLO text in `labels`.

    Papers that report "M3FD" mean the 300 pairs, or a sample of the 4200 whose list is rarely given. A split file
    names pairs of the detection set; both sets count from 00001, with different scenes.
    """

    card = DatasetCard(
        name="m3fd",
        title="M3FD",
        version=1,
        summary="Registered scenes in all weathers, for fusion and, with boxes of six classes, for detection.",
        splits={"fusion": 300, "detection": 4200},
        default_split="fusion",
        box_classes=BOX_CLASSES,
        reference="Liu et al., Target-aware dual adversarial learning and a multi-scenario multi-modality benchmark to "
        "fuse infrared and visible for object detection (TarDAL), CVPR 2022",
        homepage="https://github.com/JinyuanLiu-CV/TarDAL",
    )
    parts: ClassVar[Mapping[str, Part]] = {
        "fusion": Part(**_FOLDERS, folder=("M3FD_Fusion", "Fusion")),
        "detection": Part(
            **_FOLDERS, boxes=("Annotation", "Annotations", "labels", "boxes"), folder=("M3FD_Detection", "Detection")
        ),
    }
    listed_in: ClassVar[tuple[str, ...]] = ("detection",)
