"""Detectors in ONNX and TFLite files, each with a TOML card beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uaabench.core import weights
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Detections
from uaabench.core.errors import UsageError, WeightsError, sentence
from uaabench.judges.detection.card import DetectorCard, Input, read_card
from uaabench.judges.detection.decoding import Outputs, Values, decode
from uaabench.judges.detection.detector import Detector
from uaabench.judges.detection.preprocessing import prepare
from uaabench.judges.detection.runtimes import RUNTIMES, Network, open_network
from uaabench.judges.detection.suppression import clip, suppress

if TYPE_CHECKING:
    import torch

SUFFIXES = (".toml", *RUNTIMES)
VERSION = 1


class PortableDetector(Detector):
    """A detector in an ONNX or TFLite file, run on the processor.

    Args:
        card: What it is.
        file: The file.
        name: Its name where the card gives none.

    Raises:
        WeightsError: The file is missing, or is not the one of the card.
    """

    def __init__(self, card: DetectorCard, file: Path, name: str) -> None:
        digest = weights.sha256(file)
        if card.sha256 not in ("", digest):
            raise WeightsError(
                f"{file} has the SHA-256 {digest[:12]}… instead of {card.sha256[:12]}…, which its card names; take "
                "that file, or correct the card."
            )
        self.name = card.name or name
        self.classes = card.found
        facts = card.model_dump(mode="json", exclude={"name", "file", "sha256"})
        self.key = {"version": VERSION, "sha256": digest, "card": facts}
        self._card, self._file, self._sha256 = card, file, digest
        self._network: Network | None = None

    def load(self, device: torch.device, precision: str = "fp32") -> None:  # noqa: ARG002 - it runs as it is
        """See `Detector.load`."""
        weights.ResolvedWeights(self._file, self._sha256).verify()
        self._network = open_network(self._file)

    def detect(self, image: ByteImage) -> Detections:
        """See `Detector.detect`."""
        card, limits = self._card, self._card.suppression
        if self._network is None:
            raise UsageError(f"The detector {self.name} has not been loaded; call load first.")
        values, placement = prepare(image, card.input)
        outputs = self._network.invoke(values.astype(self._network.dtype))
        decoded = decode(Outputs(outputs, str(self._file)), card)
        corners = clip(placement.undo(decoded.corners), *image.shape[:2])
        iou = None if decoded.final else limits.iou
        return suppress(corners, self._by_class(decoded.scores), score=limits.score, iou=iou, most=limits.most)

    def _by_class(self, columns: Values) -> Values:
        """Confidences (N,C) of columns to those of classes: of several columns of a class the greatest."""
        chosen = [[column for column, name in enumerate(self._card.classes) if name == known] for known in self.classes]
        return np.stack([columns[:, indices].max(axis=1) for indices in chosen], axis=1)


@cache
def require_fit(card: DetectorCard, file: Path, sha256: str) -> None:  # noqa: ARG001 - another content is tried anew
    """Run a file once, on a black image, so that a card that does not fit it is refused before anything is computed.

    Raises:
        UsageError: What runs it is not installed.
        WeightsError: It cannot be opened, or its input or outputs are not what the card says.
    """
    network = open_network(file)
    _refuse_other_input(network, card.input, file)
    values, _ = prepare(np.zeros((*card.input.size, 3), np.uint8), card.input)
    try:
        outputs = network.invoke(values.astype(network.dtype))
    except Exception as error:  # the runtimes raise whatever a file makes them stumble over
        raise WeightsError(f"{file} cannot be run on a black image: {sentence(error)}") from error
    decode(Outputs(outputs, str(file)), card)


def _refuse_other_input(network: Network, facts: Input, file: Path) -> None:
    shape = (1, *facts.size, 3) if facts.layout == "nhwc" else (1, 3, *facts.size)
    fits = len(network.shape) == 4 and all(a in (None, b) for a, b in zip(network.shape, shape, strict=True))
    if not fits:
        found = "x".join("any" if length is None else str(length) for length in network.shape)
        raise WeightsError(
            f"{file} takes an input of {found}, but its card says {'x'.join(map(str, shape))} ({facts.layout}); "
            "correct 'size' or 'layout' of the card's input."
        )
    as_it_is = network.dtype == np.uint8 and (facts.mean, facts.std) == (0, 1)
    if network.dtype not in (np.float32, np.float16) and not as_it_is:
        raise WeightsError(
            f"{file} takes values of type {network.dtype}; a card can serve float32 and float16, and uint8 with "
            "mean = 0 and std = 1."
        )


def resolve(path: Path) -> PortableDetector:
    """Find a detector by its file or its card, which has the same stem, and see that the two fit each other.

    Raises:
        UsageError: There is no such card, it is wrong, or what runs the file is not installed.
        WeightsError: The file is missing, is not the one of the card, or does not fit it.
    """
    place = path.with_suffix(".toml")
    card = read_card(place)
    file = place.parent / card.file
    if path.suffix != ".toml" and file.name != path.name:
        raise UsageError(f"The card {place} is of {card.file}, not of {path.name}; correct its entry 'file'.")
    detector = PortableDetector(card, file, place.stem)
    require_fit(card, file.resolve(), detector.key["sha256"])
    return detector
