"""Turns a drawn demo scene into what the two cameras record: light, fog, glare, blur and noise.

Only sums, products, and quotients of float64 are used, which every machine rounds alike; functions such as
`exp` differ in the last bit between libraries and would make the pixels depend on the machine.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.datasets.demo.canvas import FOCAL, HEIGHT, NEAREST, SCALE, WIDTH
from uaabench.datasets.demo.scene import Light, Scene

_ROWS, _COLUMNS = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)


def render(scene: Scene) -> tuple[ByteImage, ByteImage, ByteImage]:
    """Render a scene.

    Returns:
        Infrared (H,W), visible (H,W,3) RGB and label map (H,W), all uint8.
    """
    surface, material = _shrink(scene.canvas.surface), _shrink(scene.canvas.material)
    label = np.ascontiguousarray(scene.canvas.material[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE, 0])
    distance = 255 * NEAREST / np.maximum(material[..., 1], 2.0)
    grain = _grain(scene.rng)
    infrared = _infrared(scene, surface[..., 3], distance, grain)
    painted = grain * (material[..., 2] / 255)
    visible = _visible(scene, surface[..., :3], material[..., 3] / 255, distance, painted)
    return infrared, visible, label


def numbers(scene: Scene) -> ByteImage:
    """Of which object of the scene each pixel of the label map is, (H,W), counted from 1; 0 of none."""
    return np.ascontiguousarray(scene.canvas.numbers[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE])


def _shrink(drawn: ByteImage) -> FloatImage:
    """Mean of each SCALE x SCALE block; exact, as the sums are integers."""
    total = np.zeros((HEIGHT, WIDTH, drawn.shape[2]), np.int32)
    for row in range(SCALE):
        for column in range(SCALE):
            total += drawn[row::SCALE, column::SCALE]
    return np.asarray(total / SCALE**2)


def _grain(rng: Generator) -> FloatImage:
    """Surface texture in about -1..1: noise of three grain sizes."""
    total = np.zeros((HEIGHT, WIDTH))
    for size, weight in ((1, 0.35), (3, 0.55), (10, 0.5)):
        shape = (HEIGHT // size + 2, WIDTH // size + 2)
        coarse = rng.integers(0, 256, shape, dtype=np.uint8)
        enlarged = cv2.resize(coarse, None, fx=size, fy=size, interpolation=cv2.INTER_LINEAR_EXACT)
        total += weight * (np.asarray(enlarged[:HEIGHT, :WIDTH], np.float64) / 127.5 - 1)
    return total


def _noise(rng: Generator, *channels: int) -> FloatImage:
    """Sensor noise of variance 1: the sum of three uniform ones, which needs no logarithm."""
    dice = rng.integers(0, 1024, (3, HEIGHT, WIDTH, *channels), dtype=np.int32)
    return np.asarray((dice.sum(axis=0) - 1534.5) / 512)


def _infrared(scene: Scene, temperature: FloatImage, distance: FloatImage, grain: FloatImage) -> ByteImage:
    """Thermal camera: little fog, soft optics, fixed columns and noise.

    The grain is the same on everything: the texture of paint is no texture of heat, and would betray cold objects.
    """
    rng = scene.rng
    seen = temperature + 3 * grain
    veil = 1 / (1 + distance * (0.002 + 0.06 * scene.fog))
    seen = seen * veil + 62 * (1 - veil)
    soft = cv2.blur(np.rint(np.clip(seen, 0, 255) * 128).astype(np.uint16), (2, 2)) / 128
    stripes = (rng.integers(0, 1024, (1, WIDTH)) - 511.5) / 512
    return _to_bytes(soft + 1.1 * stripes + 1.8 * _noise(rng))


def _visible(scene: Scene, colour: FloatImage, glow: FloatImage, distance: FloatImage, grain: FloatImage) -> ByteImage:
    """Colour camera: reflected light, own light, fog, glare, noise that grows in the dark."""
    light = _illumination(scene, distance)
    seen = colour / 255 * (1 + grain[..., None])
    seen = seen * (light * (1 - glow[..., None]) + glow[..., None] * 1.0)
    veil = 1 / (1 + (distance * scene.fog) ** 2)[..., None]
    airlight = np.array([0.1, 0.1, 0.11]) if scene.night else np.array([0.74, 0.76, 0.78])
    seen = seen * veil + airlight * (1 - veil)
    for source in scene.lights:
        seen += _glare(source)
    strength = 4.0 if scene.night else 2.5
    return _to_bytes(255 * seen + strength * _noise(scene.rng, 3))


def _illumination(scene: Scene, distance: FloatImage) -> FloatImage:
    """Light that falls on each point, (H,W,3): the sky's, the own headlights' and the lamps'."""
    sideways = (_COLUMNS - scene.canvas.centre) / FOCAL
    below = np.clip((_ROWS - scene.canvas.horizon + 25) / 40, 0, 1)
    beam = scene.headlights * below / (1 + 9 * sideways**2) / (1 + (distance / 11) ** 2)
    light = np.repeat(scene.brightness + beam[..., None], 3, axis=2)
    if scene.night:
        for source in scene.lights:
            reach = 9 * source.size + 12
            offset = (_COLUMNS - source.column) ** 2 + (0.7 * (_ROWS - source.row)) ** 2
            light += (0.22 / (1 + offset / reach**2))[..., None] * np.array(source.colour)
    return light


def _glare(source: Light) -> FloatImage:
    """Stray light of a source in the lens: a bright core and a wide halo, (H,W,3)."""
    offset = (_COLUMNS - source.column) ** 2 + (_ROWS - source.row) ** 2
    core = 1 / (1 + offset / source.size**2) ** 2
    halo = 0.12 / (1 + offset / (5 * source.size) ** 2)
    return np.asarray((core + halo)[..., None] * np.array(source.colour))


def _to_bytes(values: FloatImage) -> ByteImage:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
