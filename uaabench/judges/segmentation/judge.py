"""What judges the fused images of a method: one segmenter for all methods, or some that were trained on its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from uaabench.core import files
from uaabench.core.errors import UsageError, sentence
from uaabench.judges import retrained
from uaabench.judges.segmentation import segmenters
from uaabench.judges.segmentation.protocols import Protocol
from uaabench.judges.segmentation.segmenters import SegmenterFile
from uaabench.running.batches import Size

WEIGHTS = "segmenter.safetensors"


@dataclass(frozen=True)
class Judge:
    """One segmenter under one protocol.

    Attributes:
        file: The segmenter.
        protocol: Which classes count.
        way: `frozen` where one segmenter judges every method, `retrain` where each method has its own, trained on its
            fused images.
        seed: Seed of its training, where a method has a judge for each of several; None otherwise.
        precision: Arithmetic it is run in, `fp32` or `bf16`.
        batches: How many images of each size it is given at once.
    """

    file: SegmenterFile
    protocol: Protocol
    way: str = "frozen"
    seed: int | None = None
    precision: str = "fp32"
    batches: Mapping[Size, int] = field(default_factory=dict)

    @property
    def key(self) -> list[Any]:
        """Everything that decides its numbers.

        Raises:
            UsageError: Its network is no configuration of mmsegmentation.
        """
        file = self.file
        version = file.card.version if file.card else 0
        usual = [self.way, file.sha256, version, _described(file.config), asdict(self.protocol)]
        return usual if self.precision == "fp32" else [*usual, self.precision]


def _described(config: Path) -> str:
    """Hash of what a configuration says together with those it is based on, wherever they lie."""
    from mmengine.config import Config

    try:
        content = Config.fromfile(config).to_dict()
    except Exception as error:
        raise UsageError(f"{config} is not an mmsegmentation configuration: {sentence(error)}") from error
    return files.digest(repr(content))


def name_of(judges: Sequence[Judge]) -> str:
    """How records and tables name the judges of one method: `retrain msrs-9, fast-scnn, mean of seeds 0, 1`."""
    first = judges[0]
    network = first.file.config.stem.replace("_", "-") if first.way == "retrain" else first.file.name
    network = retrained.with_precision(network, first.precision)
    return retrained.in_words(first.way, first.protocol.name, network, [judge.seed for judge in judges])


def judges_of(method: str, named: str, adapter: str, protocol: Protocol | None) -> list[Judge]:
    """What judges a method on a data set; nothing for one without classes or, with `auto`, without its segmenter.

    Args:
        method: Label of the method.
        named: What the user asked for; see `RunConfig.segmenter`.
        adapter: Name of the data set's adapter.
        protocol: Convention of the data set; None for one without classes.

    Raises:
        UsageError: There is no such segmenter, or none for this method in a folder of retrained ones.
    """
    if named == "none" or protocol is None:
        return []
    if named == "auto":
        known = segmenters.shipped(adapter)
        return [Judge(segmenters.resolve(adapter), protocol)] if known else []
    folder = Path(named).expanduser()
    # The name of a shipped one is never that of a folder, wherever the command is given; write ./NAME for that.
    if named not in segmenters.shipped_names() and folder.is_dir():
        found = retrained.folders(folder / method)
        return [Judge(_trained(one), protocol, "retrain", seed) for one, seed in found]
    return [Judge(segmenters.resolve(named), protocol)]


def _trained(folder: Path) -> SegmenterFile:
    if not (folder / WEIGHTS).is_file():
        raise UsageError(
            f"There is no trained segmenter {folder / WEIGHTS}; every method of the run needs one there, floor "
            "included: uaabench train judges --methods NAMES, or leave the floor out by --no-floor."
        )
    return segmenters.resolve(str(folder / WEIGHTS))
