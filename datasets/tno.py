"""TNO: the classic set of military scenes, of which papers use lists of 42, 25 or 21 pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from uaabench.core.interface import DatasetCard
from uaabench.data.layout import LayoutDataset, Part


class TNO(LayoutDataset):
    """`ir/` and `vi/` with equal stems; the visible images are grey."""

    card = DatasetCard(
        name="tno",
        title="TNO",
        version=1,
        summary="Registered grey scenes of many sizes, without label maps; the number of pairs varies by source.",
        splits={"all": None},
        default_split="all",
        reference="Toet, The TNO multiband image data collection, Data in Brief 2017",
        homepage="https://figshare.com/articles/dataset/TNO_Image_Fusion_Dataset/1008029",
    )
    parts: ClassVar[Mapping[str, Part]] = {"all": Part(ir=("ir", "infrared"), vi=("vi", "vis", "visible"))}
    unmistakable: ClassVar[bool] = False
