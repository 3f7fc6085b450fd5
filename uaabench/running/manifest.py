"""What a run was: configuration, versions, device, hashes; enough to repeat it and to report it without the data.

A manifest is written last. It binds the records by their hash and itself by a digest, so that records of another plan,
or a file that was changed or cut, are never taken for those of this run.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from uaabench.core import files, registry
from uaabench.core.columns import column_facts
from uaabench.core.errors import DataError, UsageError
from uaabench.core.threads import threads_per_job
from uaabench.core.version import __version__
from uaabench.degradations import Degradation
from uaabench.methods.compiling import is_compiled
from uaabench.methods.named import MethodPlan
from uaabench.running import store
from uaabench.running.config import RunConfig
from uaabench.running.plan import Plan
from uaabench.running.units import DatasetPlan, Unit

NAME = "manifest.json"
PACKAGES = ("numpy", "opencv-python", "pandas", "torch", "torchvision")


def write(run: Path, plan: Plan, device: str, tables: Mapping[str, str]) -> None:
    """Write the manifest of a run whose records are written.

    Args:
        run: The run directory.
        plan: What was done.
        device: As torch names it.
        tables: SHA-256 of its records and tallies, by file name.
    """
    config = plan.config
    content = {
        "uaabench": __version__,
        "git": _git_state(),
        "plan": plan.key,
        "config": config.model_dump(mode="json"),
        "argv": sys.argv,
        "command": command(config),
        "profile": {"name": plan.profile.name, "version": plan.profile.version},
        "metrics": [metric.name for metric in plan.metrics],
        "columns": [column_facts(metric) for metric in plan.metrics],
        "stages": plan.stage_facts,
        "methods": [_method_facts(method, plan) for method in plan.methods],
        "datasets": [_dataset_facts(dataset, plan) for dataset in plan.datasets],
        "units": [_unit_facts(unit) for unit in plan.of()],
        "plugins": [
            {"path": str(path.absolute()), "sources": registry.plugin_sources(path)} for path in config.plugins
        ],
        "environment": _environment(plan, device),
        "tables": dict(tables),
    }
    save(run, content)


def save(run: Path, content: Mapping[str, Any]) -> None:
    """Write a manifest with its digest.

    Raises:
        StorageError: It cannot be written.
    """
    unsigned = {name: value for name, value in content.items() if name != "digest"}
    files.write_json(run / NAME, {**unsigned, "digest": files.digest(unsigned)})


def read(run: Path) -> dict[str, Any]:
    """Read the manifest of a run, and check that its records are its own.

    Raises:
        UsageError: The folder holds no finished run.
        DataError: The manifest was changed, or the records are not those that it was written for.
    """
    content = store.read_json(run / NAME)
    if content is None:
        raise UsageError(
            f"{run} holds no finished run: it has no {NAME}; name the folder given as --out, or give the command of "
            "the run again, which goes on where it stopped."
        )
    if not isinstance(content, dict) or content.get("digest") != files.digest(
        {name: value for name, value in content.items() if name != "digest"}
    ):
        raise DataError(f"{run / NAME} was changed after it was written, or cut; give the command of the run again.")
    for name, expected in content["tables"].items():
        try:
            found = files.sha256(run / name)
        except OSError as error:
            raise DataError(f"Cannot read {run / name}: {error.strerror or error}; {_mend(content)}") from error
        if found != expected:
            raise DataError(f"{run / name} is not what the manifest of this run was written for; {_mend(content)}")
    return content


def _mend(content: Mapping[str, Any]) -> str:
    return f"the command of the run, given again, mends it: {content['command']}"


def read_config(run: Path) -> RunConfig:
    """The configuration of an earlier run, but for its executor, which may be gone.

    Raises:
        UsageError: The folder holds no run.
        DataError: Its manifest was changed.
    """
    return RunConfig.model_validate({**read(run)["config"], "executor": ""})


def refuse_other(run: Path, units: Sequence[Unit], stages: Sequence[str]) -> None:
    """Refuse to do some stages of a run anew when the others would not be planned as they were.

    Args:
        run: The run directory.
        units: All units as they are planned now.
        stages: Names of the stages that are done anew.

    Raises:
        UsageError: The run had a unit of another stage that is not planned any more: its images, label maps, weights,
            options or versions have changed.
        DataError: The manifest was changed, or the records are not those that it was written for.
    """
    planned = {unit.key for unit in units}
    for entry in read(run)["units"]:
        if entry["stage"] not in stages and entry["key"] not in planned:
            raise UsageError(
                f"'{entry['stage']} {entry['method']} on {entry['dataset']} {entry['split']}' is not what it was in "
                f"{run}: its images, label maps, weights, options or version have changed; bring them back, or give "
                "the whole command of the run in a new folder. What the run held is untouched."
            )


def command(config: RunConfig) -> str:
    """The command line that describes a run, without what belongs to one machine: folders, workers, device."""
    words = ["uaabench", "run", "--methods", ",".join(config.methods)]
    listed = (
        ("--datasets", config.datasets),
        ("--metrics", config.metrics),
        ("--degrade", config.degrade),
        ("--beside", config.beside),
    )
    for option, entries in listed:
        words += [option, ",".join(entries)] if entries else []
    defaults = RunConfig(methods=config.methods)
    judges = ("segmenter", "protocol", "detector", "detection_protocol", "judge_precision")
    for name in ("profile", *judges, "precision", "batch", "limit", "shard", "seed", "score_against"):
        if getattr(config, name) != getattr(defaults, name):
            words += [f"--{name.replace('_', '-')}", str(getattr(config, name))]
    switches = [*(["--compile"] if config.compiled else []), *([] if config.floor else ["--no-floor"])]
    return shlex.join([*words, *switches])


def _method_facts(method: MethodPlan, plan: Plan) -> dict[str, Any]:
    computed = method.folder is None
    return {
        "label": method.label,
        "title": method.title,
        "kind": method.card.kind,
        "colour": method.card.colour if method.label == method.card.name else "",
        "version": method.card.version,
        "track": method.weights.track,
        "weights": method.weights.name,
        "sha256": method.weights.sha256,
        "options": dict(method.options),
        "source": registry.source_of("method", method.card.name) if computed else "",
        "precision": plan.config.precision if computed else None,
        "seed": plan.config.seed if computed else None,
        "device": plan.device if computed else None,
        **({"compiled": True} if computed and is_compiled(method.card, asked=plan.config.compiled) else {}),
        **_batch_facts(method, plan),
        "folder": str(method.folder) if method.folder else None,
        "reference": method.card.reference,
        "bibtex": method.card.bibtex,
    }


def _batch_facts(method: MethodPlan, plan: Plan) -> dict[str, int]:
    """How many pairs were fused at once, where that is more than one; fewer where memory did not suffice."""
    units = (unit for unit in plan.units["fuse"] if unit.method.label == method.label)
    numbers = [number for unit in units for number in unit.task.batches.values()]
    return {"batch": max(numbers)} if numbers else {}


def _dataset_facts(dataset: DatasetPlan, plan: Plan) -> dict[str, Any]:
    return {
        "label": dataset.label,
        "title": dataset.title,
        "split": dataset.split,
        "pairs": len(dataset.pairs),
        "expected": dataset.expected,
        "index": dataset.index,
        "labels": dataset.labels,
        "adapter": dataset.adapter,
        "root": str(dataset.root),
        "files": {
            pair.id: [
                [str(path.absolute()), dataset.marks[path].sha256] if path else None
                for path in (pair.ir, pair.vi, pair.label)
            ]
            for pair in dataset.pairs
        },
        **_contents(dataset),
        "classes": [entry.name for entry in dataset.open().card.classes],
        **({"degradation": _degradation_facts(dataset, dataset.degradation, plan)} if dataset.degradation else {}),
    }


def _contents(dataset: DatasetPlan) -> dict[str, Any]:
    """The hashes of the sources of each pair, where they are not those of their files."""
    found = {pair.id: [dataset.contents[pair.id].ir, dataset.contents[pair.id].vi] for pair in dataset.pairs}
    of_files = {pair.id: [dataset.marks[pair.ir].sha256, dataset.marks[pair.vi].sha256] for pair in dataset.pairs}
    return {"contents": found} if found != of_files else {}


def _degradation_facts(dataset: DatasetPlan, degradation: Degradation, plan: Plan) -> dict[str, Any]:
    return {
        "text": degradation.text,
        "kind": degradation.kind,
        "clean": dataset.split.removesuffix(f"+{degradation.name}"),
        "scored_against": plan.config.score_against,
        **degradation.key,
    }


def _unit_facts(unit: Unit) -> dict[str, Any]:
    return {
        "stage": unit.stage,
        "method": unit.method.label,
        "dataset": unit.dataset.label,
        "split": unit.dataset.split,
        "key": unit.key,
        "folder": unit.folder.as_posix(),
    }


def _environment(plan: Plan, device: str) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
        "device": _device_name(device),
        "jobs": plan.config.jobs,
        "threads_per_job": threads_per_job(plan.config.jobs),
    }


def _device_name(device: str) -> str:
    if device == "cpu":
        return f"cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)"
    import torch

    if not torch.cuda.is_available():
        return f"{device} of the workers of a cluster"
    return f"{device} ({torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda})"


def package_versions() -> dict[str, str]:
    """Versions of the packages that numbers depend on."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git_state() -> str:
    """Commit of the checkout this package runs from, with `-dirty` if it was changed; empty when installed."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    described = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip()
