"""The corruptions by name: what each does, to which source, how strong, and where its constants come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from uaabench.core.arrays import ByteImage
from uaabench.degradations import compression, optics, registration, sensor
from uaabench.degradations.draws import Draws

Source = Literal["ir", "vi"]
SOURCE_NAMES: Mapping[Source, str] = {"ir": "infrared", "vi": "visible"}
BOTH: tuple[Source, ...] = ("ir", "vi")
IMAGENET_C = "Hendrycks, Dietterich, ICLR 2019 (ImageNet-C)"


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One fault that images can have, in several strengths.

    Attributes:
        name: Its name.
        title: What it is, in a few words.
        apply: `apply(image, strength, draws)` of one uint8 image, (H,W) or (H,W,3); gives another of that shape.
        version: Raised whenever its images change; part of every key.
        sources: The sources that can have it.
        strengths: The strengths there are, the first and the last one; None where it has none.
        unit: What stands behind the number.
        refusal: Why the other source cannot have it.
        reference: Where its constants come from.
    """

    name: str
    title: str
    apply: Callable[[ByteImage, int, Draws], ByteImage]
    version: int = 1
    sources: tuple[Source, ...] = BOTH
    strengths: tuple[int, int] | None = (1, 5)
    unit: str = ""
    refusal: str = ""
    reference: str = IMAGENET_C

    @property
    def usage(self) -> str:
        """How it is written, with the strengths there are: `noise:1` to `noise:5`."""
        if self.strengths is None:
            return f"`{self.name}`"
        first, last = self.strengths
        return f"`{self.name}:{first}{self.unit}` to `{self.name}:{last}{self.unit}`"


_ALL = (
    Corruption(name="noise", title="Gaussian noise", apply=sensor.noise),
    Corruption(name="blur", title="defocus", apply=optics.blur),
    Corruption(
        name="dark",
        title="little light",
        apply=optics.dark,
        sources=("vi",),
        refusal="a thermal camera sees by no light; write ir.lowcontrast for a faint thermal image",
        reference="Kar, Yeo, Atanov, Zamir, CVPR 2022 (3D Common Corruptions), without its noise",
    ),
    Corruption(
        name="fog",
        title="fog",
        apply=optics.fog,
        sources=("vi",),
        refusal="its bright veil is scattered visible light; write ir.lowcontrast for what fog does to a thermal image",
    ),
    Corruption(name="lowcontrast", title="low contrast", apply=optics.lowcontrast),
    Corruption(
        name="stripe",
        title="column stripes",
        apply=sensor.stripe,
        sources=("ir",),
        refusal="column stripes are of the readout of thermal sensors; write vi.noise",
        reference="ours",
    ),
    Corruption(
        name="jpeg",
        title="JPEG compression",
        apply=compression.jpeg,
        strengths=(1, 100),
        reference=f"quality of libjpeg; severities 1 to 5 of {IMAGENET_C} are 25, 18, 15, 10, 7",
    ),
    Corruption(
        name="shift",
        title="misalignment",
        apply=registration.shift,
        sources=("ir",),
        strengths=(1, 64),
        unit="px",
        refusal="infrared moves against visible, since labels and boxes belong to the visible image; write shift",
        reference="ours",
    ),
    Corruption(
        name="drop-ir",
        title="no infrared image",
        apply=sensor.drop,
        sources=("ir",),
        strengths=None,
        refusal="it takes the infrared image away",
        reference="ours",
    ),
)
CORRUPTIONS: Mapping[str, Corruption] = {entry.name: entry for entry in _ALL}
