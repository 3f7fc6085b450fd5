"""How layers run fast on a CPU without changing what they compute: batch norms folded away, channels last."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def run(x: Tensor, *layers: nn.Module) -> Tensor:
    """Apply layers in turn; a batch norm in eval mode costs nothing, since it is folded into the convolution before it.

    The folding happens at every call, so that it follows the parameters, and is differentiable in them.

    Args:
        x: Features, (B,a,H,W).
        layers: What an `nn.Sequential` would hold; nested ones are taken apart.
    """
    queue = [layer for layer in nn.Sequential(*layers).modules() if not isinstance(layer, nn.Sequential)]
    folded = False
    while queue:
        layer = queue.pop(0)
        if isinstance(layer, nn.Conv2d) and queue and _is_frozen(queue[0]):
            x, folded = _folded_convolution(layer, queue.pop(0), x), True
            continue
        # A folded convolution is not asked for its result again, so that what follows may overwrite it.
        if folded and isinstance(layer, nn.ReLU6):
            x = functional.hardtanh_(x, 0.0, 6.0)
        elif folded and isinstance(layer, nn.ReLU):
            x = functional.relu_(x)
        else:
            x = layer(x)
        folded = False
    return x


def _is_frozen(layer: nn.Module) -> bool:
    return isinstance(layer, nn.BatchNorm2d) and not layer.training


def _folded_convolution(convolution: nn.Conv2d, norm: nn.Module, x: Tensor) -> Tensor:
    weight, bias = fold(convolution, norm)
    c = convolution
    padding, dilation = (c.padding, c.dilation)
    assert not isinstance(padding, str)
    return functional.conv2d(x, weight, bias, c.stride, padding, dilation, c.groups)


def fold(convolution: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that equals a zero-padded one and the batch norm in eval mode after it."""
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    bias = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        bias = bias + convolution.bias * scale
    return channels_last(convolution.weight * scale.view(-1, 1, 1, 1)), bias


def channels_last(x: Tensor) -> Tensor:
    """The same (B,C,H,W) with channels last in memory, unambiguously.

    Torch takes strides that fit both orders, as those of one channel do, for channels first, and the result of a
    convolution follows its input and weight.
    """
    _, c, height, width = x.shape
    x = x.contiguous(memory_format=torch.channels_last)
    return x.as_strided(x.shape, (c * height * width, 1, width * c, c))


def use_channels_last(module: nn.Module) -> None:
    """Store the weights of all convolutions channels last, so that features are too; values and names stay."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = channels_last(parameter.data)
