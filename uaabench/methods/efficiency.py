"""What a method costs: parameters, operations, latency, memory, size of its weights.

Each method is measured at each image size in a process of its own, one image at a time, on a fixed synthetic pair that
lies on the device already: a warm-up, then as many timed calls as fit some seconds, each waited for. So neither the
memory nor the crash of one method touches another, and reading files does not count.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core.arithmetic import arithmetic
from uaabench.core.errors import UsageError, sentence
from uaabench.core.files import write_json
from uaabench.core.threads import limit_threads, threads_per_job

if TYPE_CHECKING:
    import torch

    from uaabench.core.interface import FusionMethod
    from uaabench.methods.named import MethodPlan

SCHEMA = 1
# (height, width) of the images.
SIZES = ((256, 256), (480, 640), (768, 1024))
LEAST, MOST = 5, 30
SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """What one method costs at one image size; None where a number could not be had.

    Attributes:
        method: Label of the method.
        title: Its printed name.
        kind: trivial, classical, learned or precomputed.
        height: Height of the images in pixels.
        width: Width of the images in pixels.
        parameters: Number of parameters of its networks, trainable or not; buffers do not count.
        weights_bytes: Size of its weights file.
        flops: Floating-point operations of the convolutions and matrix products of one call, backward ones included.
        latency_ms: Median time of a call in milliseconds.
        latency_q1_ms: Lower quartile of the time.
        latency_q3_ms: Upper quartile of the time.
        repetitions: Number of timed calls.
        peak_memory_mib: Most memory during a call above that before the method was loaded, in MiB: of the device, or
            of the process where the device is the processor.
        device: Device as torch names it.
        threads: Threads of the processor.
        precision: fp32 or bf16.
        reason: Why there are no numbers; empty otherwise.
    """

    method: str
    title: str
    kind: str
    height: int
    width: int
    parameters: int | None = None
    weights_bytes: int | None = None
    flops: int | None = None
    latency_ms: float | None = None
    latency_q1_ms: float | None = None
    latency_q3_ms: float | None = None
    repetitions: int = 0
    peak_memory_mib: float | None = None
    device: str = "cpu"
    threads: int = 1
    precision: str = "fp32"
    reason: str = ""


def measure(
    methods: Sequence[MethodPlan],
    *,
    sizes: Sequence[tuple[int, int]] = SIZES,
    device: str = "cpu",
    precision: str = "fp32",
    plugins: Sequence[Path] = (),
    on_row: Callable[[Efficiency], None] | None = None,
) -> list[Efficiency]:
    """Measure every method at every size.

    Args:
        methods: What to measure; images fused elsewhere get a reason in place of numbers.
        sizes: (height, width) of the images.
        device: Device as torch names it.
        precision: fp32 or bf16.
        plugins: Files that define some of the methods.
        on_row: Called with each result as it is there.

    Returns:
        One entry for each method and size; one that failed has its reason.
    """
    rows = []
    for method in methods:
        for size in sizes:
            row = _measure_apart(method, size, device, precision, list(plugins))
            rows.append(row)
            if on_row:
                on_row(row)
    return rows


def _measure_apart(
    method: MethodPlan, size: tuple[int, int], device: str, precision: str, plugins: list[Path]
) -> Efficiency:
    """Measure in a new process; what ends it ends nothing else."""
    threads = threads_per_job(1)
    empty = Efficiency(
        method=method.label,
        title=method.title,
        kind=method.card.kind,
        height=size[0],
        width=size[1],
        device=device,
        threads=threads,
        precision=precision,
    )
    if method.folder is not None:
        return replace(empty, reason="its images were fused elsewhere")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_measure, method, empty, plugins).result()
        except BrokenProcessPool:
            return replace(empty, reason="its process was ended from outside, most likely for want of memory")
        except (Exception, SystemExit) as error:
            return replace(empty, reason=sentence(error))


def _measure(method: MethodPlan, empty: Efficiency, plugins: list[Path]) -> Efficiency:
    """Measure one method at one size in this process."""
    import torch

    from uaabench.core import registry

    limit_threads(empty.threads)
    registry.load_plugins(plugins)
    method.weights.verify()
    device = torch.device(empty.device)
    generator = torch.Generator().manual_seed(0)
    ir, vi = (torch.rand(1, channels, empty.height, empty.width, generator=generator).to(device) for channels in (1, 3))
    before = _memory(device)
    fusion = registry.method_class(method.card.name)(**method.options)
    fusion.load(method.weights.path, device)

    def call() -> None:
        with torch.no_grad(), arithmetic(device, empty.precision):
            fusion.fuse(ir, vi)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    call()
    _reset_peak(device)
    call()
    peak = _memory(device, peak=True)
    times = _time(call)
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    weights = method.weights.path
    return replace(
        empty,
        parameters=sum(parameter.numel() for module in _modules(fusion) for parameter in module.parameters()),
        weights_bytes=weights.stat().st_size if weights else 0,
        flops=_count(call),
        latency_ms=middle * 1e3,
        latency_q1_ms=low * 1e3,
        latency_q3_ms=high * 1e3,
        repetitions=len(times),
        peak_memory_mib=None if before is None or peak is None else max(peak - before, 0) / 2**20,
    )


def _time(call: Callable[[], None], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds of each of `LEAST` to `MOST` calls; after the least number none is begun once `SECONDS` are over."""
    times: list[float] = []
    while len(times) < LEAST or (len(times) < MOST and sum(times) < SECONDS):
        start = clock()
        call()
        times.append(clock() - start)
    return times


def _count(call: Callable[[], None]) -> int:
    """Operations of a call, by torch's formulas; its own counter cannot follow the gradients that some methods take."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
        total: int = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            formula = flop_registry.get(func._overloadpacket)
            if formula:
                self.total += int(formula(*args, **(kwargs or {}), out_val=result))
            return result

    counter: Any = Counter()  # type: ignore[no-untyped-call]
    with counter:
        call()
    return int(counter.total)


def _modules(fusion: FusionMethod) -> Iterator[torch.nn.Module]:
    """The networks of a method: its attributes, and what lies in those that are lists or mappings."""
    import torch

    seen: set[int] = set()
    waiting: list[Any] = [fusion] if isinstance(fusion, torch.nn.Module) else list(vars(fusion).values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.nn.Module) and id(value) not in seen:
            seen.add(id(value))
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value


def _memory(device: torch.device, *, peak: bool = False) -> int | None:
    """Bytes in use, or the most since the last reset; None on a system that does not say."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) if peak else torch.cuda.memory_allocated(device)
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    entries = dict(line.split(":", 1) for line in status.splitlines())
    return int(entries["VmHWM" if peak else "VmRSS"].split()[0]) * 1024


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def write(path: Path, rows: Sequence[Efficiency]) -> None:
    """Write results as JSON.

    Raises:
        StorageError: The file cannot be written.
    """
    write_json(path, {"schema": SCHEMA, "efficiency": [asdict(row) for row in rows]})


def read(path: Path) -> list[Efficiency]:
    """Read what `write` wrote.

    Raises:
        UsageError: The file is not of this kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] == SCHEMA:
            return [Efficiency(**row) for row in content["efficiency"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path} holds no efficiency results ({error}); measure again with uaabench profile."
        ) from error
    raise UsageError(f"{path} is of another version of uaabench; measure again with uaabench profile.")
