r"""Tables as `table*` floats that fit a page each: what does not fit goes on in another float of the same number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

# Lines that a page of the article class holds in \footnotesize beside a caption of some lines.
LINES = 46.0
# With fewer of them left, a tabular that they do not hold begins on a new page.
LEAST = 15
# What the head of a tabular and its rules take of them, and a note, which is set smaller.
HEAD, NOTE = 2.0, 0.9
# Shrinks a table that is wider than the page, and leaves others as they are.
FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


@dataclass(frozen=True, eq=False)
class Part:
    """Lines of a tabular below an opening, which is said again where they go on on another page.

    Attributes:
        opening: Lines that open it.
        groups: Lines that stay together on a page.
    """

    opening: Sequence[str]
    groups: Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Tabular:
    """A tabular of so many columns of numbers behind one of names.

    Attributes:
        head: Headings of all its columns.
        columns: Number of those of numbers.
        parts: What stands below.
    """

    head: str
    columns: int
    parts: Sequence[Part]


# Lines that stay together, and what they are of.
Item = tuple[Tabular, Part, Sequence[str]]


def floats(
    tabulars: Sequence[Tabular], *, caption: str, label: str, resize: bool = True, notes: Sequence[str] = ()
) -> str:
    """Tabulars below each other, and notes below the last.

    Args:
        tabulars: What to show.
        caption: LaTeX of the caption; that of a float that goes on says so.
        label: What the first float is found by.
        resize: Shrink a tabular that is wider than the page.
        notes: LaTeX of the notes, a line each.
    """
    pages = list(_pages(tabulars, NOTE * len(notes)))
    lines = []
    for number, page in enumerate(pages):
        first = [rf"\caption{{{caption}}}", rf"\label{{{label}}}"]
        lines += [r"\begin{table*}", r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"]
        lines += [r"\addtocounter{table}{-1}", r"\caption{(continued)}"] if number else first
        for tabular, of_tabular in groupby(page, lambda item: item[0]):
            lines += _tabular(tabular, list(of_tabular), resize)
        lines += _noted(notes) if page is pages[-1] else []
        lines.append(r"\end{table*}")
    return "\n".join(lines) + "\n"


def _pages(tabulars: Sequence[Tabular], noted: float) -> Iterator[list[Item]]:
    """What stands in each float; the last has room for the notes, and nothing else where there is none beside it."""
    page: list[Item] = []
    left = LINES
    for tabular in tabulars:
        items = [(tabular, part, group) for part in tabular.parts for group in part.groups]
        begins_anew = left < LEAST and sum(_rows(group) for _, _, group in items) > left
        for item in items:
            if page and (begins_anew or _cost(item, page) > left):
                yield page
                page, left, begins_anew = [], LINES, False
            left -= _cost(item, page)
            page.append(item)
    yield page
    if page and noted > left:
        yield []


def _cost(item: Item, page: Sequence[Item]) -> float:
    """Lines that an item takes below what stands on a page already."""
    tabular, part, group = item
    last_tabular, last_part = page[-1][:2] if page else (None, None)
    opening = _rows(part.opening) if part is not last_part else 0
    return _rows(group) + opening + (HEAD if tabular is not last_tabular else 0)


def _rows(lines: Sequence[str]) -> int:
    return sum(line.endswith(r"\\") for line in lines)


def _tabular(tabular: Tabular, items: Sequence[Item], resize: bool) -> Iterator[str]:
    """What of a tabular stands on one page."""
    yield r"\par\smallskip"
    if resize:
        yield FIT
    yield rf"\begin{{tabular}}{{l{'r' * tabular.columns}}}"
    yield r"\toprule"
    yield tabular.head
    for part, of_part in groupby(items, lambda item: item[1]):
        yield from part.opening
        for _, _, group in of_part:
            yield from group
    yield r"\bottomrule"
    yield r"\end{tabular}" + ("}" if resize else "")


def _noted(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield r"\par\smallskip\begin{minipage}{\linewidth}\raggedright\scriptsize"
        yield "\\\\\n".join(notes)
        yield r"\end{minipage}"
