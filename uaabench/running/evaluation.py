"""Scoring a folder of fused images, whoever made them, against the folders of their sources.

Images belong together by file stem; the suffixes may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from uaabench.core import files, imaging
from uaabench.core.errors import DataError
from uaabench.core.interface import Metric, Sources
from uaabench.core.streams import ordered_map
from uaabench.metrics.profiles import Profile
from uaabench.statistics import Interval, bootstrap_mean

Row = dict[str, str | float]


def evaluate(
    ir_dir: Path,
    vi_dir: Path,
    fused_dir: Path,
    metrics: Sequence[Metric],
    profile: Profile,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> pd.DataFrame:
    """Score every fused image of a folder, which may hold only some of the pairs.

    Args:
        ir_dir: Folder of the infrared images.
        vi_dir: Folder of the visible images.
        fused_dir: Folder of the fused images, grey or colour.
        metrics: What to compute, from `profile.select`.
        profile: The convention of the numbers.
        threads: Pairs that are worked on at a time.
        progress: Called after each pair with the number of pairs done and of all to do.

    Returns:
        One row per pair, sorted: `pair` (the file stem), `status`, `reason`, and a column per metric, NaN where it has
        no value. The status is ok; undefined (at least one metric is); failed (an image is unreadable or of another
        size, or a metric raised an error); or missing (one of the three images is not there).

    Raises:
        DataError: A folder is missing, or holds no image or two of one stem, or a fused image lacks a source.
    """
    folders = {"infrared": _images(ir_dir), "visible": _images(vi_dir), "fused": _images(fused_dir)}
    names = sorted(set().union(*folders.values()))
    lacking = {name: [kind for kind, images in folders.items() if name not in images] for name in names}
    orphans = [name for name in names if name in folders["fused"] and lacking[name]]
    if orphans:
        raise DataError(
            f"{len(orphans)} of {len(folders['fused'])} fused images in {fused_dir} have no partner of the same name "
            f"in both {ir_dir} and {vi_dir}: {list_names(orphans)}; name fused images like their sources."
        )
    complete = [name for name in names if not lacking[name]]
    rows = [_missing(name, lacking[name]) for name in names if lacking[name]]
    score = partial(_score, folders, metrics, profile)
    for done, row in enumerate(ordered_map(score, complete, threads=threads), start=1):
        rows.append(row)
        progress(done, len(complete))
    table = pd.DataFrame(rows, columns=["pair", "status", "reason", *(metric.name for metric in metrics)])
    return table.sort_values("pair", ignore_index=True)


def summarise(table: pd.DataFrame, metrics: Sequence[Metric]) -> dict[str, Interval]:
    """Mean of each metric over the pairs that have a value, with its 95 % bootstrap interval.

    Args:
        table: What `evaluate` returned.
        metrics: The metrics it was computed for.
    """
    return {metric.name: bootstrap_mean(table[metric.name]) for metric in metrics}


def list_names(names: Sequence[str], most: int = 5) -> str:
    """Write out the first names, and how many there are beyond.

    Example:
        >>> list_names(["01", "02", "04"], most=2)
        '01, 02 and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _images(folder: Path) -> dict[str, Path]:
    """The image files of a folder by stem."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; give a folder of images.")
    found = files.images(folder)
    if not found:
        raise DataError(f"The folder {folder} holds no image; known are {', '.join(files.IMAGE_SUFFIXES)}.")
    return found


def _missing(name: str, lacking: Sequence[str]) -> Row:
    return {"pair": name, "status": "missing", "reason": f"no {' and no '.join(lacking)} image"}


def _score(folders: Mapping[str, Mapping[str, Path]], metrics: Sequence[Metric], profile: Profile, name: str) -> Row:
    """Score one pair; what is wrong with its images becomes the reason."""
    try:
        sources = Sources(imaging.read_grey(folders["infrared"][name]), imaging.read_rgb(folders["visible"][name]))
        values = profile.score(imaging.read_rgb(folders["fused"][name]), sources, metrics)
    except DataError as error:
        return {"pair": name, "status": "failed", "reason": str(error)}
    found = {value.status for value in values}
    status = next((status for status in ("failed", "undefined") if status in found), "ok")
    reason = "; ".join(f"{value.metric}: {value.reason}" for value in values if value.reason)
    return {"pair": name, "status": status, "reason": reason, **{value.metric: value.value for value in values}}
