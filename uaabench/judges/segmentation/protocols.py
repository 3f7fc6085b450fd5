"""What an mIoU is of: which classes there are, which of them count, and which pixels are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uaabench.core.errors import UsageError, unknown_name
from uaabench.core.interface import DatasetCard


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A convention of evaluating label maps.

    Attributes:
        name: Name on the command line and in records.
        classes: Names of all classes, in the order of their label values from 0.
        counts_zero: Whether class 0 is a class. Otherwise its pixels of the ground truth are left out, and no
            prediction may be 0.
        ignore: Label value of the ground truth that is left out.
        version: Raised whenever its numbers change.
    """

    name: str
    classes: tuple[str, ...]
    counts_zero: bool
    ignore: int = 255
    version: int = 1

    @property
    def first(self) -> int:
        """The lowest label value that counts."""
        return 0 if self.counts_zero else 1

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of the classes that count."""
        return self.classes[self.first :]


_MSRS = ("unlabelled", "car", "person", "bike", "curve", "car stop", "guardrail", "colour cone", "bump")
_FMB = (
    "unlabelled", "road", "sidewalk", "building", "traffic lamp", "traffic sign", "vegetation", "sky", "person", "car",
    "truck", "bus", "motorcycle", "bicycle", "pole",
)  # fmt: skip
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(name="msrs-9", classes=_MSRS, counts_zero=True),
        Protocol(name="msrs-8", classes=_MSRS, counts_zero=False),
        Protocol(name="fmb-14", classes=_FMB, counts_zero=False),
        Protocol(name="fmb-15", classes=_FMB, counts_zero=True),
    )
}


def protocol(name: str) -> Protocol:
    """Look a protocol up.

    Raises:
        UsageError: There is no such protocol.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def for_dataset(card: DatasetCard, requested: str = "") -> Protocol | None:
    """The protocol a data set is evaluated by: the requested one, or the one its papers use; None without labels.

    Raises:
        UsageError: The requested protocol has other classes than the data set.
    """
    names = tuple(entry.name for entry in card.classes)
    if not names:
        return None
    if requested:
        chosen = protocol(requested)
        if chosen.classes != names:
            raise UsageError(
                f"The protocol '{requested}' has {len(chosen.classes)} classes that are not those of {card.title}; "
                f"choose one of: {', '.join(_fitting(names)) or 'none is built in'}."
            )
        return chosen
    known = _fitting(names)
    return PROTOCOLS[known[0]] if known else Protocol(name=f"{card.name}-{len(names)}", classes=names, counts_zero=True)


def _fitting(names: Sequence[str]) -> list[str]:
    return [entry.name for entry in PROTOCOLS.values() if entry.classes == tuple(names)]
