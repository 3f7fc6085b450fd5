"""Fusion metrics, one per module: pure functions on grey images and a `Metric` that says what a table needs of it.

Which of them belong together, and by which convention they are computed, is what the profiles say.
"""

from collections.abc import Mapping

from uaabench.core.columns import Metric
from uaabench.core.errors import unknown_name


def find(name: str, metrics: Mapping[str, Metric], kind: str = "metric") -> Metric:
    """Find a metric by its name, in any letter case, with `-` and `_` alike.

    Args:
        name: The name.
        metrics: Where to look.
        kind: What an error calls it.

    Raises:
        UsageError: There is no such metric.
    """
    for known, metric in metrics.items():
        if _plain(known) == _plain(name):
            return metric
    raise unknown_name(kind, name, metrics)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
