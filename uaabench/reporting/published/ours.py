"""Our side of the comparison: rows of a reference that published ones may stand for the same method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from uaabench.core import registry
from uaabench.running.reference_rows import Reference, stale
from uaabench.statistics.intervals import Interval, bootstrap_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Ours:
    """A reference, as far as published rows can be compared with it: authors' weights or none, up to date."""

    reference: Reference

    @property
    def profile(self) -> str:
        """Name of its profile."""
        return self.reference.place[2]

    @property
    def pairs(self) -> set[str]:
        """Ids of its pairs."""
        return set(self.reference.hashes)

    @property
    def total(self) -> int:
        """How many pairs the split has; those that are here where nobody has counted them."""
        adapter, split, _ = self.reference.place
        return registry.dataset_class(adapter).card.splits[split] or len(self.pairs)

    @property
    def is_part(self) -> bool:
        """Whether it is of fewer pairs than the split has."""
        return len(self.pairs) < self.total

    @cached_property
    def labels(self) -> list[str]:
        """Its rows."""
        methods = self.reference.methods.items()
        return [label for label, facts in methods if facts["track"] != "retrained" and not stale(facts)]

    @cached_property
    def _values(self) -> pd.DataFrame:
        return self.reference.values.astype(float)

    def of(self, method: str) -> list[str]:
        """The rows of a method by its full name in any letter case, of all its checkpoints."""
        name = method.lower().replace("-", "_")
        return [label for label in self.labels if label.partition("@")[0] == name]

    def means(self, label: str, pairs: Sequence[str]) -> Mapping[str, float]:
        """Mean of each metric over some pairs if all of them are here, else over all that are."""
        values = self._row(label)
        kept = values.loc[list(pairs)] if pairs and set(pairs) <= set(values.index) else values
        return {str(metric): float(column.mean()) for metric, column in kept.items()}

    def interval(self, label: str, metric: str) -> Interval:
        """The 95 % interval of a mean over all pairs that are here."""
        return bootstrap_mean(self._row(label)[metric])

    def _row(self, label: str) -> pd.DataFrame:
        """Values of a row: pairs by metrics."""
        return self._values.loc[[label]].droplevel("method")
