"""Weights: the ones that are shipped, the official checkpoints a user adds, their cards and their hashes.

A method is named with weights as `name@weights`: a checkpoint of its card (`tardal@dt`), the path of a file, or nothing
for the shipped ones. Whatever is named, the file's SHA-256 decides which run of the method it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from uaabench.core import paths
from uaabench.core.errors import UsageError, WeightsError, unknown_name
from uaabench.core.files import git_blob, replacing, write_json
from uaabench.core.interface import Checkpoint, MethodCard

if TYPE_CHECKING:
    from torch import Tensor


C = TypeVar("C")
# pydantic, which reads cards, must refuse an entry that does not exist.
ONLY_ITS_ENTRIES: dict[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class WeightsCard:
    """Where shipped weights come from.

    Attributes:
        method: Name of the method they belong to.
        version: Raised whenever they are replaced.
        data: What they were trained on, one entry per data set, with the number of pairs.
        recipe: Loss and schedule, and every deviation from the published recipe.
        steps: Optimiser steps.
        minutes: Training time.
        hardware: What it was trained on.
        seed: Seed of the run.
        parameters: Number of values in the file.
        sha256: Hash of the file; filled in by `export`.
        note: What a user must know before relying on them.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = ONLY_ITS_ENTRIES

    method: str
    version: int
    data: list[str]
    recipe: str
    steps: int
    minutes: float
    hardware: str
    seed: int
    parameters: int
    sha256: str = ""
    note: str = ""


@dataclass(frozen=True)
class ResolvedWeights:
    """The weights one row of a table stands for.

    Attributes:
        path: The file; None for a method without weights.
        sha256: Its hash as the card states it, or as it was read; empty without a file.
        name: How tables name it: `shipped`, a checkpoint of the card, or a file name.
        track: `official` (the authors' file), `retrained` (shipped), `custom` (a file of the user's), or empty.
        options: Keyword arguments of the method that belong to this file.
    """

    path: Path | None = None
    sha256: str = ""
    name: str = ""
    track: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def verify(self) -> None:
        """Check the file against its hash.

        Raises:
            WeightsError: The file is missing or its content is another.
        """
        if self.path is not None and (found := sha256(self.path)) != self.sha256:
            raise WeightsError(
                f"The weights {self.path} have the SHA-256 {found[:12]}… instead of {self.sha256[:12]}…; "
                "they were changed or not copied completely: install or add them again."
            )


