"""What makes one UAAFusion+ network differ from another."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from uaabench.core.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class UAAPlusConfig:
    """Shape of a UAAFusion+ network, and how attribution decides between the sources.

    Attributes:
        stages: Number N of unfolded stages.
        channels: Width of the features of a stage; even.
        segmenter_sha256: Hash of the weights of the segmenter that guides; empty until a training has read them.
        preference: Factor k of the region's attribution in the weights of the sources; 0 leaves the soft maximum.
        softness: Difference of the sources in 0..1 that the soft maximum takes for decisive.
        attention: Whether the attribution of the iterates gates the features.
    """

    # pydantic, which checks recipes, must refuse an entry that does not exist.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    stages: int = 3
    channels: int = 16
    segmenter_sha256: str = ""
    preference: float = 12.0
    softness: float = 0.03
    attention: bool = True

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Make a configuration from the entries that `as_dict` gave.

        Raises:
            WeightsError: An entry is missing or unknown.
        """
        if wrong := ", ".join(sorted(content.keys() ^ {entry.name for entry in fields(cls)})):
            raise WeightsError(
                f"The UAAFusion+ configuration has missing or unknown entries ({wrong}); export it again."
            )
        return cls(**content)

    def as_dict(self) -> dict[str, Any]:
        """Entries by name, ready for JSON."""
        return asdict(self)
