"""Statistics over pairs: uncertainty of a mean, paired comparison of two methods, ranks of many.

All of it takes the pairs of one data set as a random sample of the images a method will meet. Frames of one video are
not: intervals of such a set are too narrow and p-values too small.
"""

from uaabench.statistics.intervals import Interval, bootstrap_mean, bootstrap_means
from uaabench.statistics.paired import PairedTest, compare_pairs, holm
from uaabench.statistics.ranks import Ranking, average_ranks, rank_methods
from uaabench.statistics.retention import kept, retention, retention_of_measure

__all__ = [
    "Interval",
    "PairedTest",
    "Ranking",
    "average_ranks",
    "bootstrap_mean",
    "bootstrap_means",
    "compare_pairs",
    "holm",
    "kept",
    "rank_methods",
    "retention",
    "retention_of_measure",
]