def sha256(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits; of a folder that of the sorted hashes of its files, a line each.

    Raises:
        WeightsError: A file cannot be read.
    """
    if path.is_dir():
        return hashlib.sha256("\n".join(sorted(map(sha256, path.iterdir()))).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"Cannot read the weights {path}: {error.strerror or error}.") from error


def shipped(name: str) -> Path | None:
    """File of the weights that come with the package, or None."""
    path = shipped_folder() / f"{name}.safetensors"
    return path if path.is_file() else None


def shipped_card(name: str) -> WeightsCard | None:
    """Card of the weights that come with the package, or None."""
    path = shipped_folder() / f"{name}.safetensors"
    return card_of(path) if path.is_file() else None


def verify_shipped(folder: Path, read: Callable[[Path], Any]) -> Iterator[tuple[str, str]]:
    """Check all weights with a card, or cards with weights, of a folder that comes with the package.

    Args:
        folder: The folder.
        read: Reads the card beside weights; it has their `sha256`.

    Yields:
        The name of the weights, and what is wrong with them: a sentence, empty where nothing is.
    """
    for name in sorted({path.stem for path in folder.iterdir() if path.suffix in {".json", ".safetensors"}}):
        path = folder / f"{name}.safetensors"
        try:
            ResolvedWeights(path, read(path).sha256).verify()
        except WeightsError as error:
            yield name, str(error)
        else:
            yield name, ""


def card_of(path: Path) -> WeightsCard:
    """The card that `export` wrote beside weights.

    Raises:
        WeightsError: It is missing, or is no such card.
    """
    return read_card(WeightsCard, path.with_suffix(".json"))


def read_card(kind: type[C], path: Path) -> C:
    """Read a card from a JSON file: a dataclass with exactly the entries of its fields.

    Raises:
        WeightsError: The file is missing, or no such card.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise WeightsError(
            f"Cannot read the card {path}: {error.strerror or error}; it belongs beside its weights."
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = f" in '{'.'.join(str(part) for part in problem['loc'])}'" if problem["loc"] else ""
        raise WeightsError(f"The card {path} is broken{where}: {problem['msg']}; export the weights again.") from error


def comes_with_weights(card: MethodCard) -> bool:
    """Whether a method runs by its name alone: it has no weights, or they are shipped."""
    return not card.checkpoints or shipped(card.name) is not None


def resolve(card: MethodCard, requested: str = "") -> ResolvedWeights:
    """Find the weights that `name@requested` means; the file's content is not checked yet.

    Args:
        card: Card of the method.
        requested: A checkpoint of the card, a path, or nothing.

    Raises:
        UsageError: The method takes no weights, or has no such checkpoint and there is no such file.
        WeightsError: The checkpoint is known but was not added yet.
    """
    if not requested:
        return _resolve_shipped(card)
    if card.kind != "learned":
        raise UsageError(f"The method '{card.name}' has no weights; write '{card.name}' instead of '@{requested}'.")
    if requested in card.checkpoints:
        return _resolve_checkpoint(card, requested)
    path = Path(requested).expanduser()
    if path.exists():
        return _resolve_file(card, path)
    if os.sep in requested or path.suffix:
        raise UsageError(f"There is no weights file {path} for the method '{card.name}'; check the path.")
    raise unknown_name(f"checkpoint of {card.name}", requested, card.checkpoints)


def _resolve_shipped(card: MethodCard) -> ResolvedWeights:
    path, facts = shipped(card.name), shipped_card(card.name)
    if path is None or facts is None:
        if card.checkpoints:
            names = " or ".join(f"{card.name}@{name}" for name in card.checkpoints)
            raise WeightsError(
                f"{card.title} comes without weights: name it {names}, once they are here; "
                f"{how_to_get(card, next(iter(card.checkpoints)))}"
            )
        return ResolvedWeights()
    return ResolvedWeights(path, facts.sha256, "shipped", "retrained")


def _resolve_checkpoint(card: MethodCard, name: str) -> ResolvedWeights:
    checkpoint = card.checkpoints[name]
    path = stored(checkpoint)
    if path is None:
        raise WeightsError(
            f"The checkpoint '{name}' of {card.name} is not in {paths.weights_folder()}; {how_to_get(card, name)}"
        )
    return ResolvedWeights(path, known_hash(checkpoint), name, "official", checkpoint.options)


def _resolve_file(card: MethodCard, path: Path) -> ResolvedWeights:
    digest = sha256(path)
    for name, checkpoint in card.checkpoints.items():
        if _is(checkpoint, path, digest):
            return ResolvedWeights(path, digest, name, "official", checkpoint.options)
    return ResolvedWeights(path, digest, path.name, "custom")


def how_to_get(card: MethodCard, name: str) -> str:
    """What brings an official checkpoint here: the command, and how to do it by hand."""
    checkpoint = card.checkpoints[name]
    by_hand = f"get it from {checkpoint.source} and run: uaabench weights add {card.name} FILE"
    return f"run: uaabench weights fetch {card.name}@{name}, or {by_hand}" if checkpoint.urls else by_hand


def known_hash(checkpoint: Checkpoint) -> str:
    """SHA-256 of a checkpoint by its card or, where nobody has published it, of the first file fetched here, or empty.

    Raises:
        WeightsError: The file that holds the latter is broken.
    """
    if checkpoint.sha256 or not checkpoint.urls:
        return checkpoint.sha256
    return pins().get(checkpoint.urls[0], "")


def _is(checkpoint: Checkpoint, path: Path, digest: str) -> bool:
    """Whether what has this SHA-256, a file or a folder, is the checkpoint."""
    known = known_hash(checkpoint)
    if known or not checkpoint.git_blob or not path.is_file():
        return known == digest
    return git_blob(path) == checkpoint.git_blob


def pins() -> dict[str, str]:
    """SHA-256 by address of what was fetched without a published hash.

    Raises:
        WeightsError: The file that holds them is broken.
    """
    path = _pin_file()
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(url): str(digest) for url, digest in content.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path} is no list of pinned hashes; remove it, and fetch its weights again.") from error


def pin(url: str, digest: str) -> None:
    """Remember the hash of what first came from an address, which is asked of it from then on.

    Raises:
        StorageError: It cannot be written.
    """
    write_json(_pin_file(), {**pins(), url: digest})


def _pin_file() -> Path:
    return paths.weights_folder() / "pins.json"


def stored(checkpoint: Checkpoint) -> Path | None:
    """File of an official checkpoint in the user's weights folder, or the folder of all its files, or None."""
    digest = known_hash(checkpoint)
    path = paths.weights_folder() / f"{digest}.pt"
    if not checkpoint.parts:
        return path if digest and path.is_file() else None
    folder = path.with_suffix("")
    return folder if all((folder / f"{part}.pt").is_file() for part in checkpoint.parts) else None


def add(card: MethodCard, file: Path) -> list[str]:
    """Copy an official checkpoint, or one file of it, into the user's weights folder.

    Returns:
        Names of the checkpoints of the card that this file is, or is a part of.

    Raises:
        WeightsError: The file is none of the card's checkpoints.
    """
    digest = sha256(file)
    known = {
        name: entry for name, entry in card.checkpoints.items() if digest in entry.parts or _is(entry, file, digest)
    }
    if not known:
        raise WeightsError(
            f"{file} (SHA-256 {digest[:12]}…) is no known checkpoint of {card.name}; known are: "
            f"{', '.join(card.checkpoints) or 'none'}. A file of your own is used as {card.name}@PATH."
        )
    for checkpoint in known.values():
        root = paths.weights_folder()
        folder = root / known_hash(checkpoint) if checkpoint.parts else root
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{digest}.pt") as aside:
            shutil.copyfile(file, aside)
        if not known_hash(checkpoint):
            pin(checkpoint.urls[0], digest)
    return list(known)


def export(path: Path, tensors: Mapping[str, Tensor], card: WeightsCard, config: Mapping[str, Any]) -> None:
    """Write weights as half-precision safetensors and their card beside it.

    Args:
        path: The file to write, `<name>.safetensors`.
        tensors: State dict; floating-point entries are stored in half precision, unless a value does not fit.
        card: What they are; its hash is filled in.
        config: Architecture, stored in the file as JSON under `config`.
    """
    from safetensors.torch import save

    half = {key: halved(value) for key, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save({key: value.contiguous() for key, value in half.items()}, {"config": json.dumps(dict(config))})
    with replacing(path) as aside:
        aside.write_bytes(content)
    write_json(path.with_suffix(".json"), asdict(card) | {"sha256": sha256(path)})


def halved(tensor: Tensor) -> Tensor:
    """A tensor in half precision, or as it is where a value would become infinite."""
    half = tensor.half() if tensor.is_floating_point() else tensor
    return half if half.isfinite().all() else tensor


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `export` wrote: the state dict in single precision, and the architecture.

    Raises:
        WeightsError: The file is no safetensors file, or has values that are not finite.
    """
    from safetensors import SafetensorError, safe_open

    from uaabench.core.checkpoints import require_finite

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
            metadata = file.metadata() or {}
        config = json.loads(metadata.get("config", "{}"))
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is not a safetensors file of uaabench: {error}.") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{path} has a configuration that is no mapping; export it again.")
    require_finite(tensors, path)
    singles = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    return singles, config


def shipped_folder() -> Path:
    """Where the weights of methods that come with the package lie, each with its card."""
    return Path(str(files("uaabench.baselines"))) / "weights"
