"""Judges that were trained on the images of each method: where they lie, and what records and tables call them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def seed_folder(method: Path, seed: int) -> Path:
    """Where the judge of one seed lies in the folder of its method."""
    return method / f"seed-{seed}"


def folders(method: Path) -> list[tuple[Path, int | None]]:
    """The folders of the judges of a method: one for each seed, or its own for a single judge, which has none."""
    names = [path.name.removeprefix("seed-") for path in method.glob("seed-*")]
    seeds = sorted(int(name) for name in names if name.isdecimal())
    return [(seed_folder(method, seed), seed) for seed in seeds] or [(method, None)]


def with_precision(network: str, precision: str) -> str:
    """What judges, with its arithmetic where that is not the usual one: `fast-scnn in bf16`."""
    return network if precision == "fp32" else f"{network} in {precision}".strip()


def in_words(way: str, protocol: str, network: str, seeds: Sequence[int | None]) -> str:
    """What the judges of one method are called: `retrain msrs-9, fast-scnn, mean of seeds 0, 1`.

    Args:
        way: `frozen` or `retrain`.
        protocol: Name of the protocol.
        network: What judges; empty where its name would tell the methods apart.
        seeds: Seed of each judge, None for one without.
    """
    known = [str(seed) for seed in seeds if seed is not None]
    shown = {0: "", 1: ", seed "}.get(len(known), ", mean of seeds ") + ", ".join(known)
    return ", ".join(filter(None, [f"{way} {protocol}", network])) + shown
