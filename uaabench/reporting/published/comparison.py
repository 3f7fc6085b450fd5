"""Published values beside ours: equal to the printed digit, or how far off and why.

A row is compared with reference rows of the same method by its authors' weights, or of a method that needs none. Where
there are several, such as two ways of normalising batches, the one that comes nearest stands for all. A row that was
made of a part of the pairs cannot be equal; it explains what lies in its interval.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from uaabench.core import registry
from uaabench.reporting.published.ours import Ours
from uaabench.reporting.published.papers import Paper, Table
from uaabench.reporting.published.reasons import Case, Reason, explain, is_equal
from uaabench.running.reference_rows import Reference


class Verdict(StrEnum):
    """How a published value or row stands beside ours."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    ABSENT = "no row here"


@dataclass(frozen=True)
class Value:
    """A published value beside ours.

    Attributes:
        metric: Name of the metric.
        printed: As the paper prints it.
        here: Our mean over the same pairs, or over all that we have where those are unknown; None where we have none.
        verdict: Whether both are equal.
        reason: Why they are not, as far as anybody knows.
    """

    metric: str
    printed: Decimal
    here: float | None
    verdict: Verdict
    reason: Reason | None = None


@dataclass(frozen=True)
class PublishedRow:
    """A published row beside ours.

    Attributes:
        paper: Name of the file of its paper.
        table: The table it stands in.
        method: Full name of the method.
        label: Our row; empty where there is none.
        profile: Profile of our row; empty where there is none.
        values: Its values.
    """

    paper: str
    table: Table
    method: str
    label: str
    profile: str
    values: tuple[Value, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its values that we have."""
        found = {value.verdict for value in self.values}
        worst_first = (Verdict.UNEXPLAINED, Verdict.EXPLAINED, Verdict.EQUAL)
        return next((verdict for verdict in worst_first if verdict in found), Verdict.ABSENT)


def compare(papers: Iterable[tuple[str, Paper]], references: Sequence[Reference]) -> list[PublishedRow]:
    """Put every row of some papers beside ours.

    Args:
        papers: Papers by the names of their files.
        references: Our rows.

    Raises:
        DataError: The values of a reference are missing or broken.
    """
    ours = [Ours(reference) for reference in references]
    return [
        _row(name, paper, table, method, _of(table, ours))
        for name, paper in papers
        for table in paper.tables
        for method in table.rows
    ]


def count(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """How many there are of each verdict, all named."""
    found = Counter(verdicts)
    return {verdict: found[verdict] for verdict in Verdict}


def _of(table: Table, ours: Iterable[Ours]) -> list[Ours]:
    """The references of the data set of a table."""
    split = table.split or registry.dataset_class(table.dataset).card.default_split
    return [one for one in ours if one.reference.place[:2] == (table.dataset, split)]


def _row(name: str, paper: Paper, table: Table, method: str, ours: Sequence[Ours]) -> PublishedRow:
    printed = table.printed(method)
    nearest = _nearest(table, method, printed, ours)
    if nearest is None:
        absent = tuple(Value(metric, value, None, Verdict.ABSENT) for metric, value in printed.items())
        return PublishedRow(name, table, method, "", "", absent)
    chosen, label = nearest
    means = chosen.means(label, table.pairs)
    others = {
        one.profile: one.means(label, table.pairs)
        for one in ours
        if one.profile != chosen.profile and not one.is_part and label in one.labels
    }
    cases = (Case(paper, table, method, chosen, label, means, others, printed, metric) for metric in printed)
    return PublishedRow(name, table, method, label, chosen.profile, tuple(map(_value, cases)))


def _nearest(
    table: Table, method: str, printed: Mapping[str, Decimal], ours: Sequence[Ours]
) -> tuple[Ours, str] | None:
    """The row of a method that comes nearest: of the same profile and of all pairs, if there is such a one."""
    whole = {(one.profile, label) for one in ours if not one.is_part for label in one.labels}
    found = [
        (one, label) for one in ours for label in one.of(method) if not one.is_part or (one.profile, label) not in whole
    ]

    def nearness(candidate: tuple[Ours, str]) -> tuple[bool, int, float]:
        one, label = candidate
        return (one.profile == table.profile, *_nearness(printed, one.means(label, table.pairs)))

    return max(found, key=nearness, default=None)


def _nearness(printed: Mapping[str, Decimal], means: Mapping[str, float]) -> tuple[int, float]:
    """How near our row comes to a printed one: equal values, then the sum of relative differences, negated."""
    both = [(value, means[metric]) for metric, value in printed.items() if math.isfinite(means.get(metric, math.nan))]
    apart = sum(abs(here - float(value)) / (abs(float(value)) or 1) for value, here in both)
    return sum(is_equal(here, value) for value, here in both), -apart


def _value(case: Case) -> Value:
    if not math.isfinite(case.here):
        return Value(case.metric, case.printed, None, Verdict.ABSENT)
    if is_equal(case.here, case.printed) and not case.ours.is_part:
        return Value(case.metric, case.printed, case.here, Verdict.EQUAL)
    reason = explain(case)
    verdict = Verdict.EXPLAINED if reason else Verdict.UNEXPLAINED
    return Value(case.metric, case.printed, case.here, verdict, reason)
