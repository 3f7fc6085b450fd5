"""Cards of detectors in ONNX and TFLite files: what the file itself does not say, as TOML beside it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from uaabench.core.errors import UsageError
from uaabench.running.config import invalid_entry

Channels = tuple[float, float, float]
Share = Annotated[float, Field(ge=0, le=1)]
Output = int | str


class Table(BaseModel):
    """A table of a card; an entry that does not exist is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Input(Table):
    """How an image becomes the input of the network.

    Attributes:
        size: (height, width) in pixels.
        layout: Order of the axes.
        channels: Order of the colours.
        mean: Subtracted from the values 0..255: one number, or one for each channel.
        std: Divides what is left, likewise.
        resize: `stretch` to the size; `letterbox` keeps the ratio and fills what is left on both sides alike.
        fill: Value 0..255 of what a letterbox fills.
    """

    size: tuple[PositiveInt, PositiveInt]
    layout: Literal["nchw", "nhwc"]
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: float | Channels = 0.0
    std: PositiveFloat | tuple[PositiveFloat, PositiveFloat, PositiveFloat] = 255.0
    resize: Literal["stretch", "letterbox"] = "stretch"
    fill: int = Field(default=114, ge=0, le=255)


class SsdAnchors(Table):
    """Offsets to the anchors of an SSD, as the `ssd_anchor_generator` of TensorFlow's Object Detection API lays them.

    Attributes:
        kind: Name of this decoding.
        boxes: Output with the offsets (1,N,4): centre y, centre x, height, width.
        scores: Output with the classes (1,N,C).
        activation: What turns that output into confidences.
        cells: Cells in a row and a column of each layer, the finest first.
        scales: Smallest and largest scale of the anchors, in shares of the image.
        ratios: Width by height of the anchors of a cell; one more, of ratio 1, has a scale between two layers.
        reduce_lowest: Whether the first layer has but three: ratio 1 with scale 0.1, and ratios 2 and 1/2.
        offset_scales: What the four offsets were multiplied by.
    """

    kind: Literal["ssd-anchors"]
    boxes: Output = 0
    scores: Output = 1
    activation: Literal["none", "sigmoid", "softmax"] = "sigmoid"
    cells: tuple[PositiveInt, ...] = Field(min_length=2)
    scales: tuple[PositiveFloat, PositiveFloat] = (0.2, 0.95)
    ratios: tuple[PositiveFloat, ...] = (1.0, 2.0, 0.5, 3.0, 1 / 3)
    reduce_lowest: bool = True
    offset_scales: tuple[PositiveFloat, PositiveFloat, PositiveFloat, PositiveFloat] = (10.0, 10.0, 5.0, 5.0)


class Yolo(Table):
    """Boxes by centre, width and height, each with its confidences, as YOLO v5 and v8 export them.

    Attributes:
        kind: Name of this decoding.
        output: The output: (1,4+C,N) or (1,N,4+C), and one more where there is an objectness.
        objectness: Whether a confidence that there is any object stands before those of the classes and multiplies
            them, as in v5.
        unit: Of the boxes: pixels of the input, or shares of it.
    """

    kind: Literal["yolo"]
    output: Output = 0
    objectness: bool = False
    unit: Literal["pixels", "shares"] = "pixels"


class NmsIncluded(Table):
    """Boxes that are final: the file suppresses by itself.

    Attributes:
        kind: Name of this decoding.
        boxes: Output with the boxes, (1,N,4) or (N,4).
        scores: Output with the confidences, (1,N) or (N).
        labels: Output with the indices into the classes of the card, likewise.
        order: Of the four numbers of a box.
        unit: Of the boxes: pixels of the input, or shares of it.
    """

    kind: Literal["nms-included"]
    boxes: Output = 0
    scores: Output = 1
    labels: Output = 2
    order: Literal["xyxy", "yxyx"] = "xyxy"
    unit: Literal["pixels", "shares"] = "pixels"


class Suppression(Table):
    """Which of the decoded boxes are detections.

    Attributes:
        score: Boxes at or below this confidence are none.
        iou: Of two boxes of one class that overlap more, the less confident goes; unused where the file suppresses.
        most: Most detections in an image, the most confident.
    """

    score: Share = 0.05
    iou: Share = 0.5
    most: PositiveInt = 100


class DetectorCard(Table):
    """What there is to know of a detector in a file.

    Attributes:
        name: How records and tables name it; empty for the name of the card.
        file: The ONNX or TFLite file, from the folder of the card.
        sha256: Hash of the file, which is checked; empty where it does not matter.
        version: Raised whenever its numbers change.
        classes: Class of each column of the output, or of each label; empty for a column that is left out, such as the
            background. A class that has several columns has the greatest of their confidences.
        input: How it takes images.
        decoding: What its outputs mean.
        suppression: Which boxes are detections.
    """

    name: str = ""
    file: str = Field(min_length=1)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    version: PositiveInt = 1
    classes: tuple[str, ...] = Field(min_length=1)
    input: Input
    decoding: Annotated[SsdAnchors | Yolo | NmsIncluded, Field(discriminator="kind")]
    suppression: Suppression = Suppression()

    @property
    def found(self) -> tuple[str, ...]:
        """The classes that it finds, each once."""
        return tuple(dict.fromkeys(filter(None, self.classes)))


def read_card(path: Path) -> DetectorCard:
    """Read a card.

    Raises:
        UsageError: It cannot be read, is no TOML, or an entry is unknown, missing or cannot have its value.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"Cannot read the card {path}: {error.strerror or error}; a detector in a file needs one beside it, see "
            "docs/detectors.md."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The card {path} is not valid TOML: {error}; see docs/detectors.md.") from error
    try:
        card = DetectorCard.model_validate(content)
    except ValidationError as error:
        raise invalid_entry(error, f" of the card {path}") from error
    if not card.found:
        raise UsageError(f"The card {path} names no class; name at least one in 'classes'.")
    return card
