"""What a run was: configuration, versions, device, hashes; enough to repeat it and to report it without the data."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import uaabench
from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.judges.segmentation.judge import Judge, name_of
from uaabench.running import executors, store
from uaabench.running.config import RunConfig
from uaabench.running.plan import DatasetPlan, MethodPlan, Plan, Unit

PACKAGES = ("numpy", "opencv-python", "pandas", "torch", "torchvision")


def write(run: Path, plan: Plan, device: str) -> None:
    """Write `manifest.json` of a run; an earlier one of the same plan is replaced."""
    store.write_json(
        run / "manifest.json",
        {
            "uaabench": uaabench.__version__,
            "git": _git_state(),
            "plan": plan.key,
            "config": plan.config.model_dump(mode="json"),
            "argv": sys.argv,
            "command": command(plan.config),
            "profile": {"name": plan.profile.name, "version": plan.profile.version},
            "metrics": [metric.name for metric in plan.metrics],
            "methods": [_method_facts(method) for method in plan.methods],
            "datasets": [_dataset_facts(dataset) for dataset in plan.datasets],
            "judges": [_judge_facts(unit, judge) for unit in plan.segment if (judge := unit.judge)],
            "environment": _environment(plan, device),
        },
    )


def read_config(run: Path) -> RunConfig:
    """The configuration of an earlier run.

    Raises:
        UsageError: The folder holds no run.
    """
    content = store.read_json(run / "manifest.json")
    if content is None:
        raise UsageError(f"{run} is not a run directory: it has no manifest.json; name the folder given as --out.")
    return RunConfig.model_validate(content["config"])


def command(config: RunConfig) -> str:
    """The command line that describes a run, without what belongs to one machine: folders, workers, device."""
    words = ["uaabench", "run", "--methods", ",".join(config.methods)]
    for option, entries in (("--datasets", config.datasets), ("--metrics", config.metrics)):
        words += [option, ",".join(entries)] if entries else []
    defaults = RunConfig(methods=config.methods)
    for name in ("profile", "protocol", "precision", "limit", "seed"):
        if getattr(config, name) != getattr(defaults, name):
            words += [f"--{name}", str(getattr(config, name))]
    return shlex.join([*words, *([] if config.floor else ["--no-floor"])])


def _method_facts(method: MethodPlan) -> dict[str, Any]:
    return {
        "label": method.label,
        "title": method.title,
        "kind": method.card.kind,
        "version": method.card.version,
        "track": method.weights.track,
        "weights": method.weights.name,
        "sha256": method.weights.sha256,
        "options": dict(method.options),
        "folder": str(method.folder) if method.folder else None,
        "reference": method.card.reference,
        "bibtex": method.card.bibtex,
    }


def _dataset_facts(dataset: DatasetPlan) -> dict[str, Any]:
    return {
        "label": dataset.label,
        "title": dataset.title,
        "split": dataset.split,
        "pairs": len(dataset.pairs),
        "expected": dataset.expected,
        "index": dataset.index,
        "adapter": dataset.adapter,
        "root": str(dataset.root),
        "classes": [entry.name for entry in registry.dataset_class(dataset.adapter).card.classes],
    }


def _judge_facts(unit: Unit, judge: Judge) -> dict[str, Any]:
    card = judge.file.card
    return {
        "dataset": unit.dataset.label,
        "method": unit.method.label,
        "name": name_of([judge]),
        "sha256": judge.file.sha256,
        "trained_on": card.trained_on if card else "",
        "recipe": card.recipe if card else "",
        "validation": card.validation if card else "",
    }


def _environment(plan: Plan, device: str) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": _device_name(device),
        "jobs": plan.config.jobs,
        "threads_per_job": executors.threads_per_job(plan.config.jobs),
    }


def _device_name(device: str) -> str:
    if device == "cpu":
        return f"cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)"
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git_state() -> str:
    """Commit of the checkout this package runs from, with `-dirty` if it was changed; empty when installed."""
    folder = Path(uaabench.__file__).resolve().parents[1]
    if not (folder / ".git").exists():
        return ""
    described = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip()
