"""The Python interface: what the command line does, for scripts and notebooks.

Errors that a user can mend are raised as `uaabench.UaabenchError`; a pair that fails raises nothing and is told in
the result.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.core.threads import threads_per_job
from uaabench.metrics.profiles import profile as find_profile
from uaabench.reporting import standing
from uaabench.reporting.report import report
from uaabench.reporting.results import Evaluation, RunResult, evaluation_of
from uaabench.running import evaluation, evidence, pipeline, plan, store
from uaabench.running.config import RunConfig, build
from uaabench.running.executors import named
from uaabench.running.executors.pool import pool as processes
from uaabench.running.plan import Plan
from uaabench.running.progress import note, run_progress
from uaabench.running.progress import progress as show_progress
from uaabench.running.triples import Images, triples

Given = str | os.PathLike[str]
UNGUARDED = (
    "A run with plug-ins or with jobs above 1 works in processes of its own, which import the script that started it: "
    "put what the script does below `if __name__ == '__main__':`, or take jobs=1 without plug-ins."
)


def run(  # noqa: PLR0913 - one parameter for each entry of a configuration, all by name
    *,
    methods: Sequence[str],
    datasets: Sequence[str] = (),
    metrics: Sequence[str] = (),
    profile: str = "cddfuse",
    segmenter: str = "auto",
    protocol: str = "",
    detector: str = "auto",
    detection_protocol: str = "",
    options: dict[str, dict[str, Any]] | None = None,
    floor: bool = True,
    beside: Sequence[str] = (),
    device: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    compiled: bool = False,
    judge_precision: Literal["fp32", "bf16"] = "fp32",
    batch: int | Literal["auto"] = "auto",
    jobs: int = 1,
    executor: str = "",
    degrade: Sequence[str] = (),
    score_against: Literal["clean", "degraded"] = "clean",
    limit: int | None = None,
    shard: str = "",
    seed: int = 0,
    fail_fast: bool = False,
    data_root: Given | None = None,
    plugins: Sequence[Given] = (),
    out: Given | None = None,
    fresh: bool = False,
    progress: bool = False,
) -> RunResult:
    """Fuse, score and report: the whole benchmark, as `uaabench run` does it.

    The same call goes on where it was stopped. With `jobs=1` and without plug-ins all work is done in this process,
    whose threads and random numbers are afterwards what they were. More jobs, and plug-ins, whose code could end the
    process, get workers: a script must then make this call below `if __name__ == "__main__":`; a notebook need not.

    Args:
        methods: `name`, `name@weights`, `label=folder/`, or a glob over the methods that run without further files.
        datasets: `name`, `name:split`, or `label=folder/`; empty for all sets found, else the demo set.
        metrics: Names of metrics, `all` for the whole profile; empty for the headline of the profile.
        profile: Convention by which the metrics are computed.
        segmenter: What judges the fused images by mIoU: `auto`, `none`, a file, `CONFIG@CHECKPOINT` or a folder.
        protocol: Convention of mIoU; empty for the usual one of each data set.
        detector: What judges the fused images by AP: `auto`, `none`, a name, a file or a folder.
        detection_protocol: Which boxes and classes count; empty for the usual ones of each data set.
        options: Constructor options by the name of a method or stage: `{"uaa": {"stretch": False}}`.
        floor: Whether the trivial methods are added.
        beside: Reference rows to stand beside: labels, globs, `official`, `retrained`, `classical` or `all`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: Arithmetic of the networks.
        compiled: Whether torch compiles the networks of methods, which takes a minute for each.
        judge_precision: Arithmetic of segmenters and detectors.
        batch: How many pairs of one size are worked on at once; `auto` for as many as fit on a GPU, and 1 on a
            processor.
        jobs: Worker processes; 1 works in this process, unless there are plug-ins.
        executor: Whose workers do the work: empty for those of `jobs`, `dask`, `dask://HOST:PORT`, or a YAML file that
            describes a batch system (docs/scale.md).
        degrade: Degradations such as `ir.noise:3`; each adds a degraded version of every data set.
        score_against: The sources that fused images of degraded input are scored against.
        limit: Only the first so many pairs of each data set.
        shard: `2/8` for the second of eight runs that share out the pairs of each data set, to be merged.
        seed: Seed set before every batch, 0 to 2^32 - 1.
        fail_fast: Stop at the first failure.
        data_root: Folder of the data sets; None for `$UAABENCH_DATA` or the user's data folder.
        plugins: Python files that define further methods, data sets, metrics or stages.
        out: The run directory; `runs/<plan>` unless given.
        fresh: Compute everything anew.
        progress: Tell on standard error how many pairs are done.

    Returns:
        The table, the records, what failed, and where everything lies.

    Raises:
        UaabenchError: The run cannot be carried out as described, data or weights are invalid, or a file cannot be
            written; the message says how to mend it.
    """
    given: dict[str, Any] = {
        "methods": _listed("methods", methods),
        "datasets": _listed("datasets", datasets),
        "metrics": _listed("metrics", metrics),
        "profile": profile,
        "segmenter": segmenter,
        "protocol": protocol,
        "detector": detector,
        "detection_protocol": detection_protocol,
        "options": options,
        "floor": floor,
        "beside": _listed("beside", beside),
        "device": device,
        "precision": precision,
        "compiled": compiled,
        "judge_precision": judge_precision,
        "batch": batch,
        "jobs": jobs,
        "executor": executor,
        "degrade": _listed("degrade", degrade),
        "score_against": score_against,
        "limit": limit,
        "shard": shard,
        "seed": seed,
        "fail_fast": fail_fast,
        "data_root": data_root,
        "plugins": _listed("plugins", plugins),
    }
    config = build(given)
    _refuse_unguarded_script(config)
    planned, folder = plan_run(config, out)
    return carry_out_and_report(planned, folder, fresh=fresh, progress=progress)


def plan_run(config: RunConfig, out: Given | None = None) -> tuple[Plan, Path]:
    """Resolve a run, and name its directory: `out`, or one below `runs` that is named after the plan.

    Raises:
        UaabenchError: A name is unknown, or data or weights are not there.
    """
    planned = plan.make(config, pipeline.pick_device(config.device, config.executor).partition(":")[0])
    labels = "-".join(dict.fromkeys(data.label for data in planned.datasets))
    shard = f"-shard-{config.shard.replace('/', '-of-')}" if config.shard else ""
    return planned, Path(out).expanduser() if out is not None else Path("runs") / f"{labels}-{planned.key[:8]}{shard}"


def carry_out_and_report(
    planned: Plan, folder: Path, *, stages: Sequence[str] | None = None, fresh: bool = False, progress: bool = False
) -> RunResult:
    """Carry a plan out and write its reports.

    Args:
        planned: What to do.
        folder: The run directory.
        stages: Names of the stages to do; all unless given.
        fresh: Compute these stages anew.
        progress: Tell on standard error how many pairs are done.

    Raises:
        UaabenchError: Another process works in the directory, the images to be judged are not there, or something
            cannot be written.
    """
    if not fresh and stages is None and (found := standing.find(folder, planned)):
        return RunResult(found.evidence, found.table, (), found.files)
    config = planned.config
    device = pipeline.pick_device(config.device, config.executor)
    store.open_run(folder)
    shown = run_progress(planned, stages) if progress else nullcontext(lambda *_: None)
    tell = note if progress else (lambda _: None)
    # The GPUs of a cluster are none of this process.
    with _undisturbed("cpu" if config.executor else device), shown as on_pair:
        failures = pipeline.carry_out(
            planned, folder, device=device, stages=stages, fresh=fresh, on_pair=on_pair, tell=tell
        )
    table, written = report(folder)
    if not failures and stages is None:
        standing.keep(folder, planned, table, written)
    return RunResult(evidence.load(folder), table, tuple(failures), tuple(written))


def evaluate(
    ir: Images,
    vi: Images,
    fused: Images,
    *,
    metrics: Sequence[str] | None = None,
    profile: str = "cddfuse",
    plugins: Sequence[Given] = (),
    progress: bool = False,
) -> Evaluation:
    """Score fused images, made by any code, against their sources, as `uaabench evaluate` does it.

    Each of the three is one image, a list of images, a dictionary of images by name, or a folder, whose images are
    named by their files without suffix; folders and dictionaries go together, and so do images and lists. An image is a
    file, or an array of uint8, (H,W) grey or (H,W,3) RGB; the numbers are those of the same array kept as PNG. A pair
    that lacks an image, or has a file that cannot be read, has failed, and is told in the result.

    Args:
        ir: Infrared images; of a colour image the luminance counts.
        vi: Visible images.
        fused: Fused images, grey or colour.
        metrics: Names of metrics, `all` for the whole profile; None for the headline of the profile.
        profile: Convention by which the metrics are computed.
        plugins: Python files that define further metrics.
        progress: Tell on standard error how many pairs are done.

    Returns:
        The values of each pair, and their means with 95 % bootstrap intervals over pairs.

    Raises:
        UsageError: A name is unknown, some images have names and others have not, or lists differ in length.
        DataError: A folder or file is missing, a fused image is named like no pair, an array is no image of 8 bit,
            or the arrays of a pair differ in size.

    Example:
        >>> import numpy as np
        >>> sources = np.zeros((8, 8), np.uint8)
        >>> stripes = np.tile(np.array([[0], [2]], np.uint8), (4, 8))
        >>> evaluate(sources, sources, stripes, metrics=["SD"]).means["mean"].to_dict()
        {'SD': 1.0}
    """
    registry.load_plugins([Path(file) for file in _listed("plugins", plugins)])
    convention = find_profile(profile)
    chosen = convention.select(_listed("metrics", metrics) or None)
    found = triples(ir, vi, fused)
    threads = threads_per_job(1)
    shown = show_progress({"score": len(found)}) if progress else nullcontext(lambda *_: None)
    with shown as on_pair:
        records = evaluation.score(found, chosen, convention, threads=threads, on_pair=lambda: on_pair("score"))
    title = Path(fused).name if isinstance(fused, str | os.PathLike) else ""
    return evaluation_of(records, convention, [metric.name for metric in chosen], title or evaluation.METHOD)


def _listed(name: str, entries: Any) -> Any:
    """Any sequence as a list, for which a text is not taken; what is none stays what it is, and is refused later."""
    if isinstance(entries, str | os.PathLike):
        raise UsageError(f"The entry '{name}' is '{entries}', but must be a list; write {name}=['{entries}'].")
    return list(entries) if isinstance(entries, Iterable) else entries


def _refuse_unguarded_script(config: RunConfig) -> None:
    """Refuse a script that its own workers would carry out again, before anything is computed.

    Raises:
        UsageError: The main module of this process cannot be imported without starting the run again.
    """
    # What the standard library itself looks at before a worker that still imports the script starts another.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError(UNGUARDED)
    if not named.needs_workers(config) or not hasattr(sys.modules["__main__"], "__file__"):
        return
    try:
        with processes(1) as pool:
            pool.submit(os.getpid).result()
    except BrokenProcessPool as error:
        raise UsageError(UNGUARDED) from error


@contextmanager
def _undisturbed(device: str) -> Iterator[None]:
    """Leave the caller's random numbers and threads what they were: fusing seeds the ones and sets the others."""
    import cv2
    import numpy as np
    import torch

    state, threads, filters = np.random.get_state(), torch.get_num_threads(), cv2.getNumThreads()
    devices = [] if device == "cpu" else [torch.device(device)]
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        np.random.set_state(state)
        torch.set_num_threads(threads)
        cv2.setNumThreads(filters)
