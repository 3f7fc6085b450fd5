"""RoadScene: 221 registered road scenes cut from a thermal camera's video."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources
from typing import ClassVar

from uaabench.core.interface import DatasetCard
from uaabench.data.layout import LayoutDataset, Part

_PART = Part(ir=("cropinfrared", "ir", "infrared"), vi=("crop_LR_visible", "vi", "vis", "visible"))


class RoadScene(LayoutDataset):
    """`cropinfrared/` and `crop_LR_visible/`; the test split is the list of 50 in use in the literature."""

    card = DatasetCard(
        name="roadscene",
        title="RoadScene",
        version=1,
        summary="Registered road scenes of many sizes, without label maps.",
        splits={"test": 50, "train": 171, "all": 221},
        default_split="test",
        reference="Xu et al., U2Fusion: A unified unsupervised image fusion network, TPAMI 2020",
        homepage="https://github.com/hanna-xu/RoadScene",
    )
    parts: ClassVar[Mapping[str, Part]] = dict.fromkeys(card.splits, _PART)
    listed_in: ClassVar[tuple[str, ...]] = ("all",)

    def stems(self, split: str, present: Collection[str]) -> Collection[str] | None:
        """The 50 listed stems for `test`, all others for `train`."""
        facts = resources.files("uaabench.datasets.facts").joinpath("roadscene_test50.txt").read_text(encoding="utf-8")
        test = facts.split()
        return {"test": test, "train": set(present) - set(test)}.get(split)
