"""How all figures look: size, fonts, the colour of each method, and the files they are saved to."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text

from uaabench.core.errors import UsageError
from uaabench.core.files import replacing
from uaabench.reporting.names import number, visible

# Widths of a column and of a page of the usual two-column papers, in inches.
COLUMN, PAGE = 3.4, 7.0
# Paul Tol's "bright" and "vibrant" schemes, told apart by people with any colour vision, on white and on black.
PALETTE = (
    "#009988", "#cc3311", "#aa3377", "#33bbee", "#999933", "#ee3377", "#66ccee", "#ccbb44", "#228833", "#4477aa",
)  # fmt: skip
GREYS = ("#777777", "#999999", "#8a8a8a", "#aaaaaa", "#6b6b6b", "#b5b5b5")
# Kinds of files, and what is left out of each so that the same figure gives the same bytes.
METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}
# What is drawn in this colour takes that of the surrounding text in a page.
INK = "#010203"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.usetex": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "uaabench",
    "figure.constrained_layout.use": True,
    **{f"{part}.color": INK for part in ("text", "xtick", "ytick")},
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
}


def colours(methods: Sequence[tuple[str, bool]], fixed: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Colour of each method: some have one of their own, the others take the next of the palette, the floor is grey.

    Args:
        methods: Label of each method and whether it is of the floor, in the order of the run.
        fixed: The colour of those that have one of their own, `#rrggbb` by label.

    Example:
        >>> colours([("one", False), ("mine", False), ("average", True)], {"one": "#0077bb"})
        {'one': '#0077bb', 'mine': '#009988', 'average': '#777777'}
    """
    shades = {label: fixed[label] for label, is_floor in methods if label in fixed and not is_floor}
    free = [label for label, is_floor in methods if label not in fixed and not is_floor]
    shades |= {label: PALETTE[place % len(PALETTE)] for place, label in enumerate(free)}
    floor = [label for label, is_floor in methods if is_floor]
    shades |= {label: GREYS[place % len(GREYS)] for place, label in enumerate(floor)}
    return {label: shades[label] for label, _ in methods}


def power_of_ten(value: float) -> str:
    r"""A number for an axis: four digits where that is short, else two times a power of ten in mathtext.

    Example:
        >>> power_of_ten(0.301335), power_of_ten(-3.94e-5), power_of_ten(0)
        ('0.3013', '$-3.9\\cdot 10^{-5}$', '0')
    """
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.4g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"${digits}\\cdot 10^{{{int(exponent)}}}$"


def plain(text: str) -> str:
    r"""A text that a user chose, such that Matplotlib shows it as it is: dollars begin no mathematics.

    Example:
        >>> plain(r"$\frac$")
        '\\$\\frac\\$'
    """
    return visible(text).replace("$", r"\$")


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the common style, and leave matplotlib's settings as they were."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Where a glyph is missing, `save` prints its number and a page takes a font of the reader's.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        yield


def add_caption(figure: Figure, caption: str) -> None:
    """Write a line of small print below a figure, wrapped to its width; nothing for an empty text."""
    if caption:
        figure.supxlabel("\n".join(map(plain, caption_lines(caption, figure.get_figwidth()))), fontsize=6)


def caption_lines(caption: str, width: float) -> list[str]:
    """Lines that small print takes in a figure of a width in inches; about 18 characters of its size fit an inch."""
    return textwrap.wrap(caption, int(width * 18))


def kind_of(path: Path) -> str:
    """The suffix that says how a figure is written, for a check before it is drawn.

    Raises:
        UsageError: No figure is written under this suffix.
    """
    kind = path.suffix.lower()
    if kind not in METADATA:
        raise UsageError(f"A figure cannot be written as '{path.name}'; name a file that ends in .pdf, .png or .svg.")
    return kind


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PDF with embedded fonts, PNG (300 dpi) or SVG, by the suffix of the file.

    The same figure gives the same bytes. A character that the font lacks is printed as its number, except in an SVG,
    whose reader may have a font with it.

    Raises:
        UsageError: The suffix is another one.
        StorageError: The file cannot be written.
    """
    kind = kind_of(path)
    if kind != ".svg":
        _replace_missing_glyphs(figure)
    with replacing(path) as aside, figure_style():
        figure.savefig(aside, dpi=300, metadata=METADATA[kind])


def _replace_missing_glyphs(figure: Figure) -> None:
    font = get_font(findfont(STYLE["font.family"]))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        shown = text.get_text()
        text.set_text("".join(c if c == "\n" or font.get_char_index(ord(c)) else number(c) for c in shown))


def inline_svg(figure: Figure, prefix: str) -> str:
    """A figure as SVG to be put into a page: it takes the page's text colour, width and background.

    Args:
        figure: What to draw.
        prefix: Begin of all ids in it, so that the figures of a page do not refer to each other.
    """
    text = io.StringIO()
    with figure_style():
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg, count=1)
    # Tags only: between them stand the texts of the figure.
    return re.sub(r"<[^>]*>", lambda tag: _in_page(tag.group(), prefix), svg)


def _in_page(tag: str, prefix: str) -> str:
    """A tag whose ids no other figure has, in the colour of the page."""
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', tag)
    tag = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', tag)
    tag = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", tag)
    return tag.replace(INK, "currentColor")
