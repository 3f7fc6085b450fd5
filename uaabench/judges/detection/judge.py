"""What judges the fused images of a method: one detector for all methods, or some that were trained on its images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from uaabench.core.errors import UsageError
from uaabench.judges import retrained
from uaabench.judges.detection import detectors, trained
from uaabench.judges.detection.detector import Detector
from uaabench.judges.detection.protocols import Protocol, translation
from uaabench.running.batches import Size

WEIGHTS = "detector.safetensors"


@dataclass(frozen=True)
class Judge:
    """One detector under one protocol.

    Attributes:
        named: What the detector is found by.
        detector: Its name in tables.
        key_of_detector: Everything that its detections depend on.
        protocol: The protocol.
        labels: The number of a class by label of the detector.
        classes: Names of the classes that count and that it can know.
        way: `frozen` where one detector judges every method, `retrain` where each method has its own.
        seed: Seed of its training, where a method has a judge for each of several; None otherwise.
        precision: Arithmetic it is run in, `fp32` or `bf16`.
        batches: How many images of each size it is given at once.
    """

    named: str
    detector: str
    key_of_detector: Mapping[str, Any]
    protocol: Protocol
    labels: Mapping[int, int]
    classes: tuple[str, ...]
    way: str = "frozen"
    seed: int | None = None
    precision: str = "fp32"
    batches: Mapping[Size, int] = field(default_factory=dict)

    @property
    def key(self) -> list[Any]:
        """Everything that decides its numbers."""
        labels = sorted(self.labels.items())
        usual = [self.way, dict(self.key_of_detector), asdict(self.protocol), labels, list(self.classes)]
        return usual if self.precision == "fp32" else [*usual, self.precision]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Classes that count, but that the detector cannot know."""
        return tuple(name for name in self.protocol.counted if name not in self.classes)


def name_of(judges: Sequence[Judge]) -> str:
    """How records and tables name the judges of one method: `frozen msrs-det-3, ssd`."""
    first = judges[0]
    detector = first.detector if first.way == "frozen" else ""
    network = retrained.with_precision(detector, first.precision)
    return retrained.in_words(first.way, first.protocol.name, network, [judge.seed for judge in judges])


def judges_of(
    method: str,
    named: str,
    adapter: str,
    protocol: Protocol | None,
    find: Callable[[str], Detector] = detectors.resolve,
) -> list[Judge]:
    """What judges a method on a data set; nothing for one without boxes or, with `auto`, without its detector.

    Args:
        method: Label of the method.
        named: What the user asked for; see `RunConfig.detector`.
        adapter: Name of the data set's adapter.
        protocol: Convention of the data set; None for one without boxes.
        find: Finds a detector by its name; a cached one reads the file of a detector once for all methods.

    Raises:
        UsageError: There is no such detector, none for this method in a folder of retrained ones, or it knows no class
            of the protocol.
        WeightsError: Its file is missing, or not what it should be.
    """
    if named == "none" or protocol is None:
        return []
    if named == "auto":
        return [_judge(find(adapter), adapter, protocol)] if trained.shipped(adapter) else []
    folder = Path(named).expanduser()
    # The name of a shipped one is never that of a folder, wherever the command is given; write ./NAME for that.
    if not trained.shipped(named) and folder.is_dir():
        found = [(_trained(one), seed) for one, seed in retrained.folders(folder / method)]
        return [_judge(find(file), file, protocol, "retrain", seed) for file, seed in found]
    return [_judge(find(named), named, protocol)]


def _judge(found: Detector, named: str, protocol: Protocol, way: str = "frozen", seed: int | None = None) -> Judge:
    labels, classes = translation(found.classes, protocol)
    return Judge(named, found.name, dict(found.key), protocol, labels, classes, way, seed)


def _trained(folder: Path) -> str:
    if not (folder / WEIGHTS).is_file():
        raise UsageError(
            f"There is no trained detector {folder / WEIGHTS}; every method of the run needs one there, floor "
            "included: uaabench train judges --task detection --methods NAMES, or leave the floor out by --no-floor."
        )
    return str(folder / WEIGHTS)
