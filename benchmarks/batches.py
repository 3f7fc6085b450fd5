"""What fusing several pairs at once does to images and to time.

    python benchmarks/batches.py --size 256 320 --batch 4 tardal dunsa lirp uaa uaaplus

For each method so many synthetic scenes one by one and at once: how many grey levels of the artefacts differ, the
largest difference before rounding, the same for a batch in another order and for one with other scenes, and the time
one by one over the time at once, of the processor, or on a GPU of the wall. Without names, all methods whose cards take
batches and whose weights are here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from uaabench.core import imaging, registry, weights
from uaabench.core.threads import limit_threads
from uaabench.methods.conformance import scenes
from uaabench.methods.fusing import load_method
from uaabench.methods.named import plan_method


def differing(one: Tensor, other: Tensor) -> str:
    """How many grey levels of two batches differ, and by how much the values do."""
    levels = [np.stack(imaging.quantise(images.float())) for images in (one, other)]
    return f"{int((levels[0] != levels[1]).sum())} ({(one - other).abs().max().item():.1e})"


def timed(work: Callable[[], Tensor], device: torch.device) -> tuple[Tensor, float]:
    """The result of a second call, and its seconds."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    work()
    start = clock()
    result = work().cpu()
    return result, clock() - start


def measure(name: str, size: tuple[int, int], batch: int, device: torch.device) -> str:
    """A line of the table."""
    method = load_method(plan_method(name), device)
    ir, vi = (images.to(device) for images in scenes(batch + 1, *size))
    others = torch.tensor([0, *range(2, batch + 1)])
    turned = torch.arange(batch - 1, -1, -1)
    with torch.no_grad():
        alone, slow = timed(
            lambda: torch.cat([method.fuse(ir[i : i + 1], vi[i : i + 1]) for i in range(batch)]), device
        )
        together, fast = timed(lambda: method.fuse(ir[:batch], vi[:batch]), device)
        backwards = method.fuse(ir[turned], vi[turned]).cpu()[turned]
        elsewhere = method.fuse(ir[others], vi[others]).cpu()
    found = (
        differing(alone, together),
        differing(together, backwards),
        differing(together[:1], elsewhere[:1]),
        f"{slow / fast:.2f}",
    )
    return f"{name:22}" + "".join(f"{text:>16}" for text in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--size", type=int, nargs=2, default=[256, 320], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    limit_threads(1)
    cards = [card for card in registry.method_cards().values() if card.batches]
    names = options.methods or [c.name for c in cards if c.kind != "learned" or weights.comes_with_weights(c)]
    print(f"{'method':22}{'at once':>16}{'another order':>16}{'other scenes':>16}{'time ratio':>16}")
    for name in names:
        print(measure(name, tuple(options.size), options.batch, torch.device(options.device)), flush=True)


if __name__ == "__main__":
    main()
