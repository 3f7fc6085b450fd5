"""Hashes of degraded images of a pair that any checkout can draw; run as a script, this prints them.

The pair is made of integers, so that it is the same on any machine. A hash that changes means that a corruption gives
other images: raise its version, and list it in CHANGELOG.md under "Changed numbers".
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

from uaabench.core.interface import Sources
from uaabench.degradations import CORRUPTIONS, parse

PINNED = Path(__file__).with_suffix(".csv")
STRENGTHS = {"jpeg": (7, 25, 30, 90), "shift": (1, 4, 64)}


def texts() -> list[str]:
    """Every corruption in every severity, and two of one after another."""
    found = []
    for entry in CORRUPTIONS.values():
        first, last = entry.strengths or (0, 0)
        for strength in STRENGTHS.get(entry.name, range(first, last + 1)):
            found.append(f"{entry.name}:{strength}{entry.unit}" if entry.strengths else entry.name)
    return [*found, "ir.noise:3", "vi.dark:2+noise:1"]


def pair(height: int = 120, width: int = 160) -> Sources:
    """Ramps, disks and checks, with levels from 0 to 255."""
    y, x = np.mgrid[:height, :width]
    ramp = (x * 255 // (width - 1) + y * 3) % 256
    checks = ((x // 7 + y // 5) % 2) * 120 + (x * y // 40) % 100
    disk = np.where((x - 50) ** 2 + (y - 60) ** 2 < 900, 255, (x + y) // 4)
    return Sources(disk.astype(np.uint8), np.stack([ramp, checks, 255 - ramp], axis=-1).astype(np.uint8))


def hashes() -> dict[str, str]:
    """SHA-256 of the degraded infrared image followed by the visible one, by degradation."""
    clean = pair()
    found = {}
    for text in texts():
        degraded = parse(text).apply(clean, "demo", "01")
        found[text] = hashlib.sha256(degraded.ir.tobytes() + degraded.vi.tobytes()).hexdigest()
    return found


def pinned() -> dict[str, str]:
    """The hashes as they must be."""
    with PINNED.open(encoding="utf-8", newline="") as file:
        return {row["degradation"]: row["sha256"] for row in csv.DictReader(file)}


if __name__ == "__main__":
    print("degradation,sha256")
    for text, found in hashes().items():
        print(f"{text},{found}")
