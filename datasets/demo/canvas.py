"""The drawing surface of the demo scenes: a pinhole camera above a plane, and filled shapes of paint.

Every shape is drawn at twice the final size into colour, temperature, label, depth and material at once, so the label
map fits the images exactly. All drawing is in fixed point, hence equal on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage

HEIGHT, WIDTH = 240, 320
SCALE = 2
FOCAL = 260.0
CAMERA_HEIGHT = 1.45
NEAREST = 2.5
_FRACTION_BITS = 4
# A polygon from OpenCV's own table of whole numbers: the sine of the C library differs between machines.
_CIRCLE = np.array(cv2.ellipse2Poly((0, 0), (1000, 1000), 0, 0, 360, 15)) / 1000.0

Colour = tuple[float, float, float]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Paint:
    """What a surface looks like: RGB reflectance 0..255, temperature 0..255, and more.

    Attributes:
        rgb: Reflectance of red, green and blue.
        temperature: Brightness in infrared.
        label: Class of the label map.
        texture: Strength of the surface's grain, 0..255.
        glow: How far it shines by itself, 0..255.
    """

    rgb: Colour
    temperature: float
    label: int = 0
    texture: int = 20
    glow: int = 0


def _blank(channels: int) -> ByteImage:
    return np.zeros((HEIGHT * SCALE, WIDTH * SCALE, channels), np.uint8)


@dataclass
class Canvas:
    """The scene as the camera sees it; world coordinates are metres right, up and ahead.

    Attributes:
        horizon: Row of the horizon in the final image.
        centre: Column of the vanishing point in the final image.
        bend: Sideways bend of the road, in 1 / metres.
        surface: Red, green, blue, temperature, each drawn at `SCALE` times the final size.
        material: Label, inverse depth, texture, glow.
        things: Labels of the objects that were begun, in their order.
        numbers: Of which object each point is, counted from 1; 0 of none.
    """

    horizon: float
    centre: float
    bend: float
    surface: ByteImage = field(default_factory=lambda: _blank(4))
    material: ByteImage = field(default_factory=lambda: _blank(4))
    things: list[int] = field(default_factory=list)
    numbers: ByteImage = field(default_factory=_blank(1)[..., 0].copy)

    def begin(self, label: int) -> None:
        """Begin an object: what is painted with its label from now on is of this one."""
        self.things.append(label)

    def project(self, points: Iterable[Point]) -> NDArray[np.float64]:
        """Project points (x, height, z) to (N,2) columns and rows of the drawing."""
        x, y, z = np.asarray(list(points), np.float64).T
        columns = self.centre + FOCAL * (x + self.bend * z * z) / z
        rows = self.horizon + FOCAL * (CAMERA_HEIGHT - y) / z
        return np.stack([columns, rows], axis=1) * SCALE

    def polygon(self, points: Iterable[Point], paint: Paint, *, flat: bool = False) -> None:
        """Fill a polygon of world points; a `flat` one lies on the ground and keeps the depth of the ground."""
        points = list(points)
        depth = min(point[2] for point in points)
        self._fill(self.project(points), paint, None if flat else depth)

    def outline(self, corners: NDArray[np.float64], paint: Paint, depth: float) -> None:
        """Fill a polygon given in columns and rows of the final image, at one depth."""
        self._fill(corners * SCALE, paint, depth)

    def disc(self, centre: Point, radii: tuple[float, float], paint: Paint) -> None:
        """Fill an upright ellipse around a world point; radii in metres."""
        x, y, z = centre
        self.polygon([(x + radii[0] * a, y + radii[1] * b, z) for a, b in _CIRCLE[:-1]], paint)

    def bar(self, start: Point, end: Point, thickness: float, paint: Paint) -> None:
        """Draw a bar between two world points of one depth; thickness in metres, at least one pixel."""
        (x0, y0), (x1, y1) = self.project([start, end])
        length = max(float(np.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)), 1e-6)
        half = max(thickness * FOCAL / start[2], 1.0) * SCALE / 2
        dx, dy = -(y1 - y0) / length * half, (x1 - x0) / length * half
        corners = np.array([(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)])
        self._fill(corners, paint, min(start[2], end[2]))

    def shade(self, centre: Point, radii: tuple[float, float], keep: float) -> None:
        """Darken an ellipse on the ground to the share `keep`: the shadow below an object."""
        x, _, z = centre
        corners = self.project([(x + radii[0] * a, 0, max(z + radii[1] * b, NEAREST / 2)) for a, b in _CIRCLE])
        mask = np.zeros(self.surface.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(corners)], 1, shift=_FRACTION_BITS)
        left, top, width, height = cv2.boundingRect(mask)
        window = self.surface[top : top + height, left : left + width, :3]
        inside = mask[top : top + height, left : left + width].astype(bool)
        window[inside] = window[inside] * keep

    def _fill(self, corners: NDArray[np.float64], paint: Paint, depth: float | None) -> None:
        shape = [_fixed(corners)]
        colour = [_byte(value) for value in (*paint.rgb, paint.temperature)]
        cv2.fillPoly(self.surface, shape, colour, shift=_FRACTION_BITS)
        number = len(self.things) if self.things and paint.label == self.things[-1] else 0
        cv2.fillPoly(self.numbers, shape, number, shift=_FRACTION_BITS)
        if depth is None:
            kept = self.material[..., 1].copy()
        near = 0 if depth is None else _byte(255 * NEAREST / depth)
        cv2.fillPoly(self.material, shape, (paint.label, near, paint.texture, paint.glow), shift=_FRACTION_BITS)
        if depth is None:
            self.material[..., 1] = kept


def _fixed(corners: NDArray[np.float64]) -> NDArray[np.int32]:
    scaled: NDArray[np.float64] = np.rint(np.clip(corners, -4000, 4000) * 2**_FRACTION_BITS)
    return scaled.astype(np.int32)


def _byte(value: float) -> int:
    return int(min(max(value, 0.0), 255.0))
