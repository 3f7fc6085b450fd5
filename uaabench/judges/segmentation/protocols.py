"""What an mIoU is of: which classes there are, which of them count, and which pixels are left out."""

from __future__ import annotations

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
        UsageError: The requested protocol has other classes than the data set, or leaves out another label value.
    """
    if not card.classes:
        return None
    fitting = [entry.name for entry in PROTOCOLS.values() if _fits(entry, card)]
    if not requested:
        return PROTOCOLS[fitting[0]] if fitting else _own(card)
    chosen = protocol(requested)
    if not _fits(chosen, card):
        raise UsageError(
            f"The protocol '{requested}' has {len(chosen.classes)} classes and leaves out {chosen.ignore}, and "
            f"{card.title} says otherwise of its label maps; choose one of: {', '.join(fitting) or 'none is built in'}."
        )
    return chosen


def _fits(entry: Protocol, card: DatasetCard) -> bool:
    return entry.classes == tuple(known.name for known in card.classes) and entry.ignore == card.ignore_index


def _own(card: DatasetCard) -> Protocol:
    """The protocol of a data set that no built-in one fits: all classes count; its name says what is left out."""
    left_out = "" if card.ignore_index == Protocol.ignore else f"-without-{card.ignore_index}"
    classes = tuple(entry.name for entry in card.classes)
    return Protocol(
        name=f"{card.name}-{len(classes)}{left_out}", classes=classes, counts_zero=True, ignore=card.ignore_index
    )
