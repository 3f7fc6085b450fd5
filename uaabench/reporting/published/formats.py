"""Published rows beside ours as a listing, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from uaabench.reporting.markdown import escape
from uaabench.reporting.published.comparison import PublishedRow, Value, Verdict, count

if TYPE_CHECKING:
    from rich.console import Console

HEADS = ("data set", "paper", "method", "row here", "verdict", "equal", "printed (here)", "why")


def print_listing(rows: Sequence[PublishedRow], console: Console) -> None:
    """Print published rows, why values differ, and how many are equal."""
    from rich.text import Text

    from uaabench.reporting import fitting

    if rows:
        fitting.print_listing(HEADS, [_cells(row) for row in rows], console)
    for line in reasons(rows):
        console.print(Text(line), soft_wrap=True)


def markdown(rows: Sequence[PublishedRow]) -> str:
    """The same as a table in GitHub's Markdown, with the reasons as a list."""
    lines = [HEADS, ("---",) * len(HEADS), *(tuple(map(escape, _cells(row))) for row in rows)]
    blocks = [(f"| {' | '.join(line)} |" for line in lines), (f"- {escape(line)}" for line in reasons(rows))]
    return "\n\n".join(filter(None, map("\n".join, blocks))) + "\n"


def as_json(rows: Sequence[PublishedRow]) -> str:
    """JSON object: counts of rows and values, and every row; `schema` is raised when an entry changes."""
    content = {
        "schema": 1,
        "rows": dict(count(row.verdict for row in rows)),
        "values": dict(count(value.verdict for row in rows for value in row.values)),
        "published": [_object(row) for row in rows],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary(rows: Sequence[PublishedRow]) -> str:
    """How many papers, rows and values there are, and how they stand beside ours: two sentences."""
    papers = {row.paper for row in rows}
    beside = [row for row in rows if row.verdict is not Verdict.ABSENT]
    values = [value.verdict for row in beside for value in row.values if value.verdict is not Verdict.ABSENT]
    return (
        f"{len(rows)} published rows of {len(papers)} papers; {len(beside)} have a row here: "
        f"{_counted(row.verdict for row in beside)}. Of their {len(values)} values: {_counted(values)}."
    )


def reasons(rows: Sequence[PublishedRow]) -> list[str]:
    """Each reason once, with the papers whose values it explains."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for value in row.values:
            if value.reason:
                found.setdefault((value.reason.cause, value.reason.why), {})[row.paper] = None
    return [f"{cause} ({', '.join(papers)}): {why}" for (cause, why), papers in found.items()]


def _counted(verdicts: Iterator[Verdict] | Sequence[Verdict]) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in count(verdicts).items() if verdict != Verdict.ABSENT)


def _cells(row: PublishedRow) -> tuple[str, ...]:
    causes: dict[str, list[str]] = {}
    for value in row.values:
        if value.reason:
            causes.setdefault(value.reason.cause, []).append(value.metric)
    known = [value.verdict for value in row.values if value.here is not None]
    return (
        row.table.dataset,
        row.paper,
        row.method,
        f"{row.label} ({row.profile})" if row.label else "",
        row.verdict,
        f"{known.count(Verdict.EQUAL)} of {len(known)}" if known else "",
        ", ".join(map(_pair, row.values)),
        "; ".join(f"{cause}: {', '.join(metrics)}" for cause, metrics in causes.items()),
    )


def _pair(value: Value) -> str:
    """A printed value, and ours with one digit more where it is another."""
    text = f"{value.metric} {value.printed}"
    if value.here is None or value.verdict is Verdict.EQUAL:
        return text
    return f"{text} ({_rounded(value.here, value.printed)})"


def _rounded(here: float, printed: Decimal) -> str:
    return f"{here:.{max(0, -int(printed.as_tuple().exponent)) + 1}f}"


def _object(row: PublishedRow) -> dict[str, Any]:
    return {
        "paper": row.paper,
        "table": row.table.name,
        "read": row.table.read,
        "dataset": row.table.dataset,
        "method": row.method,
        "row": row.label,
        "profile": row.profile,
        "verdict": row.verdict,
        "values": [
            {
                "metric": value.metric,
                "printed": str(value.printed),
                "here": value.here,
                "verdict": value.verdict,
                "cause": value.reason.cause if value.reason else "",
                "why": value.reason.why if value.reason else "",
            }
            for value in row.values
        ],
    }
