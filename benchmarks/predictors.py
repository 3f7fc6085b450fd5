"""Does one metric predict use better than another? The difference of their taus, by a paired bootstrap over pairs.

    python benchmarks/predictors.py RUN Quse Qabf

RUN is a finished run whose images were judged. The same draws of pairs for both metrics and for the measure, methods of
the floor and controls left out as in the report; docs/which-metric.md has the figures. The interval is symmetric, as
that of a tau is; see `uaabench.statistics.agreement`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from uaabench.reporting.numbers import Numbers
from uaabench.running import evidence
from uaabench.statistics.agreement import tau_b
from uaabench.statistics.resampling import draws, of_draws


def main(folder: Path, names: list[str]) -> None:
    run = evidence.load(folder)
    numbers = Numbers.of(run)
    columns = {column.name: column for column in run.columns}
    for dataset in run.datasets:
        methods = [method.label for method in run.methods if not method.is_floor]
        for use, judged in numbers.judged.items():
            found = {label: tallies for label in methods if (tallies := judged.tallies(dataset, label))}
            pairs = sorted(set.intersection(*(set(tallies.pairs) for tallies in found.values())))
            counts = np.concatenate([np.ones((1, len(pairs)), np.int64), draws(len(pairs))])
            measure = np.stack([of_draws(judged.measure, t.on(pairs), counts) for t in found.values()], axis=1)
            taus = [_taus(numbers, dataset, found, pairs, counts, columns[name], measure) for name in names]
            change = taus[0] - taus[1]
            reach = np.quantile(np.abs(change[1:] - change[0]), 0.95)
            print(
                f"{dataset.name} {use}: {names[0]} {taus[0][0]:+.3f}, {names[1]} {taus[1][0]:+.3f}, difference "
                f"{change[0]:+.3f} [{change[0] - reach:+.3f}, {change[0] + reach:+.3f}], {len(found)} methods"
            )


def _taus(numbers, dataset, methods, pairs, counts, metric, measure):
    """Tau of a metric with the measure on all pairs and on each draw."""
    values = [numbers.values(dataset, label, metric.name).reindex(pairs).to_numpy(float) for label in methods]
    means = counts @ np.stack(values, axis=1)
    return tau_b(np.round(means, 9) if metric.higher_is_better else -np.round(means, 9), measure)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:4])
