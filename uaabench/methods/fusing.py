"""From a method as it is named to its fused images: loading it, and fusing one pair or several of one size."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uaabench.core import files, imaging, registry
from uaabench.core.arithmetic import arithmetic
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError, MethodError
from uaabench.core.files import Mark
from uaabench.core.interface import FusionMethod, Pair, Sources
from uaabench.methods.compiling import FuseBatch, compiled, is_compiled
from uaabench.methods.named import MethodPlan

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Fuser = Callable[[Pair, Sources], ByteImage]
# Of pairs whose images are of one size.
BatchFuser = Callable[[Sequence[tuple[Pair, Sources]]], list[ByteImage]]
# Of images fused elsewhere the file of each pair, and what it was when the run was planned.
Precomputed = Mapping[str, tuple[Path, Mark]]


def load_method(method: MethodPlan, device: torch.device) -> FusionMethod:
    """Make a method of the registry and load its weights.

    Raises:
        WeightsError: The weights are missing, changed, or do not fit.
    """
    method.weights.verify()
    fusion = registry.method_class(method.card.name)(**method.options)
    fusion.load(method.weights.path, device)
    return fusion


def make_fuser(
    method: MethodPlan, *, device: str, precision: str = "fp32", seed: int = 0, precomputed: Precomputed | None = None
) -> Fuser:
    """Load a method, and return the function that turns a pair into its artefact.

    Args:
        method: The method.
        device: As torch names it.
        precision: Arithmetic of the network, `fp32` or `bf16`.
        seed: Seed set before every pair.
        precomputed: The images of a method that were fused elsewhere; looked up in its folder unless given.

    Raises:
        WeightsError: The weights are missing, changed, or do not fit.
        DataError: Two images of the folder have one stem.
    """
    fuse = make_batch_fuser(method, device=device, precision=precision, seed=seed, precomputed=precomputed)
    return lambda pair, sources: fuse([(pair, sources)])[0]


def make_batch_fuser(
    method: MethodPlan,
    *,
    device: str,
    precision: str = "fp32",
    seed: int = 0,
    compile_network: bool = False,
    precomputed: Precomputed | None = None,
) -> BatchFuser:
    """Load a method, and return the function that turns pairs of one size into their artefacts at once.

    The seed is set before every batch. What a method draws would then depend on the others in the batch, which that
    function refuses with a `MethodError`; one pair alone gets the same images in any run.

    Args:
        method: The method.
        device: As torch names it.
        precision: Arithmetic of the network, `fp32` or `bf16`.
        seed: Seed set before every batch.
        compile_network: Have torch compile the network, where the method is one.
        precomputed: The images of a method that were fused elsewhere; looked up in its folder unless given.

    Raises:
        WeightsError: The weights are missing, changed, or do not fit.
        DataError: Two images of the folder have one stem.
    """
    if method.folder is not None:
        known = precomputed
        if known is None:
            known = {stem: (path, Mark.of(path)) for stem, path in files.images(method.folder).items()}
        return lambda pairs: [_read_precomputed(method, known, pair, sources) for pair, sources in pairs]
    import torch

    from uaabench.methods.strips import in_strips

    place = torch.device(device)
    fuse: FuseBatch = load_method(method, place).fuse
    if is_compiled(method.card, asked=compile_network):
        fuse = compiled(fuse)
    in_parts = partial(in_strips, fuse, reach=method.card.reach)
    return lambda pairs: _fuse(in_parts, [sources for _, sources in pairs], place, precision, seed)


def _fuse(
    fuse: FuseBatch, batch: Sequence[Sources], device: torch.device, precision: str, seed: int
) -> list[ByteImage]:
    import torch

    from uaabench.methods.conformance import validated

    set_seed(seed)
    before = _random_states(device) if len(batch) > 1 else b""
    ir, vi = (to_device([getattr(sources, side) for sources in batch], device) for side in ("ir", "vi"))
    with torch.no_grad(), arithmetic(device, precision):
        fused = fuse(ir, vi)
    if before and _random_states(device) != before:
        raise MethodError("it draws random numbers, so that its images depend on the others in their batch")
    # Autocast hands out bfloat16; what is kept is 8 bit anyway.
    return imaging.quantise(validated(fused.float() if precision == "bf16" else fused, ir))


def to_device(images: Sequence[ByteImage], device: torch.device) -> Tensor:
    """Images of one size, (H,W) or (H,W,C) uint8, to a tensor (B,C,H,W) in [0,1] on a device.

    They become floating point on the processor, so that a method gets the same numbers on any device; a GPU copies them
    from pinned memory while the processor goes on.
    """
    import torch

    tensor = torch.cat([imaging.to_tensor(image) for image in images])
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def set_seed(seed: int) -> None:
    """Seed every generator that a method may draw from without making one: those of torch, NumPy and Python."""
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _random_states(device: torch.device) -> bytes:
    """Where these generators are."""
    import torch

    of_gpu = torch.cuda.get_rng_state(device).numpy().tobytes() if device.type == "cuda" else b""
    return pickle.dumps((torch.get_rng_state().numpy().tobytes(), of_gpu, np.random.get_state(), random.getstate()))


def _read_precomputed(method: MethodPlan, known: Precomputed, pair: Pair, sources: Sources) -> ByteImage:
    if pair.id not in known:
        raise DataError(f"'{method.label}' has no image for this pair in {method.folder}; add it, named like the pair.")
    path, mark = known[pair.id]
    image = imaging.read_rgb(path)
    mark.refuse_changed(path)
    if image.shape[:2] != sources.ir.shape:
        raise DataError(
            f"{path} is {imaging.size_text(image)} but the pair '{pair.id}' is {imaging.size_text(sources.ir)}; "
            "fused images must keep the size of their sources."
        )
    is_grey = (image == image[..., :1]).all()
    return image[..., 0].copy() if is_grey else image
