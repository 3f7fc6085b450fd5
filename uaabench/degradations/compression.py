"""JPEG compression."""

from __future__ import annotations

import cv2
import numpy as np

from uaabench.core.arrays import ByteImage
from uaabench.degradations.draws import Draws


def jpeg(image: ByteImage, quality: int, draws: Draws) -> ByteImage:  # noqa: ARG001 - nothing is drawn
    """Write a uint8 image as JPEG and read it again; chroma has half the resolution, as cameras keep it.

    libjpeg-turbo, which OpenCV brings along, computes both ways in integers, the same on any processor.
    """
    order = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
    _, data = cv2.imencode(".jpg", order, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR), np.uint8)
    return back if image.ndim == 2 else np.ascontiguousarray(back[..., ::-1])
