"""Patches of registered pairs that do not overlap, and what the segmenter attributes in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uaabench.baselines.uaa.attribution import SourceWeights, attribute, spread
from uaabench.baselines.uaa.model import UAAModel, scores_of
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionDataset, Pair
from uaabench.training.crops import Batch, batch_of, extend, read_planes


@dataclass(frozen=True, slots=True)
class Patches:
    """A batch of patches.

    Attributes:
        batch: The patches themselves, flipped.
        index: Number of each among all patches.
        flips: How each was flipped, (B,2) bool: upside down, left to right.
    """

    batch: Batch
    index: list[int]
    flips: Tensor


class PatchSampler:
    """Goes through all patches in a new random order each time, flipped at random.

    Args:
        items: Pairs with the data set that reads them; all are read at once.
        size: Height and width of a patch. What does not fill one at the borders is left out; an image smaller than that
            is extended by reflection.
        seed: Seed of orders and flips.
        min_contrast: Patches where (p90 - p10) / p90 is below this are left out.
        flat: Whether that must hold of `both` sources, or of `either`.

    Raises:
        UsageError: No patch is left.
        DataError: A pair cannot be read.
    """

    def __init__(
        self,
        items: Sequence[tuple[FusionDataset, Pair]],
        size: int,
        seed: int,
        min_contrast: float = 0.0,
        flat: str = "both",
    ) -> None:
        decisive = min if flat == "either" else max
        found = [
            (window, pair.label is not None)
            for dataset, pair in items
            for window in _windows(extend(read_planes(dataset, pair), size), size)
            if decisive(contrast(window[0]), contrast(window[1:4].mean(0))) >= min_contrast
        ]
        if not found:
            raise UsageError("No patch is left to train on; name more data, or lower the least contrast.")
        self._patches = np.stack([window for window, _ in found])
        self._labelled = np.array([labelled for _, labelled in found])
        self._random = np.random.default_rng(seed)
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._patches)

    def batch(self, n: int) -> Patches:
        """The next `n` patches; the order goes on into the next round where one ends."""
        while len(self._order) < n:
            self._order += self._random.permutation(len(self)).tolist()
        index, self._order = self._order[:n], self._order[n:]
        flips = torch.from_numpy(self._random.integers(2, size=(n, 2)).astype(bool))
        planes = torch.from_numpy(self._patches[index])
        planes = torch.stack([flip(patch, how) for patch, how in zip(planes, flips, strict=True)])
        return Patches(batch_of(planes, self._labelled[index]), index, flips)

    def state_dict(self) -> dict[str, Any]:
        """State of the random numbers, and the patches that are still to come in this round."""
        return {"random": self._random.bit_generator.state, "order": list(self._order)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._random.bit_generator.state = state["random"]
        self._order = list(state["order"])


def _windows(planes: ByteImage, size: int) -> list[ByteImage]:
    """Windows (C,S,S) of (C,H,W) side by side, in the middle of the image."""
    rows, columns = (range(length % size // 2, length - size + 1, size) for length in planes.shape[1:])
    return [planes[:, top : top + size, left : left + size] for top in rows for left in columns]


def contrast(image: ByteImage) -> float:
    """(p90 - p10) / p90 of the grey levels of an image, 0 for a black one."""
    low, high = np.quantile(image, [0.1, 0.9])
    return float((high - low) / high) if high > 0 else 0.0


def flip(image: Tensor, how: Tensor) -> Tensor:
    """Flip the last two dimensions of an image as `how` (2,) says; doing it twice gives the image back."""
    return image.flip([dim - 2 for dim in (0, 1) if how[dim]])


class Attributor:
    """Regions and source weights of patches by the segmenter as it is now, kept for a few visits.

    Args:
        model: Network and segmenter that are being trained.
        refresh: A patch gets a new attribution every so many times it comes up; 1 keeps nothing.
    """

    def __init__(self, model: UAAModel, refresh: int) -> None:
        self._model = model
        self._refresh = refresh
        # For a patch as it lies in its image: labels, contributions (2,C), and how often they were used.
        self._known: dict[int, tuple[Tensor, Tensor, int]] = {}

    def __call__(self, patches: Patches, ir: Tensor, y: Tensor) -> tuple[Tensor, SourceWeights]:
        """Give the regions, (B,S,S) class indices, and the weights of the sources.

        Args:
            patches: The patches.
            ir: Their infrared images on the device of the model, (B,1,S,S).
            y: Their luminances, likewise.
        """
        stale = [k for k, index in enumerate(patches.index) if self._age(index) >= self._refresh]
        if stale:
            labels = self._regions(patches.batch, ir, y)[stale]
            sources = torch.stack([ir[stale], y[stale]])
            config = self._model.config
            found = attribute(self._model.model_s, labels, sources, config.steps, config.classes)
            for position, k in enumerate(stale):
                upright = flip(labels[position], patches.flips[k]).to(torch.uint8).cpu()
                self._known[patches.index[k]] = (upright, found[:, position].cpu(), 0)
        return self._recall(patches, ir.device)

    def _recall(self, patches: Patches, device: torch.device) -> tuple[Tensor, SourceWeights]:
        entries = [self._known[index] for index in patches.index]
        for index, (labels, contributions, used) in zip(patches.index, entries, strict=True):
            self._known[index] = (labels, contributions, used + 1)
        upright = zip(entries, patches.flips, strict=True)
        regions = torch.stack([flip(labels, how) for (labels, _, _), how in upright]).to(device).long()
        attribution = torch.stack([contributions for _, contributions, _ in entries], 1).to(device)
        if self._refresh == 1:
            self._known.clear()
        return regions, spread(attribution, regions)

    def _age(self, index: int) -> int:
        return self._known[index][2] if index in self._known else self._refresh

    def _regions(self, crops: Batch, ir: Tensor, y: Tensor) -> Tensor:
        """Label maps (B,S,S): the patch's own, or the segmenter's prediction on the average of the sources."""
        with torch.no_grad():
            predicted = scores_of(self._model.model_s, (ir + y) / 2).argmax(1)
        return torch.where(crops.has_label.view(-1, 1, 1).to(ir.device), crops.label.to(ir.device), predicted)

    def state_dict(self) -> dict[str, Any]:
        """What is kept of each patch."""
        return {"known": dict(self._known)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._known = dict(state["known"])
