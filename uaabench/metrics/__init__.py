"""Fusion metrics, one per module: a pure function on grey images and a `Metric` that says what a table needs of it."""

from collections.abc import Mapping

from uaabench.errors import unknown_name
from uaabench.interface import Metric
from uaabench.metrics.en import EN
from uaabench.metrics.qabf import QABF
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.vif import VIF

METRICS: dict[str, Metric] = {metric.name: metric for metric in (EN, SD, SF, VIF, QABF)}


def find(name: str, metrics: Mapping[str, Metric] = METRICS) -> Metric:
    """Find a metric by its name, in any letter case.

    Raises:
        UsageError: There is no such metric.

    Example:
        >>> find("qabf").name
        'Qabf'
    """
    for known, metric in metrics.items():
        if known.lower() == name.lower():
            return metric
    raise unknown_name("metric", name, metrics)
