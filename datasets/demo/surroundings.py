"""What surrounds the road in the demo scenes: sky, ground, markings, kerbs, houses, trees, rails, lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from uaabench.datasets.demo.canvas import CAMERA_HEIGHT, FOCAL, HEIGHT, NEAREST, SCALE, WIDTH, Canvas, Colour, Paint
from uaabench.datasets.demo.objects import CURVE, GUARDRAIL

FAR = 150.0


@dataclass(frozen=True)
class Climate:
    """Temperatures 0..255 of the things that nothing heats.

    Attributes:
        night: Whether it is night.
        road: Asphalt, and whatever has stood on it long enough.
        ground: Lawn, verge and paving: at the hours of these scenes they are equally warm.
        wall: Walls of houses.
        leaf: Foliage.
        sky: Sky, and what reflects it.
    """

    night: bool
    road: float
    ground: float
    wall: float
    leaf: float
    sky: float


def stretch(near: float, far: float, count: int = 14) -> list[float]:
    """Distances between `near` and `far`, evenly spaced in the image."""
    steps = [index / (count - 1) for index in range(count)]
    return [1 / ((1 - step) / near + step / far) for step in steps]


def strip(
    canvas: Canvas, left: float, right: float, span: tuple[float, float], paint: Paint, height: float = 0.0
) -> None:
    """Fill a strip along the road between two distances."""
    ahead = stretch(*span)
    outline = [(left, height, z) for z in ahead] + [(right, height, z) for z in reversed(ahead)]
    canvas.polygon(outline, paint, flat=True)


def sky(canvas: Canvas, climate: Climate, rng: Generator) -> None:
    """Fill the sky from the top down to the horizon, with a skyline of distant hills or woods."""
    end = int(canvas.horizon) + 2
    top, bottom = ((14, 17, 30), (34, 34, 44)) if climate.night else ((105, 150, 215), (205, 218, 230))
    for row in range(end):
        share = row / end
        colour = [a + (b - a) * share for a, b in zip(top, bottom, strict=True)]
        canvas.surface[row * SCALE : (row + 1) * SCALE] = [*map(int, colour), int(climate.sky + 22 * share)]
    canvas.material[: end * SCALE] = (0, 0, 12, 255)
    columns = np.arange(0, WIDTH + 21, 20)
    heights = rng.integers(3, 22, columns.size)
    points = [(float(c), canvas.horizon - float(h)) for c, h in zip(columns, heights, strict=True)]
    points += [(WIDTH + 5.0, canvas.horizon + 3), (-5.0, canvas.horizon + 3)]
    canvas.outline(np.array(points), Paint((70, 88, 78), climate.leaf - 6, 0, 40), FAR)


def ground(canvas: Canvas, climate: Climate) -> None:
    """Fill the land below the horizon and write its depth row by row."""
    first = int(canvas.horizon) * SCALE
    canvas.surface[first:] = (72, 92, 50, int(climate.ground))
    rows = np.arange(first, HEIGHT * SCALE) / SCALE - canvas.horizon
    near = np.clip(255 * NEAREST * rows / (FOCAL * CAMERA_HEIGHT), 1, 255).astype(np.uint8)
    canvas.material[first:] = (0, 0, 70, 0)
    canvas.material[first:, :, 1] = near[:, None]


def road(canvas: Canvas, asphalt: Paint, half: float, rng: Generator) -> None:
    """Asphalt with its lane line, edge lines and perhaps a crossing."""
    strip(canvas, -half, half, (1.5, FAR), asphalt)
    white = replace(asphalt, rgb=(205, 205, 200), temperature=asphalt.temperature - 5, texture=45)
    yellow = replace(white, rgb=(200, 160, 50))
    offset = float(rng.uniform(0, 5))
    for index in range(9):
        near = 2.0 + offset + 6.0 * index
        strip(canvas, -0.08, 0.08, (near, near + 3.0), white)
    for side in (-1, 1):
        strip(canvas, side * (half - 0.35), side * (half - 0.25), (1.5, 90), yellow if rng.random() < 0.4 else white)
    if rng.random() < 0.35:
        near = float(rng.uniform(9, 16))
        for index in range(int(half * 2 / 0.9)):
            left = -half + 0.25 + 0.9 * index
            strip(canvas, left, left + 0.45, (near, near + 3.0), white)


def pavement(canvas: Canvas, climate: Climate, side: int, half: float, kerbs: Sequence[tuple[float, float]]) -> None:
    """Paving beside the road, with kerb stones (class `curve`) from here to there, exactly as warm as the paving."""
    inner, outer = side * (half + 0.55), side * (half + 2.8)
    slabs = Paint((128, 122, 114), climate.ground, 0, 45)
    strip(canvas, side * half, outer, (1.2, FAR), slabs, height=0.12)
    stone = Paint((188, 186, 178), climate.ground, CURVE, 25)
    for span in kerbs:
        strip(canvas, side * half, inner, span, stone, height=0.12)
        ahead = stretch(*span)
        face = [(side * half, 0.0, z) for z in ahead] + [(side * half, 0.12, z) for z in reversed(ahead)]
        canvas.polygon(face, replace(stone, rgb=(150, 147, 138)), flat=True)


def puddle(canvas: Canvas, climate: Climate, x: float, z: float) -> None:
    """Standing water: it shows the sky in both modalities, cold in infrared."""
    water = Paint((52, 56, 64) if climate.night else (165, 182, 200), climate.sky + 18, 0, 6)
    shape = [(-1.0, 0.0), (-0.6, 0.5), (0.1, 0.7), (0.8, 0.45), (1.1, 0.0), (0.6, -0.4), (-0.3, -0.5)]
    canvas.polygon([(x + a, 0, z + 1.5 * b) for a, b in shape], water, flat=True)


def rail(canvas: Canvas, climate: Climate, x: float, span: tuple[float, float], *, real: bool = True) -> None:
    """A steel guardrail, which reflects the cold sky; without that it is a white wooden fence of no class."""
    label = GUARDRAIL if real else 0
    temperature = climate.sky + 20 if real else climate.road - 4
    steel = Paint((196, 200, 204), temperature, label, 12)
    ahead = stretch(*span)
    z = span[1]
    while z > span[0]:
        canvas.polygon(
            [(x, 0, z), (x, 0.62, z), (x, 0.62, z - 0.25), (x, 0, z - 0.25)], replace(steel, rgb=(150, 153, 156))
        )
        z -= 2.0
    for near, far in pairwise(ahead):
        for low, high, share in ((0.42, 0.78, 1.0), (0.56, 0.62, 0.7)):
            band = replace(steel, rgb=tuple(value * share for value in steel.rgb))  # type: ignore[arg-type]
            canvas.polygon([(x, low, near), (x, high, near), (x, high, far), (x, low, far)], band)


def house(canvas: Canvas, climate: Climate, rng: Generator, x: float, z: float, width: float) -> None:
    """A house beside the road: its gable towards the camera, its front along the road, with windows."""
    walls: list[Colour] = [(150, 110, 85), (170, 160, 145), (120, 118, 120), (185, 175, 150), (140, 80, 65)]
    wall = Paint(walls[int(rng.integers(len(walls)))], climate.wall + float(rng.uniform(-8, 8)), 0, 40)
    height, length = float(rng.uniform(5, 11)), float(rng.uniform(7, 12))
    outer = x + width if x > 0 else x - width
    canvas.polygon([(x, 0, z), (x, height, z), (outer, height, z), (outer, 0, z)], wall)
    front = replace(
        wall, rgb=(wall.rgb[0] * 0.78, wall.rgb[1] * 0.78, wall.rgb[2] * 0.78), temperature=wall.temperature + 6
    )
    canvas.polygon([(x, 0, z), (x, height, z), (x, height, z + length), (x, 0, z + length)], front)
    for floor in range(int(height / 2.8)):
        low = 1.0 + 2.8 * floor
        for column in range(int(length / 2.2)):
            a = z + 0.6 + 2.2 * column
            canvas.polygon(
                [(x, low, a), (x, low + 1.4, a), (x, low + 1.4, a + 1.1), (x, low, a + 1.1)], _window(climate, rng)
            )
        for column in range(int(width / 2.4)):
            a = x + (0.7 + 2.4 * column) * (1 if x > 0 else -1)
            b = a + (1.1 if x > 0 else -1.1)
            canvas.polygon([(a, low, z), (a, low + 1.4, z), (b, low + 1.4, z), (b, low, z)], _window(climate, rng))


def _window(climate: Climate, rng: Generator) -> Paint:
    if climate.night and rng.random() < 0.3:
        return Paint((235, 200, 130), climate.wall + 30, 0, 5, 150)
    reflects = rng.random() < 0.6
    return Paint((60, 72, 88), climate.sky + 25 if reflects else climate.wall + 14, 0, 5)


def tree(canvas: Canvas, climate: Climate, rng: Generator, x: float, z: float) -> None:
    """A tree or, with a short trunk, a bush."""
    trunk = float(rng.uniform(0.5, 2.8))
    crown = float(rng.uniform(1.0, 1.9))
    canvas.shade((x, 0, z), (crown, 0.9), 0.6)
    canvas.bar((x, 0, z), (x, trunk + 0.6, z), 0.28, Paint((75, 58, 42), climate.leaf + 8, 0, 60))
    green = float(rng.uniform(75, 115))
    for _ in range(16):
        a, b = float(rng.uniform(-0.8, 0.8)) * crown, float(rng.uniform(-0.7, 0.9)) * crown
        tone = float(rng.uniform(0.7, 1.15))
        leaf = Paint((0.62 * green * tone, green * tone, 0.38 * green * tone), climate.leaf + 10 * (tone - 0.9), 0, 110)
        canvas.disc((x + a, trunk + crown + b, z), (crown * 0.42, crown * 0.36), leaf)


def lamp_post(canvas: Canvas, climate: Climate, x: float, z: float) -> tuple[float, float, float]:
    """A street lamp; returns column, row (final image) and size of its light."""
    reach = x - 1.2 if x > 0 else x + 1.2
    pole = Paint((95, 98, 100), climate.sky + 30, 0, 10)
    canvas.bar((x, 0, z), (x, 5.6, z), 0.13, pole)
    canvas.bar((x, 5.6, z), (reach, 5.75, z), 0.1, pole)
    head = Paint(
        (255, 235, 190) if climate.night else (150, 150, 150),
        climate.road + (70 if climate.night else 0),
        0,
        0,
        255 if climate.night else 0,
    )
    canvas.disc((reach, 5.68, z), (0.35, 0.12), head)
    column, row = canvas.project([(reach, 5.68, z)])[0] / SCALE
    return float(column), float(row), FOCAL / z
