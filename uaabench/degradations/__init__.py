"""Degraded input: what real cameras do to images, in fixed strengths, the same on any machine.

A corruption is one fault, a degradation one or more of them on the sources of a data set. Label maps and boxes are
never touched: they are of the scene.
"""

from uaabench.degradations.catalogue import CORRUPTIONS, Corruption
from uaabench.degradations.degradation import Degradation, Step, parse, parse_all

__all__ = ["CORRUPTIONS", "Corruption", "Degradation", "Step", "parse", "parse_all"]
