"""The default metrics in torch: all fused images of a pair at once, on the device they lie on.

What the NumPy functions of the same metrics compute, in float64 and to 1e-9; the tests compare them. On a processor
OpenCV is faster; this is for GPUs. Fused images are (M,H,W), the two sources (H,W), values 0..255; results are (M,).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from uaabench.core.columns import Metric
from uaabench.metrics import en, qabf, sd, sf, vif

BatchedMetric = Callable[[Tensor, Tensor, Tensor], Tensor]


def entropy(fused: Tensor, _ir: Tensor, _vi: Tensor) -> Tensor:
    """EN of each image; see `uaabench.metrics.en`."""
    levels = fused.round().long().flatten(1)
    counts = torch.zeros(len(fused), 256, dtype=fused.dtype, device=fused.device)
    counts.scatter_add_(1, levels, torch.ones_like(levels, dtype=fused.dtype))
    share = counts / levels.shape[1]
    nats: Tensor = torch.special.entr(share).sum(1)
    return nats / math.log(2)


def standard_deviation(fused: Tensor, _ir: Tensor, _vi: Tensor) -> Tensor:
    """SD of each image; see `uaabench.metrics.sd`."""
    return fused.flatten(1).std(1, correction=0)


def spatial_frequency(fused: Tensor, _ir: Tensor, _vi: Tensor) -> Tensor:
    """SF of each image; see `uaabench.metrics.sf`."""
    along_columns, along_rows = (fused.diff(dim=axis).square().flatten(1).mean(1) for axis in (1, 2))
    return torch.sqrt(along_columns + along_rows)


def visual_information_fidelity(fused: Tensor, ir: Tensor, vi: Tensor) -> Tensor:
    """VIF of each image, a source without structure counting as 1; see `uaabench.metrics.vif`."""
    images = torch.cat([ir[None], vi[None], fused])
    images = images - images.mean(dim=(1, 2), keepdim=True)
    kept: list[Tensor] = []
    available: list[Tensor] = []
    for side in vif.WINDOW_SIDES:
        window = torch.from_numpy(vif.gaussian_window(side)).to(fused)
        if available:
            images = _blur(images, window)[:, ::2, ::2]
        mean = _blur(images, window)
        variance = (_blur(images * images, window) - mean * mean).clamp(min=0)
        var_x = variance[:2]
        available.append(torch.log1p(var_x * (var_x >= vif.VANISHING) / vif.NOISE_VARIANCE).sum((1, 2)))
        kept.append(torch.stack([_kept(images, mean, variance, source, window) for source in (0, 1)]))
    gain, total = torch.stack(kept).sum(0), torch.stack(available).sum(0)[:, None]
    return torch.where(total > 0, gain / total, 1.0).sum(0)


def _kept(images: Tensor, mean: Tensor, variance: Tensor, source: int, window: Tensor) -> Tensor:
    """Information of one source that each fused image keeps, at one scale: (M,)."""
    common = _blur(images[source] * images[2:], window) - mean[source] * mean[2:]
    var_x, var_f = variance[source], variance[2:]
    structured = (var_x >= vif.VANISHING) & (var_f >= vif.VANISHING)
    gain = common.clamp(min=0) / (var_x + vif.VANISHING) * structured
    unexplained = (var_f - gain * common).clamp(min=vif.VANISHING)
    return torch.log1p(gain * gain * var_x / (unexplained + vif.NOISE_VARIANCE)).sum((1, 2))


def _blur(images: Tensor, window: Tensor) -> Tensor:
    """Filter (N,H,W) with a separable window of side s, only where it fits: (N,H-s+1,W-s+1)."""
    rows = conv2d(images[:, None], window.view(1, 1, -1, 1))
    return conv2d(rows, window.view(1, 1, 1, -1))[:, 0]


def edge_preservation(fused: Tensor, ir: Tensor, vi: Tensor) -> Tensor:
    """Qabf of each image; see `uaabench.metrics.qabf`."""
    strength_f, direction_f = _edges(fused)
    kept = available = torch.zeros((), dtype=fused.dtype, device=fused.device)
    for source in (ir, vi):
        strength, direction = _edges(source[None])
        weaker, stronger = torch.minimum(strength, strength_f), torch.maximum(strength, strength_f)
        similarity = torch.where(weaker < stronger, weaker / stronger, strength_f)
        alignment = 1 - (direction - direction_f).abs() / (math.pi / 2)
        logistics = (1 + torch.exp(-15 * (similarity - 0.5))) * (1 + torch.exp(-22 * (alignment - 0.8)))
        kept = kept + (0.9994 * 0.9879 / logistics * strength).sum((1, 2))
        available = available + strength.sum()
    # Without any edge 0/0 gives the NaN that stands for an undefined value.
    return kept / available


def _edges(images: Tensor) -> tuple[Tensor, Tensor]:
    """Strength and direction of the Sobel gradient of (N,H,W), by whole numbers and so without rounding."""
    framed = pad(images, (1, 1, 1, 1))
    smooth_rows = framed[:, :-2] + 2 * framed[:, 1:-1] + framed[:, 2:]
    smooth_columns = framed[:, :, :-2] + 2 * framed[:, :, 1:-1] + framed[:, :, 2:]
    sx = smooth_rows[:, :, :-2] - smooth_rows[:, :, 2:]
    sy = smooth_columns[:, 2:] - smooth_columns[:, :-2]
    slope = torch.where(sx != 0, sy / sx, math.inf)
    return torch.sqrt(sx * sx + sy * sy), torch.arctan(slope)


_BATCHED: tuple[tuple[Metric, BatchedMetric], ...] = (
    (en.EN, entropy),
    (sd.SD, standard_deviation),
    (sf.SF, spatial_frequency),
    (vif.VIF, visual_information_fidelity),
    (qabf.QABF, edge_preservation),
)


def batched(metric: Metric) -> BatchedMetric | None:
    """The batched form of a metric, or None, as for that of a profile that computes otherwise or on other features."""
    return next((form for known, form in _BATCHED if _computes_as(metric, known)), None)


def _computes_as(metric: Metric, known: Metric) -> bool:
    return metric.compute is known.compute and metric.features is known.features
