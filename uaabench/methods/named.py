"""Methods as the command line names them: `name`, `name@checkpoint`, `name@file` or `label=folder/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uaabench.core import registry, weights
from uaabench.core.errors import UsageError
from uaabench.core.interface import MethodCard
from uaabench.core.weights import ResolvedWeights

# Longer names of folders than 255 bytes exist on no file system; a key and a suffix follow.
LONGEST_LABEL = 120


@dataclass(frozen=True)
class MethodPlan:
    """One row of the table: a method with its weights, or a folder of images fused elsewhere."""

    label: str
    card: MethodCard
    weights: ResolvedWeights = field(default_factory=ResolvedWeights)
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def title(self) -> str:
        """Name in tables: the card's, with the checkpoint where it is not the shipped one."""
        named = self.weights.name not in ("", "shipped")
        return f"{self.card.title} ({self.weights.name})" if named else self.card.title


def plan_method(entry: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> MethodPlan:
    """Resolve one method, given as `name`, `name@checkpoint`, `name@file` or `label=folder/`.

    Args:
        entry: How it is named.
        options: Keyword arguments of its constructor, by the name of the method.

    Raises:
        UsageError: There is no such method, checkpoint or folder.
        WeightsError: The checkpoint is known but was not added yet.
    """
    label, is_folder, folder = entry.partition("=")
    if is_folder:
        return _plan_precomputed(label, Path(folder).expanduser())
    name, _, requested = entry.partition("@")
    card = registry.method_card(name)
    resolved = weights.resolve(card, requested)
    label = f"{name}@{resolved.name}" if requested else name
    return MethodPlan(label, card, resolved, {**resolved.options, **(options or {}).get(name, {})})


def _plan_precomputed(label: str, folder: Path) -> MethodPlan:
    if not label or label in registry.method_cards():
        raise UsageError(f"'{label}={folder}' needs a label of its own, not the name of a method: mine={folder}")
    refuse_label(label)
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} for the fused images of '{label}'; check the path.")
    card = MethodCard(
        name=label,
        title=label,
        kind="precomputed",
        version=1,
        summary=f"images fused elsewhere, from {folder.name}/",
    )
    return MethodPlan(label, card, folder=folder.absolute())


def refuse_label(label: str) -> None:
    """Refuse a label that could not name a folder below the run directory; any other text is a label.

    Raises:
        UsageError: It is empty, too long, begins with a dot or a blank, or holds a separator or a control character.
    """
    wrong = (
        not label.strip()
        or label != label.strip()
        or label.startswith(".")
        or len(label.encode(errors="replace")) > LONGEST_LABEL
        or any(sign in "/\\" or not sign.isprintable() for sign in label)
    )
    if wrong:
        raise UsageError(
            f"{label[:LONGEST_LABEL]!r} cannot be a label: it names a folder of the run, so write 1 to {LONGEST_LABEL} "
            "bytes without slashes, backslashes or control characters, and no dot or blank in front."
        )
