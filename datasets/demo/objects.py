"""What stands or moves in the demo scenes: people, vehicles, cones and the things that only look like them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from numpy.random import Generator

from uaabench.datasets.demo.canvas import Canvas, Colour, Paint

CAR, PERSON, BIKE, CURVE, CAR_STOP, GUARDRAIL, CONE, BUMP = range(1, 9)
ASPHALT = (84.0, 84.0, 88.0)

_CAR_COLOURS: list[Colour] = [
    (190, 190, 195),
    (60, 62, 68),
    (150, 30, 30),
    (40, 60, 130),
    (225, 225, 220),
    (95, 100, 95),
]
_CLOTHES: list[Colour] = [(40, 45, 70), (120, 40, 40), (70, 90, 60), (160, 150, 130), (35, 35, 38), (90, 90, 110)]
_FRAMES: list[Colour] = [(190, 40, 40), (60, 110, 190), (210, 210, 205), (40, 40, 40)]


def _pick(rng: Generator, colours: list[Colour]) -> Colour:
    red, green, blue = colours[int(rng.integers(len(colours)))]
    change = float(rng.uniform(-12, 12))
    return red + change, green + change, blue + change


def person(canvas: Canvas, rng: Generator, x: float, z: float, ambient: float, *, warm: bool = True) -> None:
    """A walking person; a figure that is not `warm` is a statue, of no class."""
    label = PERSON if warm else 0
    canvas.begin(label)
    height = float(rng.uniform(1.55, 1.85))
    stride, swing = float(rng.uniform(0.05, 0.28)), float(rng.uniform(-0.15, 0.15))
    heat = float(rng.uniform(70, 95)) if warm else 0.0
    coat, trousers = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES)
    skin = Paint((200, 160, 130), ambient + heat + 30 * warm, label, 10)
    top = Paint(coat, ambient + heat * 0.85, label, 25)
    legs = Paint(trousers, ambient + heat * 0.7, label, 25)
    canvas.shade((x, 0, z), (0.4, 0.5), 0.55)
    hip, neck = 0.5 * height, 0.83 * height
    for side in (-1, 1):
        canvas.bar((x + side * 0.06, hip, z), (x + side * stride, 0.04, z), 0.17, legs)
        canvas.bar((x + side * 0.2, neck - 0.06, z), (x + side * (0.26 + swing * side), hip, z), 0.11, top)
        canvas.disc((x + side * (0.26 + swing * side), hip - 0.04, z), (0.05, 0.06), skin)
    body = [(-0.22, neck), (0.22, neck), (0.18, hip - 0.05), (-0.18, hip - 0.05)]
    canvas.polygon([(x + a, b, z) for a, b in body], top)
    canvas.disc((x, neck + 0.03, z), (0.2, 0.09), top)
    canvas.disc((x, height - 0.12, z), (0.1, 0.14), skin)
    canvas.disc((x, height - 0.05, z), (0.1, 0.07), replace(skin, rgb=(45, 35, 30), temperature=skin.temperature - 20))


def dog(canvas: Canvas, rng: Generator, x: float, z: float, ambient: float) -> None:
    """A warm animal, of no class."""
    fur = Paint((110, 85, 60), ambient + float(rng.uniform(55, 80)), 0, 40)
    canvas.shade((x, 0, z), (0.45, 0.4), 0.6)
    for leg in (-0.28, -0.18, 0.2, 0.28):
        canvas.bar((x + leg, 0.35, z), (x + leg, 0.02, z), 0.07, fur)
    canvas.disc((x, 0.42, z), (0.36, 0.14), fur)
    canvas.disc((x + 0.4, 0.58, z), (0.13, 0.11), replace(fur, temperature=fur.temperature + 20))
    canvas.bar((x - 0.34, 0.45, z), (x - 0.5, 0.66, z), 0.05, fur)


def bike(canvas: Canvas, rng: Generator, x: float, z: float, ambient: float, *, ridden: bool) -> None:
    """A bicycle from the side, as warm as the ground it stands on, perhaps with its rider."""
    canvas.begin(BIKE)
    metal = Paint(_pick(rng, _FRAMES), ambient, BIKE, 5)
    tyre = Paint((22, 22, 24), ambient, BIKE, 5)
    spokes = Paint((120, 122, 124), ambient, BIKE, 50)
    canvas.shade((x, 0, z), (0.9, 0.4), 0.6)
    for wheel in (-0.52, 0.52):
        canvas.disc((x + wheel, 0.34, z), (0.34, 0.34), tyre)
        canvas.disc((x + wheel, 0.34, z), (0.27, 0.27), spokes)
    tubes = [
        (-0.52, 0.34, -0.15, 0.34),
        (-0.52, 0.34, -0.2, 0.8),
        (-0.15, 0.34, -0.22, 0.92),
        (-0.15, 0.34, 0.38, 0.85),
    ]
    tubes += [(-0.2, 0.8, 0.38, 0.85), (0.52, 0.34, 0.36, 1.02), (0.36, 1.02, 0.22, 1.05)]
    for x0, y0, x1, y1 in tubes:
        canvas.bar((x + x0, y0, z), (x + x1, y1, z), 0.06, metal)
    canvas.disc((x - 0.23, 0.94, z), (0.14, 0.05), tyre)
    if ridden:
        _rider(canvas, rng, x, z, ambient)


def _rider(canvas: Canvas, rng: Generator, x: float, z: float, ambient: float) -> None:
    canvas.begin(PERSON)
    top = Paint(_pick(rng, _CLOTHES), ambient + 70, PERSON, 25)
    skin = Paint((200, 160, 130), ambient + 105, PERSON, 10)
    canvas.bar((x - 0.2, 0.95, z), (x + 0.08, 0.72, z), 0.17, top)
    canvas.bar((x + 0.08, 0.72, z), (x - 0.08, 0.3, z), 0.13, top)
    canvas.bar((x - 0.2, 0.95, z), (x + 0.06, 1.42, z), 0.28, top)
    canvas.bar((x + 0.06, 1.38, z), (x + 0.26, 1.06, z), 0.1, top)
    canvas.disc((x + 0.13, 1.62, z), (0.11, 0.14), skin)


def car(canvas: Canvas, rng: Generator, x: float, z: float, ambient: float, *, running: bool, oncoming: bool) -> None:
    """A car along the road; a parked one has the temperature of its surroundings."""
    canvas.begin(CAR)
    heat = float(rng.uniform(50, 80)) if running else 0.0
    body = Paint(_pick(rng, _CAR_COLOURS), ambient + heat * 0.25, CAR, 6)
    glass = Paint((38, 46, 54), ambient - 12 + heat * 0.3, CAR, 4)
    tyre = Paint((24, 24, 26), ambient + heat * 0.9, CAR, 12)
    half, length = float(rng.uniform(0.8, 0.9)), float(rng.uniform(3.8, 4.5))
    canvas.shade((x, 0, z + length / 2), (half + 0.35, length / 2 + 0.3), 0.4)
    column = x + canvas.bend * z * z + (canvas.centre - 160) * z / 260
    _car_side(canvas, x - half if column > 0 else x + half, z, length, body, glass, tyre)
    _car_face(canvas, x, z, half, body, glass, tyre)
    _car_details(canvas, x, z, half, ambient, heat, oncoming=oncoming)


def _car_side(canvas: Canvas, x: float, z: float, length: float, body: Paint, glass: Paint, tyre: Paint) -> None:
    dark = replace(body, rgb=(body.rgb[0] * 0.8, body.rgb[1] * 0.8, body.rgb[2] * 0.8))
    profile = [(0.0, 0.3), (0.0, 0.9), (0.35, 1.42), (2.4, 1.42), (3.1, 0.95), (length, 0.8), (length, 0.3)]
    canvas.polygon([(x, y, z + a) for a, y in profile], dark)
    canvas.polygon([(x, y, z + a) for a, y in [(0.3, 0.95), (0.5, 1.34), (2.3, 1.34), (2.85, 0.95)]], glass)
    for axle in (0.75, length - 0.8):
        rim = [
            (0.32, 0.0),
            (0.23, 0.23),
            (0.0, 0.32),
            (-0.23, 0.23),
            (-0.32, 0.0),
            (-0.23, -0.23),
            (0, -0.32),
            (0.23, -0.23),
        ]
        canvas.polygon([(x, 0.32 + b, z + axle + a) for a, b in rim], tyre)


def _car_face(canvas: Canvas, x: float, z: float, half: float, body: Paint, glass: Paint, tyre: Paint) -> None:
    for side in (-1, 1):
        canvas.polygon(_box(x + side * (half - 0.14), 0.11, 0.0, 0.4, z), tyre)
    cabin = [(-half, 0.9), (-half * 0.78, 1.44), (half * 0.78, 1.44), (half, 0.9)]
    canvas.polygon([(x + a, b, z + 0.15) for a, b in cabin], body)
    window = [(-half * 0.84, 0.95), (-half * 0.68, 1.37), (half * 0.68, 1.37), (half * 0.84, 0.95)]
    canvas.polygon([(x + a, b, z + 0.1) for a, b in window], glass)
    canvas.polygon(_box(x, half, 0.28, 0.93, z), body)
    canvas.polygon(_box(x, half, 0.24, 0.36, z), replace(body, rgb=(40, 40, 42)))


def _car_details(
    canvas: Canvas, x: float, z: float, half: float, ambient: float, heat: float, *, oncoming: bool
) -> None:
    lit = heat > 0
    lamp = (255, 250, 225) if oncoming else (200, 20, 20)
    light = Paint(lamp, ambient + heat * 0.9, CAR, 0, 255 if lit and oncoming else 120 if lit else 0)
    for side in (-1, 1):
        canvas.polygon(_box(x + side * (half - 0.2), 0.15, 0.62, 0.8, z), light)
    canvas.polygon(_box(x, 0.24, 0.45, 0.58, z), Paint((215, 215, 200), ambient, CAR, 0))
    if lit and oncoming:
        canvas.polygon(_box(x, half - 0.42, 0.5, 0.86, z), Paint((60, 60, 62), ambient + heat, CAR, 10))
    elif lit:
        canvas.disc((x + half * 0.55, 0.26, z), (0.12, 0.08), Paint((50, 50, 50), ambient + 130, CAR, 0))


def _box(x: float, half: float, low: float, high: float, z: float) -> list[tuple[float, float, float]]:
    return [(x - half, low, z), (x - half, high, z), (x + half, high, z), (x + half, low, z)]


def cone(canvas: Canvas, x: float, z: float, ambient: float) -> None:
    """An orange traffic cone with reflecting bands; its temperature is that of the road."""
    orange = Paint((240, 105, 35), ambient, CONE, 4, 30)
    white = Paint((240, 240, 235), ambient, CONE, 2, 60)
    canvas.shade((x, 0, z), (0.35, 0.4), 0.6)
    canvas.polygon(_box(x, 0.26, 0.0, 0.07, z), replace(orange, rgb=(190, 65, 15)))
    outline = [(0.0, 0.2), (0.25, 0.165), (0.4, 0.14), (0.55, 0.105), (0.68, 0.075), (0.85, 0.035)]
    for index, ((low, wide), (high, narrow)) in enumerate(pairwise(outline)):
        band = [
            (x - wide, low + 0.05, z),
            (x - narrow, high + 0.05, z),
            (x + narrow, high + 0.05, z),
            (x + wide, low + 0.05, z),
        ]
        canvas.polygon(band, white if index % 2 else orange)


def car_stop(canvas: Canvas, x: float, z: float, ambient: float, stored: float) -> None:
    """A concrete block that stops wheels, of other temperature than the road; without heat `stored`, a carton."""
    label = CAR_STOP if stored else 0
    concrete = Paint((175, 172, 160), ambient + stored, label, 35)
    yellow = replace(concrete, rgb=(205, 170, 40))
    canvas.shade((x, 0, z), (0.95, 0.3), 0.6)
    canvas.polygon(_top_of_car_stop(x, z), replace(concrete, rgb=(195, 192, 180)))
    for index in range(5):
        canvas.polygon(_box(x - 0.6 + 0.3 * index, 0.15, 0.0, 0.24, z), yellow if index % 2 else concrete)


def print_of_car_stop(canvas: Canvas, x: float, z: float, ambient: float, stored: float) -> None:
    """Asphalt on which a block lay until now: in infrared the block, in the visible image plain road."""
    asphalt = Paint(ASPHALT, ambient + stored, 0, 45)
    canvas.polygon(_top_of_car_stop(x, z), asphalt, flat=True)
    canvas.polygon(_box(x, 0.75, 0.0, 0.24, z), asphalt, flat=True)


def _top_of_car_stop(x: float, z: float) -> list[tuple[float, float, float]]:
    return [(x - 0.75, 0.24, z), (x - 0.72, 0.24, z + 0.25), (x + 0.72, 0.24, z + 0.25), (x + 0.75, 0.24, z)]


def bump(canvas: Canvas, left: float, right: float, z: float, ambient: float, *, real: bool = True) -> None:
    """A striped speed bump, warmer than the road; the same stripes merely painted on are of no class."""
    label = BUMP if real else 0
    heat = 38.0 if real else 0.0
    count = 12
    width = (right - left) / count
    depth = 0.75
    for index in range(count):
        colour = (205, 165, 35) if index % 2 else (38, 38, 40)
        paint = Paint(colour, ambient + heat + 3 * (index % 2), label, 20)
        a, b = left + index * width, left + (index + 1) * width
        canvas.polygon([(a, 0, z), (a, 0.08, z + depth), (b, 0.08, z + depth), (b, 0, z)], paint, flat=True)
