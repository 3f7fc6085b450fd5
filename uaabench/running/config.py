"""The validated description of a run: what the command line and a YAML file are turned into, and the manifest keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from uaabench.core.errors import UsageError
from uaabench.core.mappings import read_mapping

MOST_AT_ONCE = 1024
# A file writes a path as text.
GivenPath = Annotated[Path, Field(strict=False)]


class RunConfig(BaseModel):
    """Everything that decides the numbers of a run, and how it is carried out.

    Attributes:
        methods: `name`, `name@weights`, `label=folder/`, or a glob over the methods that run without further files.
        datasets: `name`, `name:split`, or `label=folder/`; empty for all sets found, else the demo set.
        metrics: Names of metrics, `all` for the whole profile; empty for the headline of the profile.
        segmenter: What judges the fused images: `auto` for the shipped one of each data set that has one, `none`, a
            file exported by `train segmenter`, `CONFIG@CHECKPOINT`, or a folder made by `train judges`, with one or
            more segmenters of each method, for the protocol `retrain`.
        protocol: Convention of mIoU; empty for the usual one of each data set.
        detector: What judges the fused images by boxes: `auto` for the shipped one of each data set that has one,
            `none`, a name or file (docs/detectors.md), or a folder with one or more detectors of each method, for the
            protocol `retrain`.
        detection_protocol: Which boxes and classes count; empty for the usual ones of each data set.
        profile: Convention by which the metrics are computed.
        options: Constructor options of methods of this run, by their name: `{uaa: {stretch: false}}`.
        floor: Whether the trivial methods are added.
        beside: Reference rows that stand beside those of the run: labels, globs, tracks, kinds or `all`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: Arithmetic of the networks.
        compiled: Whether torch compiles the networks of methods, which takes a minute for each.
        judge_precision: Arithmetic of segmenters and detectors.
        batch: How many pairs of one size are worked on at once; `auto` for as many as fit on a GPU, and 1 on a
            processor.
        jobs: Worker processes; 1 runs everything in this process.
        executor: Whose workers do the work: empty for this process and its own, `dask` for a cluster of this machine,
            `dask://HOST:PORT` for a scheduler that runs, or a YAML file that describes a batch system.
        degrade: Degradations such as `ir.noise:3`; each adds a degraded version of every data set.
        score_against: The sources that fused images of degraded input are scored against.
        limit: Only the first so many pairs of each data set.
        shard: `2/8` for the second of eight runs that share out the pairs of each data set, to be merged.
        seed: Seed set before every batch, 0 to 2^32 - 1 as NumPy takes it.
        fail_fast: Stop at the first failure.
        data_root: Folder of the data sets; None for `$UAABENCH_DATA` or the user data folder.
        plugins: Python files that define further methods, data sets or metrics.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    methods: list[str] = Field(min_length=1)
    datasets: list[str] = []
    metrics: list[str] = []
    profile: str = "cddfuse"
    segmenter: str = "auto"
    protocol: str = ""
    detector: str = "auto"
    detection_protocol: str = ""
    options: dict[str, dict[str, JsonValue]] = {}
    floor: bool = True
    beside: list[str] = []
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False
    judge_precision: Literal["fp32", "bf16"] = "fp32"
    batch: int | Literal["auto"] = "auto"
    jobs: PositiveInt = 1
    executor: str = ""
    degrade: list[str] = []
    score_against: Literal["clean", "degraded"] = "clean"
    limit: PositiveInt | None = None
    shard: str = Field(default="", pattern=r"^([1-9]\d{0,5}/[1-9]\d{0,5})?$")
    seed: int = Field(default=0, ge=0, lt=2**32)
    fail_fast: bool = False
    data_root: GivenPath | None = None
    plugins: list[GivenPath] = []

    @field_validator("batch", mode="before")
    @classmethod
    def _some_at_once(cls, batch: Any) -> Any:
        is_number = isinstance(batch, int) and not isinstance(batch, bool)
        if batch != "auto" and not (is_number and 1 <= batch <= MOST_AT_ONCE):
            raise ValueError(f"write 'auto', or how many pairs, 1 to {MOST_AT_ONCE}")
        return batch

    @field_validator("shard")
    @classmethod
    def _one_of_them(cls, shard: str, info: ValidationInfo) -> str:
        if shard and int(shard.partition("/")[0]) > int(shard.partition("/")[2]):
            raise ValueError(f"there is no shard {shard}")
        if shard and info.data.get("beside"):
            raise ValueError("reference rows stand beside whole data sets; give --beside once the shards are merged")
        return shard


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


def invalid_entry(error: ValidationError, where: str) -> UsageError:
    """Say which entry is not valid, and why, in one sentence; `where` says in what, with a space before it."""
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    # What our own rules say, pydantic calls a value error; those that concern several entries name none.
    entry = f"The entry '{name}'" if name else "Something"
    return UsageError(f"{entry}{where} is not valid: {problem['msg'].removeprefix('Value error, ')}.")
