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
    ("statistics", "metrics", "data", "degradations"),
    ("methods",),
    ("running",),
    ("judges",),
    ("reporting", "training"),
    ("api", "interface"),
    ("baselines", "cli", "datasets"),
)

Imports = dict[str, set[str]]

WIDTH, MARGIN, GAP, ROW_GAP, LANES = 1240, 20, 16, 42, 80
TITLE, LINE, CELL, PADDING = 24, 17, 126, 8
INK, FAINT, ARROW, FILL, PART, RED = "#222222", "#8a8a8a", "#4a5a70", "#f3f5f8", "#ffffff", "#c0392b"


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
    row: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Horizontal middle."""
        return self.x + self.width / 2


def draw(imports: Imports) -> str:
    """The picture as SVG."""
    boxes, height = _place(imports)
    edges = between_packages(imports)
    against = upward(edges)
    shown = [(boxes[one], boxes[other]) for one, other in sorted(_reduced(edges - against) | against)]
    explained = (
        "Arrows: imports between packages, but for those that follow from a chain of others; red: against the order."
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 40:.0f}" width="{WIDTH}" '
            f'height="{height + 40:.0f}" font-family="Helvetica, Arial, sans-serif" fill="{INK}">',
            f'<rect width="100%" height="100%" fill="{PART}"/>',
            "<defs>",
            *(
                f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
                f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
                for name, colour in (("down", ARROW), ("up", RED))
            ),
            "</defs>",
            *(line for box in boxes.values() for line in _draw_box(box)),
            *_arrows(shown),
            *(
                f'<text x="{MARGIN}" y="{height + line:.0f}" font-size="13">{html.escape(text)}</text>'
                for line, text in ((8, explained), (26, f"{summary(imports)}."))
            ),
            "</svg>\n",
        ]
    )


def _reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the edges that a chain of others stands for."""
    return set(networkx.transitive_reduction(networkx.DiGraph(sorted(edges))).edges)


def _place(imports: Imports) -> tuple[dict[str, Box], float]:
    """A box for each package, the top row first, and where the picture ends below them."""
    boxes: dict[str, Box] = {}
    y = float(MARGIN)
    for number, row in enumerate(reversed(LAYERS)):
        modules = {package: _modules(imports, package) for package in row}
        room = WIDTH - 2 * MARGIN - LANES - GAP * (len(row) - 1)
        columns = _columns({package: len(found) for package, found in modules.items()}, int(room // CELL))
        height = max(TITLE + LINE * -(-len(found) // columns[package]) + PADDING for package, found in modules.items())
        x = float(MARGIN)
        for package, found in modules.items():
            width = room * columns[package] / sum(columns.values())
            boxes[package] = Box(package, found, number, x, y, width, height)
            x += width + GAP
        y += height + ROW_GAP
    return boxes, y


def _modules(imports: Imports, package: str) -> list[str]:
    """The modules of a package, named from there; of names in deeper packages the last two parts."""
    start = f"uaabench.{package}."
    return [".".join(name.removeprefix(start).split(".")[-2:]) for name in imports if name.startswith(start)]


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


def _arrows(shown: list[tuple[Box, Box]]) -> Iterator[str]:
    """Arrows that leave and meet boxes side by side; those over more than one row go round by a lane at the right."""
    lanes = [pair for pair in shown if abs(pair[0].row - pair[1].row) > 1]
    for one, other in shown:
        down = one.row < other.row
        start, end = (one.y + one.height, other.y) if down else (one.y, other.y + other.height)
        beside = 0 if down else 14  # so that it does not cover the arrow that goes the right way
        x1, x2 = _port(one, other, shown) + beside, _port(other, one, shown) + beside
        style = f'fill="none" stroke="{ARROW if down else RED}" stroke-width="1.6"'
        if (one, other) in lanes:
            number = lanes.index((one, other))
            lane = WIDTH - MARGIN - LANES + 14 + number * (LANES - 18) / len(lanes)
            inset = (8 + 4 * (number % 4)) * (1 if down else -1)
            path = f"M{x1:.1f} {start:.1f}V{start + inset:.1f}H{lane:.1f}V{end - inset - 4:.1f}H{x2:.1f}V{end:.1f}"
        else:
            bend = (end - start) / 2
            path = f"M{x1:.1f} {start:.1f}C{x1:.1f} {start + bend:.1f} {x2:.1f} {end - bend:.1f} {x2:.1f} {end:.1f}"
        yield f'<path d="{path}" {style} marker-end="url(#{"down" if down else "up"})"/>'


def _port(box: Box, partner: Box, shown: list[tuple[Box, Box]]) -> float:
    """Where on its edge a box is left or met: side by side, in the order of where the others lie."""
    partners = [other for pair in shown if box in pair for other in pair if other is not box]
    same_edge = [other for other in partners if (other.row < box.row) == (partner.row < box.row)]
    # What goes round by the lane at the right leaves at the right.
    order = sorted(same_edge, key=lambda other: (abs(other.row - box.row) > 1, other.middle))
    return box.x + box.width * (order.index(partner) + 1) / (len(order) + 1)


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
