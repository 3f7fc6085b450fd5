"""Official checkpoints, fetched from where their authors put them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from uaabench.core import paths, registry, weights
from uaabench.core.errors import DownloadError, WeightsError, unknown_name
from uaabench.core.files import git_blob
from uaabench.core.interface import Checkpoint, MethodCard


@dataclass(frozen=True, slots=True)
class Fetched:
    """A checkpoint that was fetched.

    Attributes:
        path: Its file, or the folder of its files.
        sha256: Its hash.
        is_pinned: Whether this was the first time, and nobody had published any hash before.
    """

    path: Path
    sha256: str
    is_pinned: bool = False


def wanted(names: Sequence[str]) -> Iterator[tuple[MethodCard, str]]:
    """The checkpoints that are meant by `method@checkpoint` and `method`, or all of all methods, each once.

    Raises:
        UsageError: There is no such method or checkpoint.
    """
    cards = registry.method_cards()
    found: dict[tuple[str, str], None] = {}
    for entry in names or [name for name, card in cards.items() if card.checkpoints]:
        name, _, checkpoint = entry.partition("@")
        card = registry.method_card(name)
        if not card.checkpoints or (checkpoint and checkpoint not in card.checkpoints):
            raise unknown_name(f"official checkpoint of {name}", checkpoint or "any", card.checkpoints)
        found |= dict.fromkeys((name, one) for one in ([checkpoint] if checkpoint else card.checkpoints))
    return ((registry.method_card(name), checkpoint) for name, checkpoint in found)


def missing(names: Sequence[str]) -> list[tuple[MethodCard, str]]:
    """Those of the methods of a run, `name@checkpoint`, whose official checkpoint is not here yet."""
    cards = registry.method_cards()
    named = [entry.partition("@")[::2] for entry in names if "=" not in entry]
    known = [(cards[name], one) for name, one in named if name in cards and one in cards[name].checkpoints]
    return [(card, one) for card, one in known if weights.stored(card.checkpoints[one]) is None]


def fetch(card: MethodCard, name: str) -> Fetched:
    """Fetch an official checkpoint, unless it is here; a file that is here is replaced by one of the right hash only.

    Raises:
        WeightsError: Nobody offers a direct download.
        DownloadError: A file cannot be fetched, or is not the published one.
        StorageError: It cannot be written.
    """
    checkpoint = card.checkpoints[name]
    by_hand = f"get it from {checkpoint.source} and run: uaabench weights add {card.name} FILE"
    if not checkpoint.urls:
        raise WeightsError(f"Nobody offers a direct download of {card.name}@{name}; {by_hand}")
    if not weights.known_hash(checkpoint):
        return _fetch_first(checkpoint, by_hand)
    from uaabench.core.download import download

    digest = weights.known_hash(checkpoint)
    folder = paths.weights_folder() / digest if checkpoint.parts else paths.weights_folder()
    for url, part in zip(checkpoint.urls, checkpoint.parts or (digest,), strict=True):
        download(url, folder / f"{part}.pt", part, mend=by_hand)
    return Fetched(folder if checkpoint.parts else folder / f"{digest}.pt", digest)


def _fetch_first(checkpoint: Checkpoint, mend: str) -> Fetched:
    """Fetch a file whose SHA-256 nobody has published, and pin that of what comes."""
    from uaabench.core.download import download

    (url,) = checkpoint.urls
    aside = paths.weights_folder() / f".{sha256(url.encode()).hexdigest()[:16]}.first"
    aside.unlink(missing_ok=True)
    digest = download(url, aside, mend=mend)
    if checkpoint.git_blob and git_blob(aside) != checkpoint.git_blob:
        aside.unlink()
        raise DownloadError(f"What came from {url} is not the file of that commit, so that it was not kept; {mend}")
    path = aside.with_name(f"{digest}.pt")
    os.replace(aside, path)
    weights.pin(url, digest)
    return Fetched(path, digest, is_pinned=not checkpoint.git_blob)
