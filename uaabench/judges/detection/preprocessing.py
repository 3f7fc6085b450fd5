"""From an 8-bit image to the input of a network, and from boxes on that input back to the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Corners
from uaabench.judges.detection.card import Input


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an image lies on the input of a network: input = image * scale + offset, as (x, y) in pixels."""

    scale: tuple[float, float]
    offset: tuple[float, float]

    def undo(self, corners: Corners) -> Corners:
        """(N,4) corners on the input to corners on the image."""
        return np.asarray((corners - np.array(self.offset * 2)) / np.array(self.scale * 2))


def prepare(image: ByteImage, facts: Input) -> tuple[npt.NDArray[np.float32], Placement]:
    """Make the input of a network: (H,W,3) RGB to one batch in the layout that its card names.

    The image is scaled by OpenCV's plain bilinear interpolation.
    """
    resized, placement = _resize(image, facts)
    ordered = resized if facts.channels == "rgb" else resized[..., ::-1]
    values = (ordered.astype(np.float32) - np.array(facts.mean, np.float32)) / np.array(facts.std, np.float32)
    batch = values[None] if facts.layout == "nhwc" else values.transpose(2, 0, 1)[None]
    return np.ascontiguousarray(batch), placement


def _resize(image: ByteImage, facts: Input) -> tuple[ByteImage, Placement]:
    height, width = image.shape[:2]
    rows, columns = facts.size
    if facts.resize == "stretch":
        stretched = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)
        return np.asarray(stretched, np.uint8), Placement((columns / width, rows / height), (0.0, 0.0))
    ratio = min(rows / height, columns / width)
    inner = max(1, round(height * ratio)), max(1, round(width * ratio))
    top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
    canvas = np.full((rows, columns, 3), facts.fill, np.uint8)
    canvas[top : top + inner[0], left : left + inner[1]] = cv2.resize(image, inner[::-1])
    return canvas, Placement((inner[1] / width, inner[0] / height), (float(left), float(top)))
