"""Draws docs/images/layout.svg from the import statements of the code: packages in layers, modules as boxes in them.

python docs/make_layout.py

Imports inside functions and for type checkers count like all others.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "layout.svg"
# Folder in the checkout, and the package it is installed as.
FOLDERS = {"uaabench": "uaabench", "baselines": "uaabench.baselines", "datasets": "uaabench.datasets"}
# From the bottom: a package imports those below its row only. What stands in one row is independent.
LAYERS = (
    ("core",),
    ("statistics", "metrics", "data"),
    ("methods",),
    ("running",),
    ("judges",),
    ("reporting", "training"),
    ("api",),
    ("baselines", "cli", "datasets"),
)

Imports = dict[str, set[str]]

WIDTH, MARGIN, GAP, ROW_GAP = 1180, 20, 16, 34
TITLE, LINE, CELL, PADDING = 24, 17, 126, 8
INK, FAINT, FILL, PART, RED = "#222222", "#8a8a8a", "#f3f5f8", "#ffffff", "#c0392b"


def read_imports(root: Path = ROOT) -> Imports:
    """The modules of the package that each of its modules imports, by dotted names."""
    paths = {_module(folder, path, root): path for folder in FOLDERS for path in (root / folder).rglob("*.py")}
    return {name: set(_imported(path, name, paths.keys())) - {name} for name, path in sorted(paths.items())}


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or around."""
    graph = networkx.DiGraph({name: list(others) for name, others in imports.items()})
    return sorted(sorted(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1)


def package_of(module: str) -> str:
    """The package below `uaabench` that a module lies in; empty for `uaabench` itself."""
    return module.partition(".")[2].partition(".")[0]


def between_packages(imports: Imports) -> set[tuple[str, str]]:
    """Which package imports which."""
    edges = {(package_of(name), package_of(other)) for name, others in imports.items() for other in others}
    return {(one, other) for one, other in edges if one and other and one != other}


def upward(edges: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The imports between packages that do not lead to a lower row."""
    row = {package: number for number, packages in enumerate(LAYERS) for package in packages}
    return {(one, other) for one, other in edges if row[one] <= row[other]}


def summary(imports: Imports) -> str:
    """What the picture shows, in one line."""
    edges = between_packages(imports)
    return (
        f"{len(imports)} modules in {len({package_of(name) for name in imports} - {''})} packages and {len(LAYERS)} "
        f"layers; {sum(map(len, imports.values()))} imports between modules, {len(edges)} between packages, "
        f"{len(upward(edges))} of them upward; {len(circles(imports))} circles of modules"
    )


def _module(folder: str, path: Path, root: Path) -> str:
    parts = path.relative_to(root / folder).with_suffix("").parts
    return ".".join([FOLDERS[folder], *(parts[:-1] if parts[-1] == "__init__" else parts)])


def _imported(path: Path, name: str, known: Iterable[str]) -> Iterator[str]:
    """The known modules that a file names in import statements; the longest name that is one."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield from [full] if full in known else [base] if base in known else []


@dataclass(frozen=True)
class Box:
    """Where a package is drawn, and the modules in it."""

    package: str
    modules: list[str]
    x: float
    y: float
    width: float
    height: float


def draw(imports: Imports) -> str:
    """The picture as SVG."""
    boxes, height = _place(imports)
    edges = between_packages(imports)
    against = upward(edges)
    arrows = [_arrow(boxes[one], boxes[other]) for one, other in sorted(_reduced(edges - against))]
    arrows += [_arrow(boxes[one], boxes[other], RED) for one, other in sorted(against)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
            f'height="{height:.0f}" font-family="Helvetica, Arial, sans-serif" fill="{INK}">',
            f'<rect width="100%" height="100%" fill="{PART}"/>',
            "<defs>",
            *(
                f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
                f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
                for name, colour in (("down", FAINT), ("up", RED))
            ),
            "</defs>",
            *(line for box in boxes.values() for line in _draw_box(box)),
            *arrows,
            f'<text x="{MARGIN}" y="{height - 12:.0f}" font-size="12">{html.escape(_caption(imports))}</text>',
            "</svg>\n",
        ]
    )


def _caption(imports: Imports) -> str:
    explained = "Arrows: imports, but for those that follow from a chain of others; red: against the order."
    return f"{explained} {summary(imports)}."


def _reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the edges that a chain of others stands for."""
    return set(networkx.transitive_reduction(networkx.DiGraph(sorted(edges))).edges)


def _place(imports: Imports) -> tuple[dict[str, Box], float]:
    """A box for each package, the top row first, and the height of the picture."""
    boxes: dict[str, Box] = {}
    y = float(MARGIN)
    for row in reversed(LAYERS):
        modules = {package: _labels(imports, package) for package in row}
        room = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        columns = _columns({package: len(found) for package, found in modules.items()}, int(room // CELL))
        heights = {p: TITLE + LINE * -(-len(found) // columns[p]) + PADDING for p, found in modules.items()}
        x = float(MARGIN)
        for package, found in modules.items():
            width = room * columns[package] / sum(columns.values())
            boxes[package] = Box(package, found, x, y, width, max(heights.values()))
            x += width + GAP
        y += max(heights.values()) + ROW_GAP
    return boxes, y


def _labels(imports: Imports, package: str) -> list[str]:
    """The modules of a package, named from there; a package within it by its name."""
    start = f"uaabench.{package}."
    return [name.removeprefix(start) for name in imports if name.startswith(start)]


def _columns(counts: dict[str, int], room: int) -> dict[str, int]:
    """Columns for each package of a row, so that the tallest is as low as may be."""
    columns = dict.fromkeys(counts, 1)
    while sum(columns.values()) < room:
        tallest = max(counts, key=lambda package: counts[package] / columns[package])
        columns[tallest] += 1
    return columns


def _draw_box(box: Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5" '
        f'fill="{FILL}" stroke="{FAINT}"/>'
    )
    yield f'<text x="{box.x + 8:.1f}" y="{box.y + 17:.1f}" font-size="14" font-weight="bold">{box.package}</text>'
    columns = max(1, int((box.width - 8) // (CELL - 6)))
    rows = -(-len(box.modules) // columns)
    cell = (box.width - 12) / columns
    for number, module in enumerate(box.modules):
        x, y = box.x + 6 + cell * (number // rows), box.y + TITLE + LINE * (number % rows)
        size = min(10.5, (cell - 8) / (0.56 * len(module)))
        yield (
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{cell - 3:.1f}" height="{LINE - 2}" rx="2" fill="{PART}" '
            f'stroke="#d5d9e0"/><text x="{x + 4:.1f}" y="{y + 11:.1f}" font-size="{size:.1f}">{module}</text>'
        )


def _arrow(one: Box, other: Box, colour: str = FAINT) -> str:
    """An arrow from the edge of a box to that of the box it imports."""
    down = one.y < other.y
    start, end = (one.y + one.height, other.y) if down else (one.y, other.y + other.height)
    x1, x2 = (box.x + box.width * _share(one, other, box) for box in (one, other))
    bend = (end - start) / 2
    return (
        f'<path d="M{x1:.1f} {start:.1f}C{x1:.1f} {start + bend:.1f} {x2:.1f} {end - bend:.1f} {x2:.1f} {end:.1f}" '
        f'fill="none" stroke="{colour}" stroke-width="1.6" marker-end="url(#{"up" if colour == RED else "down"})"/>'
    )


def _share(one: Box, other: Box, box: Box) -> float:
    """Where on the edge of a box an arrow meets it: nearer to the side that the other box lies on."""
    partner = other if box is one else one
    return min(0.9, max(0.1, (partner.x + partner.width / 2 - box.x) / box.width))


def main() -> None:
    """Write the picture, and print what it shows."""
    imports = read_imports()
    PICTURE.write_text(draw(imports), encoding="utf-8")
    print(summary(imports))
    for package, other in sorted(upward(between_packages(imports))):
        print(f"upward: {package} to {other}:")
        for name in imports:
            for imported in sorted(imports[name]):
                if (package_of(name), package_of(imported)) == (package, other):
                    print(f"  {name} imports {imported}")


if __name__ == "__main__":
    main()
