"""LLVIP: 15488 registered street scenes by night with boxes around people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from uaabench.core.interface import DatasetCard
from uaabench.data.layout import LayoutDataset, Part


class LLVIP(LayoutDataset):
    """`{infrared,visible}/{train,test}/NNNNNN.jpg` and `Annotations/NNNNNN.xml`, Pascal VOC, of both splits."""

    card = DatasetCard(
        name="llvip",
        title="LLVIP",
        version=1,
        summary="Registered street scenes by night with boxes around people; without label maps.",
        splits={"train": 12025, "test": 3463},
        default_split="test",
        image_size=(1024, 1280),
        box_classes=("person",),
        reference="Jia et al., LLVIP: A visible-infrared paired dataset for low-light vision, ICCV Workshops 2021",
        homepage="https://bupt-ai-cz.github.io/LLVIP/",
    )
    unmistakable: ClassVar[bool] = False
    parts: ClassVar[Mapping[str, Part]] = {
        split: Part(ir=(f"infrared/{split}",), vi=(f"visible/{split}",), boxes=("Annotations", "Annotation"))
        for split in ("train", "test")
    }
