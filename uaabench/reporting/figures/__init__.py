"""Figures for papers and for the page: pure functions from numbers and images to matplotlib figures."""

from uaabench.reporting.figures.agreement import agreement
from uaabench.reporting.figures.critical_difference import critical_difference
from uaabench.reporting.figures.distributions import distributions
from uaabench.reporting.figures.explanation import explanation
from uaabench.reporting.figures.montage import Box, Panel, montage
from uaabench.reporting.figures.style import colours, inline_svg, kind_of, save
from uaabench.reporting.figures.tradeoff import Point, tradeoff

__all__ = [
    "Box",
    "Panel",
    "Point",
    "agreement",
    "colours",
    "critical_difference",
    "distributions",
    "explanation",
    "inline_svg",
    "kind_of",
    "montage",
    "save",
    "tradeoff",
]
