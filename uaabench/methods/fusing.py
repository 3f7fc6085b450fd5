"""From a method as it is named to its fused images: loading it, and fusing one pair after another."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uaabench.core import files, imaging, registry
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError
from uaabench.core.files import Mark
from uaabench.core.interface import FusionMethod, Pair, Sources
from uaabench.methods.named import MethodPlan

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Fuser = Callable[[Pair, Sources], ByteImage]
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
    if method.folder is not None:
        known = precomputed
        if known is None:
            known = {stem: (path, Mark.of(path)) for stem, path in files.images(method.folder).items()}
        return lambda pair, sources: _read_precomputed(method, known, pair, sources)
    import torch

    place = torch.device(device)
    fusion = load_method(method, place)
    return lambda _pair, sources: _fuse_one(fusion, sources, place, precision, seed)


def _fuse_one(fusion: FusionMethod, sources: Sources, device: torch.device, precision: str, seed: int) -> ByteImage:
    import torch

    from uaabench.methods.conformance import validated
    from uaabench.methods.strips import in_strips

    def fuse(ir: Tensor, vi: Tensor) -> Tensor:
        fused = fusion.fuse(ir, vi)
        # Autocast hands out bfloat16; what is kept is 8 bit anyway.
        return validated(fused.float() if precision == "bf16" else fused, ir)

    set_seed(seed)
    ir = imaging.to_tensor(sources.ir).to(device)
    vi = imaging.to_tensor(sources.vi).to(device)
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    with torch.no_grad(), bf16:
        return imaging.quantise(in_strips(fuse, ir, vi, reach=fusion.card.reach))[0]


def set_seed(seed: int) -> None:
    """Seed every generator that a method may draw from without making one: those of torch, NumPy and Python."""
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


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
