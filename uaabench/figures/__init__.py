"""Figures for papers and for the page: pure functions from numbers and images to matplotlib figures."""

from uaabench.figures.critical_difference import critical_difference
from uaabench.figures.distributions import distributions
from uaabench.figures.explanation import explanation
from uaabench.figures.montage import Box, Panel, montage
from uaabench.figures.style import colours, inline_svg, kind_of, save
from uaabench.figures.tradeoff import Point, tradeoff

__all__ = [
    "Box",
    "Panel",
    "Point",
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
