"""What makes one UAAFusion network differ from another."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from uaabench.errors import WeightsError


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
    """

    stages: int
    steps: int
    channels: int
    segmenter: str
    classes: int
    data_step: bool = True

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Make a configuration from the entries that `as_dict` gave.

        Raises:
            WeightsError: An entry is missing or unknown.
        """
        expected = {entry.name for entry in fields(cls)}
        if content.keys() != expected:
            wrong = ", ".join(sorted(content.keys() ^ expected))
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
"""The network of the shipped weights: a pair of 480x640 in four to five seconds on two slow CPU cores."""
