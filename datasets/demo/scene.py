"""Composes one demo scene from its number: what there is, where, and in which light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from numpy.random import PCG64, Generator

from uaabench.datasets.demo import objects, surroundings
from uaabench.datasets.demo.canvas import SCALE, Canvas, Paint
from uaabench.datasets.demo.surroundings import Climate

SEED = 20230721
_NIGHT = Climate(night=True, road=78, ground=71, wall=74, leaf=60, sky=18)
_DAY = Climate(night=False, road=104, ground=97, wall=112, leaf=76, sky=22)


@dataclass(frozen=True)
class Light:
    """A source of glare: column, row and size in the final image, and its RGB strength relative to white."""

    column: float
    row: float
    size: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """A drawn scene and the light it is seen in.

    Attributes:
        canvas: What there is.
        night: Whether it is night.
        brightness: Illumination of the whole scene, 1 is a bright day.
        headlights: Strength of the camera car's own headlights.
        fog: Density, as the inverse of the distance at which contrast is halved; 0 is clear.
        lights: Sources of glare.
        rng: Source of the noise still to be added.
    """

    canvas: Canvas
    night: bool
    brightness: float
    headlights: float
    fog: float
    lights: tuple[Light, ...]
    rng: Generator


# Weather by turns, so that every kind is in both splits: (brightness, headlights, fog, low sun).
_DAY_LIGHT = [(0.95, 0.0, 0.0, False), (0.8, 0.0, 0.1, False), (0.62, 0.0, 0.0, True), (0.85, 0.0, 0.0, False)]
_NIGHT_LIGHT = [(0.09, 0.8, 0.0, False), (0.04, 0.7, 0.0, False), (0.07, 0.8, 0.06, False), (0.035, 0.25, 0.0, False)]

Draw = Callable[[], object]


def compose(number: int) -> Scene:
    """Compose the scene of a number (from 1); odd numbers are day, even ones night."""
    rng = Generator(PCG64(SEED + number))
    night = number % 2 == 0
    climate = _NIGHT if night else _DAY
    turn = (number - 1) // 2 % 4
    brightness, headlights, fog, low_sun = (_NIGHT_LIGHT if night else _DAY_LIGHT)[turn]
    canvas = Canvas(float(rng.uniform(88, 108)), float(rng.uniform(135, 185)), float(rng.uniform(-0.003, 0.003)))
    half = float(rng.uniform(3.3, 4.4))
    lights: list[Light] = []
    _land(canvas, climate, rng, half)
    things = _roadside(canvas, climate, rng, half, lights) + _traffic(canvas, climate, rng, half, lights)
    for _, draw in sorted(things, key=lambda thing: -thing[0]):
        draw()
    if low_sun:
        lights.append(Light(float(rng.uniform(60, 260)), canvas.horizon - 22, 30.0, (1.5, 1.35, 1.0)))
    return Scene(canvas, night, brightness, headlights, fog, tuple(lights), rng)


def _land(canvas: Canvas, climate: Climate, rng: Generator, half: float) -> None:
    asphalt = Paint(objects.ASPHALT, climate.road, 0, 45)
    surroundings.sky(canvas, climate, rng)
    surroundings.ground(canvas, climate)
    surroundings.road(canvas, asphalt, half, rng)
    for side in (-1, 1):
        # Stones and gaps by turns: where the road ends does not tell where the stones are.
        ends = [1.2, *(1.2 + rng.uniform(1.5, 9.0, 5).cumsum()), 45.0]
        kerbs = [(float(near), float(far)) for near, far in pairwise(ends)][int(rng.integers(2)) :: 2]
        surroundings.pavement(canvas, climate, side, half, kerbs)
    if rng.random() < 0.5:
        surroundings.puddle(canvas, climate, float(rng.uniform(-2.5, 2.5)), float(rng.uniform(4.5, 9)))
    # Of bump, painted stripes and warm pipe each scene has two at most, far enough apart to tell them by eye.
    kinds = rng.permutation(3)[:2]
    for kind, base in zip(kinds, (4.2, 9.0), strict=True):
        z = base + float(rng.uniform(0, 2.2))
        if kind == 2:
            surroundings.strip(canvas, -half, half, (z, z + 0.75), Paint(asphalt.rgb, climate.road + 38, 0, 45))
        else:
            objects.bump(canvas, -half, half, z, climate.road, real=kind == 0)


def _roadside(
    canvas: Canvas, climate: Climate, rng: Generator, half: float, lights: list[Light]
) -> list[tuple[float, Draw]]:
    """Houses, trees, rails and lamps, with their distances."""
    things: list[tuple[float, Draw]] = []
    for side in (-1, 1):
        z = float(rng.uniform(14, 20))
        while z < 70:
            x = side * (half + float(rng.uniform(3.6, 6.0)))
            if rng.random() < 0.5:
                things.append((z, partial(surroundings.house, canvas, climate, rng, x, z, float(rng.uniform(6, 10)))))
            else:
                things.append((z, partial(surroundings.tree, canvas, climate, rng, x, z)))
            z += float(rng.uniform(5, 13))
        if rng.random() < 0.8:
            near = float(rng.uniform(5.5, 9))
            rail = partial(surroundings.rail, canvas, climate, side * (half + 3.0), real=bool(rng.random() < 0.5))
            things.append((near + 8, partial(rail, (near, near + float(rng.uniform(8, 16))))))
    for _ in range(2):
        z, side = float(rng.uniform(9, 24)), 1 if rng.random() < 0.5 else -1
        things.append((z, partial(_lamp, canvas, climate, side * (half + 2.4), z, lights)))
    return things


def _lamp(canvas: Canvas, climate: Climate, x: float, z: float, lights: list[Light]) -> None:
    column, row, size = surroundings.lamp_post(canvas, climate, x, z)
    if climate.night:
        lights.append(Light(column, row, 0.35 * size, (0.75, 0.66, 0.45)))


def _traffic(
    canvas: Canvas, climate: Climate, rng: Generator, half: float, lights: list[Light]
) -> list[tuple[float, Draw]]:
    """Vehicles, people, animals and furniture of the road, with their distances."""
    things: list[tuple[float, Draw]] = []
    ambient = climate.road

    def place(draw: Callable[[float, float], object], x: float, nearest: float, farthest: float) -> None:
        z = float(rng.uniform(nearest, farthest))
        things.append((z, partial(draw, x, z)))

    for lane in (-1, 1):
        if rng.random() < 0.75:
            running = bool(rng.random() < 0.55)
            x = lane * (half * 0.5 if running else half - 1.0)
            z = float(rng.uniform(9, 20) if running else rng.uniform(7, 18))
            oncoming = running and lane < 0
            things.append((z, partial(objects.car, canvas, rng, x, z, ambient, running=running, oncoming=oncoming)))
            if oncoming and climate.night:
                for beam in (-0.65, 0.65):
                    column, row = canvas.project([(x + beam, 0.7, z)])[0] / SCALE
                    lights.append(Light(float(column), float(row), 95.0 / z, (1.6, 1.55, 1.4)))
    for _ in range(int(rng.integers(3, 6))):
        warm = bool(rng.random() < 0.6)
        figure = partial(objects.person, canvas, rng, ambient=ambient, warm=warm)
        place(figure, float(rng.uniform(-half - 2.3, half + 2.3)), 6, 20)
    for _ in range(int(rng.integers(1, 3))):
        ridden = bool(rng.random() < 0.3)
        x = float(rng.uniform(-half - 2.0, half + 2.0))
        stands_on = climate.road if abs(x) < half else climate.ground
        place(partial(objects.bike, canvas, rng, ambient=stands_on, ridden=ridden), x, 5, 10)
    if rng.random() < 0.4:
        place(partial(objects.dog, canvas, rng, ambient=ambient), float(rng.uniform(-half, half)), 6, 12)
    for _ in range(int(rng.integers(2, 6))):
        place(partial(objects.cone, canvas, ambient=ambient), float(rng.uniform(0.3 - half, half - 0.3)), 4, 10)
    stored = 34.0 if climate.night else -34.0
    for _ in range(int(rng.integers(1, 4))):
        kind = objects.car_stop if rng.random() < 0.7 else objects.print_of_car_stop
        block = partial(kind, canvas, ambient=ambient, stored=stored if rng.random() < 0.7 else 0.0)
        place(block, float(rng.uniform(0.6, half - 0.8)) * (1 if rng.random() < 0.5 else -1), 5, 11)
    return things
