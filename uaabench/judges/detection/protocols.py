"""What an AP is of: which boxes, which classes count, how detectors call them, and which sizes are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uaabench.core.errors import UsageError, unknown_name
from uaabench.judges.detection.matching import ALL, COCO_AREAS, AreaRange

# What detectors call a class, by what data sets call it: names of COCO, OpenImages, Pascal VOC and the data sets.
NAMES: Mapping[str, tuple[str, ...]] = {
    "person": ("person", "people", "pedestrian"),
    "bicycle": ("bicycle", "bike"),
    "motorcycle": ("motorcycle", "motorbike"),
    "car": ("car",),
    "bus": ("bus",),
    "truck": ("truck", "lorry"),
    "lamp": ("lamp", "street light"),
}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A convention of judging detections.

    Attributes:
        name: Name on the command line and in records.
        classes: Names of all classes of the boxes, in the order of their labels.
        counted: Names of those that count.
        boxes: Version of the boxes; empty for the usual one.
        areas: Sizes of objects, in pixels, that AP and AR are reported of; the first is that of the table.
        version: Raised whenever its numbers change.
    """

    name: str
    classes: tuple[str, ...]
    counted: tuple[str, ...]
    boxes: str = ""
    areas: tuple[AreaRange, ...] = (ALL,)
    version: int = 1


def _built_in(name: str, classes: tuple[str, ...], boxes: str = "", areas: tuple[AreaRange, ...] = (ALL,)) -> Protocol:
    return Protocol(name=name, classes=classes, counted=classes, boxes=boxes, areas=areas)


_MSRS = ("person", "bicycle", "car")
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        _built_in("msrs-det-3", _MSRS, "fusion"),
        _built_in("msrs-det-3-visible", _MSRS, "visible"),
        _built_in("msrs-det-3-infrared", _MSRS, "infrared"),
        _built_in("m3fd-det-6", ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck"), areas=COCO_AREAS),
        _built_in("llvip-det-1", ("person",)),
        _built_in("demo-det-3", ("person", "bike", "car")),
    )
}


def protocol(name: str) -> Protocol:
    """Look a protocol up.

    Raises:
        UsageError: There is no such protocol.
    """
    if name not in PROTOCOLS:
        raise unknown_name("detection protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def for_dataset(name: str, classes: tuple[str, ...], versions: Sequence[str], requested: str = "") -> Protocol | None:
    """The protocol that the boxes of a data set are judged by; None without boxes.

    Args:
        name: Name of the adapter of the data set.
        classes: Names of the classes of its boxes.
        versions: The versions of its boxes that are there.
        requested: Name of the protocol that was asked for; empty for the usual one of the data set, or one in which all
            of its classes count.

    Raises:
        UsageError: The requested protocol has other classes, or needs boxes that are not there.
    """
    if not classes or not versions:
        return None
    fitting = [entry for entry in PROTOCOLS.values() if entry.classes == classes and _is_there(entry, versions)]
    if not requested:
        usual = [entry for entry in fitting if entry.name.startswith(f"{name}-")]
        return usual[0] if usual else _built_in(f"{name}-det-{len(classes)}", classes)
    chosen = protocol(requested)
    if chosen not in fitting:
        raise UsageError(
            f"The protocol '{requested}' is for boxes of {', '.join(chosen.classes)}"
            f"{f' in the version {chosen.boxes}' if chosen.boxes else ''}, but the data set '{name}' has boxes of "
            f"{', '.join(classes)} ({', '.join(versions)}); leave --detection-protocol out, or take one of: "
            f"{', '.join(entry.name for entry in fitting) or 'none is built in'}."
        )
    return chosen


def _is_there(entry: Protocol, versions: Sequence[str]) -> bool:
    return not entry.boxes or entry.boxes in versions


def translation(known: Sequence[str], chosen: Protocol) -> tuple[dict[int, int], tuple[str, ...]]:
    """How the labels of a detector become those of the classes that it can know and that count.

    Args:
        known: Names of what the detector finds, in the order of its labels.
        chosen: The protocol.

    Returns:
        The number of its class among the names that follow, by label of the detector; and those names, which are the
        counted ones but for what the detector does not know.

    Raises:
        UsageError: It knows none of them.
    """
    plain = [_plain(name) for name in known]
    classes = tuple(name for name in chosen.counted if _plain(name) in plain)
    if not classes:
        raise UsageError(
            f"The detector finds {', '.join(filter(None, known))}, and none of {', '.join(chosen.counted)}, which "
            f"count under {chosen.name}; take another detector."
        )
    number_of = {_plain(name): number for number, name in enumerate(classes)}
    return {label: number_of[name] for label, name in enumerate(plain) if name in number_of}, classes


def _plain(name: str) -> str:
    """The one name of a class that several lists call differently."""
    folded = name.casefold().replace("_", " ").replace("-", " ").strip()
    return next((plain for plain, others in NAMES.items() if folded in others), folded)
