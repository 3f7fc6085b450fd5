"""Why a published value is not ours: rules in the order in which they are asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from uaabench.reporting.published.ours import Ours
from uaabench.reporting.published.papers import Paper, Table

# What a peak of 255 adds to the PSNR of images in [0,1]: 48.13 dB.
PEAK = 20 * math.log10(255)
# So far from PEAK may two PSNR lie apart, in dB, that are of slightly different images.
PEAK_TOLERANCE = 0.5


@dataclass(frozen=True)
class Case:
    """A published value that is not ours, with all that a rule may look at.

    Attributes:
        paper: The paper that prints it, with what is told of it.
        table: The table it stands in.
        method: Full name of the method.
        ours: The reference that has our row.
        label: Our row.
        means: What it has, by metric.
        others: The same of references under other profiles, by profile.
        row: The printed row, by metric.
        metric: Name of the metric.
    """

    paper: Paper
    table: Table
    method: str
    ours: Ours
    label: str
    means: Mapping[str, float]
    others: Mapping[str, Mapping[str, float]]
    row: Mapping[str, Decimal]
    metric: str

    @property
    def printed(self) -> Decimal:
        """The value."""
        return self.row[self.metric]

    @property
    def known(self) -> list[tuple[str, Decimal, float]]:
        """Metric, printed and our value of all values of the row that we have."""
        both = [(metric, printed, self.means.get(metric, math.nan)) for metric, printed in self.row.items()]
        return [(metric, printed, here) for metric, printed, here in both if math.isfinite(here)]

    @property
    def here(self) -> float:
        """Our value; NaN where there is none."""
        return self.means.get(self.metric, math.nan)


@dataclass(frozen=True)
class Reason:
    """Why two values differ: the cause in one or two words, and a sentence."""

    cause: str
    why: str


def is_equal(ours: float, printed: Decimal) -> bool:
    """Whether a value is the printed one at as many digits as are printed, ties rounded either way.

    Example:
        >>> is_equal(5.284, Decimal("5.28")), is_equal(5.286, Decimal("5.28")), is_equal(46.001, Decimal("46.00"))
        (True, False, True)
    """
    if not math.isfinite(ours):
        return False
    step = _last_place(printed)
    return printed in {Decimal(ours).quantize(step, rounding) for rounding in (ROUND_HALF_EVEN, ROUND_HALF_UP)}


def explain(case: Case) -> Reason | None:
    """The first reason that any rule gives; None where nobody knows."""
    return next((reason for rule in RULES if (reason := rule(case))), None)


def _last_place(printed: Decimal) -> Decimal:
    """One unit of the last printed digit."""
    return Decimal(1).scaleb(int(printed.as_tuple().exponent))


def _part(case: Case) -> Reason | None:
    # A value that lies inside while others of its row do not does so by chance.
    if not case.ours.is_part or not all(_is_inside(case, case.label, metric) for metric, _, _ in case.known):
        return None
    number, total = len(case.ours.pairs), case.ours.total
    sentence = (
        f"Probably equal over all pairs: the row lies in the 95 % intervals of our means over {number} of {total}"
    )
    others = [label for label in case.ours.of(case.method) if label != case.label]
    outside = ", ".join(label for label in others if not _is_inside(case, label, case.metric))
    return Reason("pairs", f"{sentence}, and this value not in that of {outside}." if outside else f"{sentence}.")


def _is_inside(case: Case, label: str, metric: str) -> bool:
    interval = case.ours.interval(label, metric)
    return interval.low <= float(case.row[metric]) <= interval.high


def _another_profile(case: Case) -> Reason | None:
    for name, means in case.others.items():
        if is_equal(means.get(case.metric, math.nan), case.printed):
            return Reason("profile", f"The profile {name} gives the printed digits.")
    return None


def _peak(case: Case) -> Reason | None:
    if case.metric == "PSNR" and abs(float(case.printed) - case.here - PEAK) < PEAK_TOLERANCE:
        return Reason("peak", "Probably the peak 255 on images in [0,1], which adds 48.13 dB.")
    return None


def _last_digit(case: Case) -> Reason | None:
    # Likewise here.
    if any(abs(Decimal(here) - printed) > _last_place(printed) for _, printed, here in case.known):
        return None
    return Reason("rounding", "Probably rounding: the whole row is within one unit of the last printed digit.")


def _told(case: Case) -> Reason | None:
    for one in case.paper.explanations:
        if one.holds_for(case.table.dataset, case.method, case.metric):
            return Reason(one.cause, f"Probably: {one.text}" if one.probably else one.text)
    return None


def _unlike_profile(case: Case) -> Reason | None:
    theirs, ours = case.table.profile, case.ours.profile
    if theirs == ours:
        return None
    return Reason("profile", f"Probably another profile: {theirs} there, and the row here is of {ours}.")


def _other_pairs(case: Case) -> Reason | None:
    pairs, count, total = set(case.table.pairs), case.table.count, case.ours.total
    if pairs <= case.ours.pairs and count in (0, total):
        return None
    return Reason("pairs", f"Probably another list of pairs: {len(pairs) or count} there, {total} here.")


# What is certain comes before what is told of the paper, and that before what is only probable.
RULES: tuple[Callable[[Case], Reason | None], ...] = (
    _part, _another_profile, _peak, _last_digit, _told, _unlike_profile, _other_pairs,
)  # fmt: skip
