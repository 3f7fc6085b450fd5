"""Where each pixel of a frame was in the frame before, by dense optical flow, and where that can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core import imaging
from uaabench.core.arrays import FloatImage
from uaabench.core.interface import Sources

Flow = NDArray[np.float32]
Mask = NDArray[np.bool_]
# There and back again a pixel may end so far from where it began; beyond that it was hidden or could not be followed.
TOLERANCE = 1.0
# A smaller part of the image that can be followed is no motion but a cut: of consecutive frames of M3SVD 0.93 and more
# can be followed, of images of MSRS, TNO and the demo that have nothing in common at most 0.03, of noise 0.11.
LEAST_FOLLOWED = 0.3


@dataclass(frozen=True)
class Motion:
    """The motion from the frame before to this one, as the sources show it.

    Attributes:
        flows: For infrared and visible image the flow from this frame to the one before, (H,W,2) x and y in pixels.
        followed: (H,W) the pixels that can be followed in both of them: not hidden, not beyond the frame.
        changes: For each of the two the sum of its own absolute change along its flow over these pixels, in 0..255.
    """

    flows: tuple[Flow, Flow]
    followed: Mask
    changes: tuple[float, float]


def motion(previous: Sources, current: Sources) -> Motion | None:
    """Find the motion between two frames by DIS optical flow of either source; None where they are of two shots.

    Reference: Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016, as OpenCV has it. Its result
    depends on the number of OpenCV's threads, which is one in every run. Frames of two shots differ in size, or hardly
    any pixel can be followed from one to the other.
    """
    if previous.ir.shape != current.ir.shape:
        return None
    frames = [(_grey(before), _grey(now)) for before, now in ((previous.ir, current.ir), (previous.vi, current.vi))]
    flows = [(_flow(now, before), _flow(before, now)) for before, now in frames]
    followed = _followed(*flows[0]) & _followed(*flows[1])
    if followed.mean() < LEAST_FOLLOWED:
        return None
    infrared, visible = (there for there, _ in flows)
    changes = [
        change(before, now, flow, followed) for (before, now), flow in zip(frames, (infrared, visible), strict=True)
    ]
    return Motion((infrared, visible), followed, (changes[0], changes[1]))


def change(previous: FloatImage, current: FloatImage, flow: Flow, followed: Mask) -> float:
    """Sum of the absolute differences of a frame and the frame before, warped along a flow, over some pixels.

    Args:
        previous: (H,W) in 0..255.
        current: (H,W) in 0..255.
        flow: From `current` to `previous`.
        followed: Which pixels count.
    """
    return float(np.abs(current - warp(previous, flow))[followed].sum())


def warp(image: FloatImage | Flow, flow: Flow) -> FloatImage:
    """What an image shows where a flow points to, bilinear; beyond the border the pixel of the border."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    found = cv2.remap(
        image.astype(np.float32), x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found.astype(np.float64)


def _grey(image: NDArray[np.uint8]) -> FloatImage:
    return imaging.grey(image) if image.ndim == 3 else image.astype(np.float64)


def _flow(one: FloatImage, other: FloatImage) -> Flow:
    """DIS flow from one image to another, in the medium preset of OpenCV."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    nowhere = np.empty((0, 0), np.float32)
    return np.asarray(method.calc(one.astype(np.uint8), other.astype(np.uint8), nowhere), np.float32)


def _followed(there: Flow, back: Flow) -> Mask:
    """The pixels whose way there lies within the frame and whose way back leads to where they began."""
    height, width = there.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = x + there[..., 0], y + there[..., 1]
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    return np.asarray(inside & (np.hypot(*np.moveaxis(there + warp(back, there), -1, 0)) < TOLERANCE))
