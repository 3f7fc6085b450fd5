"""What makes one UAAFusion network differ from another."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, Self

from uaabench.core.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class UAAConfig:
    """Shape of a UAAFusion network and how it is unfolded.

    Attributes:
        stages: Number N of unfolded stages.
        steps: Number K of integrated-gradient steps of the attribution.
        channels: Width of the features of a stage; even.
        segmenter: Name of the segmenter inside, see `uaabench.baselines.uaa.segmenter.build_segmenter`.
        classes: Number C of classes the segmenter scores.
        data_step: Whether a stage takes the gradient step on the fidelity term; the released code drops it.
        memory: Whether stages hand memories on; without, each finds the features of the sources in their place.
        attention: Whether the attribution of the iterates gates the features; without, all are halved alike.
    """

    # pydantic, which checks recipes, must refuse an entry that does not exist.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    stages: int
    steps: int
    channels: int
    segmenter: str
    classes: int
    data_step: bool = True
    memory: bool = True
    attention: bool = True

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Make a configuration from the entries that `as_dict` gave.

        Raises:
            WeightsError: An entry without a default is missing, or one is unknown.
        """
        known = {entry.name: entry.default for entry in fields(cls)}
        required = {name for name, default in known.items() if default is MISSING}
        if wrong := ", ".join(sorted((content.keys() - known.keys()) | (required - content.keys()))):
            raise WeightsError(
                f"The UAAFusion configuration has missing or unknown entries ({wrong}); export it again."
            )
        return cls(**content)

    def as_dict(self) -> dict[str, Any]:
        """Entries by name, ready for JSON."""
        return asdict(self)


RELEASED = UAAConfig(stages=5, steps=5, channels=32, segmenter="mobilenetv2", classes=15, data_step=False)
"""The authors' network for FMB; their code computes the data step and drops its result."""

SMALL = UAAConfig(stages=3, steps=3, channels=16, segmenter="small", classes=9)
"""The network of the shipped weights, for CPUs."""

TINY = UAAConfig(stages=2, steps=2, channels=8, segmenter="small", classes=9)
"""The least that still has a data step, attention and memory."""

CONFIGS = {"released": RELEASED, "small": SMALL, "tiny": TINY}
"""Networks that a recipe can name."""
