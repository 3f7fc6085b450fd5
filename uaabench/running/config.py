"""The validated description of a run: what the command line and a YAML file are turned into, and the manifest keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from uaabench.core.errors import UsageError


class RunConfig(BaseModel):
    """Everything that decides the numbers of a run, and how it is carried out.

    Attributes:
        methods: `name`, `name@weights`, `label=folder/`, or a glob over the names of built-in methods.
        datasets: `name`, `name:split`, or `label=folder/`; empty for all sets found, else the demo set.
        metrics: Names of metrics; empty for all of the profile.
        segmenter: What judges the fused images: `auto` for the shipped one of each data set that has one, `none`, a
            file exported by `train segmenter`, `CONFIG@CHECKPOINT`, or a folder made by `train judges`, with one or
            more segmenters of each method, for the protocol `retrain`.
        protocol: Convention of mIoU; empty for the usual one of each data set.
        profile: Convention by which the metrics are computed.
        options: Constructor options of methods, by their name: `{uaa: {stretch: false}}`.
        floor: Whether the trivial methods are added.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: Arithmetic of the networks.
        jobs: Worker processes; 1 runs everything in this process.
        limit: Only the first so many pairs of each data set.
        seed: Seed set before every pair.
        fail_fast: Stop at the first failure.
        data_root: Folder of the data sets; None for `$UAABENCH_DATA` or the user data folder.
        plugins: Python files that define further methods, data sets or metrics.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: list[str] = Field(min_length=1)
    datasets: list[str] = []
    metrics: list[str] = []
    profile: str = "cddfuse"
    segmenter: str = "auto"
    protocol: str = ""
    options: dict[str, dict[str, Any]] = {}
    floor: bool = True
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["fp32", "bf16"] = "fp32"
    jobs: PositiveInt = 1
    limit: PositiveInt | None = None
    seed: int = 0
    fail_fast: bool = False
    data_root: Path | None = None
    plugins: list[Path] = []


def build(given: dict[str, Any], file: Path | None = None) -> RunConfig:
    """Validate a run; entries of `given` that are not None take precedence over those of the file.

    Args:
        given: Entries by name, None where nothing was said.
        file: A YAML file with entries of `RunConfig`.

    Raises:
        UsageError: The file cannot be read, or an entry is unknown or has a value it cannot have.
    """
    entries = read_mapping(file, "configuration", "'methods: [uaa, tardal]'") if file else {}
    entries |= {name: value for name, value in given.items() if value is not None}
    try:
        return RunConfig.model_validate(entries)
    except ValidationError as error:
        raise invalid_entry(error, f" in {file}" if file else "") from error


def read_mapping(file: Path, what: str, example: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Args:
        file: The file.
        what: What it is, for the message: `configuration`.
        example: How such a mapping begins.

    Raises:
        UsageError: It cannot be read, or is no YAML, or no mapping.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"Cannot read the {what} {file}: {error.strerror or error}.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"The {what} {file} is not valid YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"The {what} {file} must be a mapping such as {example}.")
    return content


def invalid_entry(error: ValidationError, where: str) -> UsageError:
    """Say which entry is not valid, and why, in one sentence; `where` says in what, with a space before it."""
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    return UsageError(f"The entry '{name}'{where} is not valid: {problem['msg']}.")
