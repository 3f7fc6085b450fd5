"""Writes the tables of docs/published.md from the papers and reference rows themselves; the text around them stays.

python docs/make_published.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from uaabench.reporting.markdown import escape
from uaabench.reporting.published import comparison, formats, papers
from uaabench.reporting.published.comparison import PublishedRow
from uaabench.running import reference_rows

PAGE = Path(__file__).with_name("published.md")


def page() -> str:
    """The page with its tables made anew."""
    parts = reference_rows.references(papers.shipped_folder())
    rows = comparison.compare(papers.papers(), [*reference_rows.references(), *parts])
    rows.sort(key=lambda row: (row.table.dataset, row.paper))
    beside = [row for row in rows if row.label]
    text = _between("papers", _papers(rows), PAGE.read_text(encoding="utf-8"))
    return _between("rows", f"{formats.summary(rows)}\n\n{formats.markdown(beside).rstrip()}", text)


def _papers(rows: Sequence[PublishedRow]) -> str:
    lines = ["| file | paper | rows | what it says of its conventions, and what it holds |", "|---|---|---|---|"]
    for name, paper in papers.papers():
        number = sum(row.paper == name for row in rows)
        lines.append(f"| `{name}` | [{escape(paper.paper)}]({paper.url}) | {number} | {escape(paper.conventions)} |")
    return "\n".join(lines)


def _between(name: str, content: str, text: str) -> str:
    """A text with what stands between the two marks of a name replaced."""
    begin, end = f"<!-- {name}, written by docs/make_published.py -->\n\n", f"\n\n<!-- end of {name} -->"
    old = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    replaced, number = old.subn(lambda _: begin + content + end, text)
    if number != 1:
        raise ValueError(f"{PAGE} does not have the marks of {name} once.")
    return replaced


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
