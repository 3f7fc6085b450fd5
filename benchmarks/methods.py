"""How fast the learned baselines run here against the straightforward way to run the same network.

    python benchmarks/methods.py [METHOD...]

Straightforward: the module as it is built, its weights requiring gradients, called without `no_grad`, in the usual
memory layout; AUIF without the shortcut of its module. Here: the same module through `load` of its method, as the
harness calls it. Weights are random, the work is the same; images 480x640, two threads, medians of 7 alternating calls
in one process. Prints both times, their ratio and the largest difference between the raw results.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from uaabench.baselines.auif import Step
from uaabench.core.registry import method_class

NAMES = (
    "tardal",
    "seafusion",
    "densefuse",
    "ifcnn",
    "didfuse",
    "auif",
    "datfuse",
    "mmdrfuse",
    "reconet",
    "refusion",
    "ship",
)
HEIGHT, WIDTH, REPETITIONS = 480, 640, 7


def measure(name: str) -> tuple[float, float, float]:
    """Seconds of the straightforward and of our way, and the largest difference of their results."""
    torch.manual_seed(0)
    plain = as_published(method_class(name)()._network.eval())
    ours = method_class(name)()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        torch.save(plain.state_dict(), path)
        ours.load(path, torch.device("cpu"))
    inputs = [torch.rand(1, channels, HEIGHT, WIDTH) for channels in ((3, 3) if name == "ifcnn" else (1, 1))]

    def straightforward() -> torch.Tensor:
        return plain(*inputs)

    def here() -> torch.Tensor:
        with torch.no_grad():
            return ours._network(*inputs)

    difference = (straightforward() - here()).abs().max().item()
    times: dict[str, list[float]] = {"straightforward": [], "here": []}
    for _ in range(REPETITIONS):
        for way in (straightforward, here):
            start = time.perf_counter()
            way()
            times[way.__name__].append(time.perf_counter() - start)
    return statistics.median(times["straightforward"]), statistics.median(times["here"]), difference


def as_published(network: nn.Module) -> nn.Module:
    """The network with AUIF's two convolutions of each step one after the other."""
    for module in network.modules():
        if isinstance(module, Step):
            module._response = module._literally
    return network


def main(names: list[str]) -> None:
    """Print the table."""
    torch.set_num_threads(2)
    print(f"{'method':12}{'straightforward':>16}{'here':>9}{'ratio':>8}{'difference':>12}")
    for name in names or NAMES:
        slow, fast, difference = measure(name)
        print(f"{name:12}{slow * 1e3:13.0f} ms{fast * 1e3:6.0f} ms{slow / fast:8.2f}{difference:12.1e}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
