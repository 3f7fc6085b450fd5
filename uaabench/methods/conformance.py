"""What every fusion method must satisfy; `uaabench check-method NAME` prints it.

Each check fuses small synthetic scenes and compares. A method that passes can be run on any data set, in any batch
size, and cached: its images depend on nothing but its sources and its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from uaabench.core import imaging
from uaabench.core.arithmetic import arithmetic
from uaabench.core.errors import MethodError
from uaabench.core.interface import FusionMethod
from uaabench.core.strips import LEAST_ROWS, strips
from uaabench.methods.strips import joined

HEIGHT, WIDTH = 64, 96
ROUNDING = 1e-6
SUM_ORDER = 1e-4
# Where a method cuts its result to grey levels, the order of a sum decides on some values between one and the next: how
# far they may then be apart, and how many of them.
ONE_LEVEL, STEPPED = 1 / 255 + ROUNDING, 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `detail` says what was found, or what was wrong."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A method under test.

    Attributes:
        method: The method, loaded.
        device: Where it was loaded.
        cpu: The same method loaded on the CPU, if there is a device to compare it with.
    """

    method: FusionMethod
    device: torch.device
    cpu: FusionMethod | None = None

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse copies of the sources on the device, and bring the result to the CPU once it is found valid.

        A method that is given one pair at a time, as its card says, gets no more here either.

        Raises:
            MethodError: The result breaks the contract of `FusionMethod.fuse`.
        """
        if self.method.card.batches:
            return self._fuse(ir, vi)
        return torch.cat([self._fuse(ir[i : i + 1], vi[i : i + 1]) for i in range(len(ir))])

    def _fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        with arithmetic(self.device, "fp32"):
            fused = self.method.fuse(ir.to(self.device, copy=True), vi.to(self.device, copy=True))
        return validated(fused, ir).cpu()


def check(method: FusionMethod, device: torch.device, cpu: FusionMethod | None = None) -> list[Finding]:
    """Check a method.

    Args:
        method: The method, loaded on `device`.
        device: Where the sources are put.
        cpu: The same method loaded on the CPU; where it is given, both must agree.

    Returns:
        One finding a check, in the order of `CHECKS`; a check that raises has failed.
    """
    subject = Subject(method, device, cpu)
    with torch.no_grad():
        return [_finding(name, run, subject) for name, run in CHECKS.items()]


def validated(fused: Tensor, ir: Tensor) -> Tensor:
    """Return fused images that keep the contract.

    Args:
        fused: What a method made of a batch.
        ir: Infrared images of the batch, (B,1,H,W).

    Raises:
        MethodError: It is no float32 tensor (B,1,H,W) or (B,3,H,W) of finite values in [0,1].
    """
    if not isinstance(fused, Tensor):
        raise MethodError(f"fuse returned {type(fused).__name__} instead of a tensor")
    batch, _, height, width = ir.shape
    if tuple(fused.shape) not in {(batch, channels, height, width) for channels in (1, 3)}:
        raise MethodError(
            f"fuse returned the shape {tuple(fused.shape)} for sources of {tuple(ir.shape)}; "
            f"({batch}, 1, {height}, {width}) and ({batch}, 3, {height}, {width}) are right"
        )
    if fused.dtype != torch.float32:
        raise MethodError(f"fuse returned {fused.dtype} instead of torch.float32")
    if not fused.isfinite().all():
        raise MethodError(f"{int((~fused.isfinite()).sum())} of {fused.numel()} values are not finite")
    low, high = fused.min().item(), fused.max().item()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise MethodError(f"values reach from {low:.4g} to {high:.4g} instead of staying in [0,1]")
    return fused


def scenes(count: int, height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Synthetic pairs on 8-bit levels: smooth surfaces with texture, and a hot square that only infrared shows.

    Returns:
        Infrared (count,1,height,width) and visible (count,3,height,width), float32 in [0,1], always the same.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 4, 5, 6, generator=generator)
    smooth = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    image = 0.1 + 0.6 * smooth + 0.1 * torch.rand(count, 4, height, width, generator=generator)
    image[:, 0, height // 4 : height // 2, width // 4 : width // 2] += 0.4
    levels = (image.clamp(0, 1) * 255).round() / 255
    return levels[:, :1].contiguous(), levels[:, 1:].contiguous()


def _shape_type_and_range(subject: Subject) -> str:
    fused = subject.fuse(*scenes(2))
    return f"{fused.shape[1]} channel(s), {fused.min().item():.3f} to {fused.max().item():.3f}"


def _deterministic(subject: Subject) -> str:
    return _agree(subject.fuse(*scenes(2)), subject.fuse(*scenes(2)), ROUNDING, 0, "two calls")


def _independent_of_the_batch(subject: Subject) -> str:
    if not subject.method.card.batches:
        return "not compared: its card says that it fuses one pair at a time"
    ir, vi = scenes(3)
    alone = [subject.fuse(ir[i : i + 1], vi[i : i + 1]) for i in range(len(ir))]
    return _agree(subject.fuse(ir, vi), torch.cat(alone), SUM_ORDER, 1, "an image alone and in a batch")


def _odd_sizes(subject: Subject) -> str:
    return _sizes(subject, (61, 83), (83, 61))


def _strips(subject: Subject) -> str:
    return _sizes(subject, (HEIGHT + 1, WIDTH), (HEIGHT, WIDTH + 1), (HEIGHT + 1, WIDTH + 1))


def _sizes(subject: Subject, *sizes: tuple[int, int]) -> str:
    for height, width in sizes:
        try:
            subject.fuse(*scenes(1, height, width))
        except Exception as error:
            raise MethodError(f"at {width}x{height}: {_sentence(error)}") from error
    return ", ".join(f"{width}x{height}" for height, width in sizes)


def _grey_visible(subject: Subject) -> str:
    ir, vi = scenes(1)
    subject.fuse(ir, vi[:, :1].repeat(1, 3, 1, 1))
    return "three equal channels"


def _constant_images(subject: Subject) -> str:
    for name, value in (("black", 0.0), ("mid-grey", 0.5), ("white", 1.0)):
        ir, vi = torch.full((1, 1, HEIGHT, WIDTH), value), torch.full((1, 3, HEIGHT, WIDTH), value)
        try:
            subject.fuse(ir, vi)
        except Exception as error:
            raise MethodError(f"on {name} sources: {_sentence(error)}") from error
    return "black, mid-grey, white"


def _sources_unchanged(subject: Subject) -> str:
    ir, vi = (image.to(subject.device) for image in scenes(1))
    before = ir.clone(), vi.clone()
    subject.method.fuse(ir, vi)
    changed = [name for name, a, b in zip(("ir", "vi"), (ir, vi), before, strict=True) if not torch.equal(a, b)]
    if changed:
        raise MethodError(f"fuse wrote into {' and '.join(changed)}; work on copies")
    return "ir and vi as before"


def _in_strips(subject: Subject) -> str:
    reach = subject.method.card.reach
    if reach is None:
        return "not compared: its card gives no reach"
    ir, vi = scenes(1, 3 * LEAST_ROWS, WIDTH)
    parts = strips(*ir.shape[-2:], border=reach, pixels=LEAST_ROWS * WIDTH)
    # On the CPU, as a GPU may sum in another order for another size, which truncation turns into a grey level.
    here = subject if subject.cpu is None else Subject(subject.cpu, torch.device("cpu"))
    return _agree(here.fuse(ir, vi), joined(here.fuse, ir, vi, parts), SUM_ORDER, 1, "an image whole and in strips")


def _cpu_equals_device(subject: Subject) -> str:
    if subject.cpu is None:
        return "not compared: there is only the CPU"
    there, here = subject.fuse(*scenes(2)), Subject(subject.cpu, torch.device("cpu")).fuse(*scenes(2))
    stepped = ((there - here).abs() > 10 * SUM_ORDER).float().mean().item()
    allowed = ONE_LEVEL if stepped <= STEPPED else 10 * SUM_ORDER
    return _agree(there, here, allowed, 1, f"the CPU and {subject.device}")


CHECKS: dict[str, Callable[[Subject], str]] = {
    "shape, type and range": _shape_type_and_range,
    "deterministic": _deterministic,
    "independent of the batch": _independent_of_the_batch,
    "odd sizes": _odd_sizes,
    "one more row or column": _strips,
    "grey visible image": _grey_visible,
    "constant images": _constant_images,
    "sources unchanged": _sources_unchanged,
    "in strips": _in_strips,
    "CPU equals device": _cpu_equals_device,
}


def _finding(name: str, run: Callable[[Subject], str], subject: Subject) -> Finding:
    try:
        return Finding(name, passed=True, detail=run(subject))
    except Exception as error:  # whatever a method under test raises is a finding
        return Finding(name, passed=False, detail=_sentence(error))


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, MethodError) else f"{type(error).__name__}: {error}"


def _agree(first: Tensor, second: Tensor, tolerance: float, levels: int, what: str) -> str:
    """Say how far two results are apart, or raise where that is more than `tolerance` or so many grey levels."""
    difference = (first - second).abs().max().item()
    pairs = zip(imaging.quantise(first), imaging.quantise(second), strict=True)
    apart = max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)
    if difference > tolerance or apart > levels:
        raise MethodError(f"{what} differ by {difference:.2g} ({apart} grey levels); {tolerance:.0e} is allowed")
    return f"largest difference {difference:.2g}"
