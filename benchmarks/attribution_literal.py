"""UAAFusion as the released code computes it: one backward pass per source, step and class, one image at a time.

Parameters require gradients, features have channels first, and what is never used (g_0, the memory of the last stage)
is computed. It works on the modules of the package through their plain layers only, so that both share parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.config import RELEASED
from uaabench.baselines.uaa.mobilenet import MobileNetSegmenter
from uaabench.baselines.uaa.model import UAAModel
from uaabench.baselines.uaa.network import ConvLSTM, Proximal

EPS = 1e-8


@dataclass(frozen=True)
class Result:
    """What both ways are compared by; images (1,1,H,W), attribution (2,C)."""

    w_ir: Tensor
    attribution: Tensor
    attentions: list[Tensor]
    image: Tensor


class LiteralModel(UAAModel):
    """The released modules, with the memory that their last stage never hands on, and channels first."""

    def __init__(self) -> None:
        super().__init__(RELEASED)
        self.model_f.blockflow[-1] = Proximal(RELEASED.channels, remembers=True)
        for parameter in self.parameters():
            parameter.data = parameter.data.contiguous()

    def fuse(self, ir: Tensor, vi: Tensor, mask: Tensor) -> Result:
        """Fuse one pair (1,1,H,W) by a mask (1,C,H,W)."""
        labels = mask.argmax(1, keepdim=True)
        a_ir, a_vi = attribute(self.model_s, ir, labels), attribute(self.model_s, vi, labels)
        at_ir, at_vi = a_ir[labels], a_vi[labels]
        w_ir, w_vi = ((a + EPS) / (at_ir + at_vi + 2 * EPS) for a in (at_ir, at_vi))
        attentions, image = unfold(self, ir, vi, w_ir * ir + w_vi * vi, mask)
        return Result(w_ir, torch.stack([a_ir, a_vi]), attentions, image)


def scores(segmenter: MobileNetSegmenter, image: Tensor) -> Tensor:
    """Scores (B,C,H,W) of images (B,1,H,W)."""
    features = segmenter.feature_extractor.features
    low = features[:4](image)
    high = functional.interpolate(features[4:](low), low.shape[-2:], mode="bilinear", align_corners=True)
    joint = segmenter.cat_conv(torch.cat([high, segmenter.shortcut_conv(low)], 1))
    logits = functional.interpolate(segmenter.cls_conv(joint), image.shape[-2:], mode="bilinear", align_corners=True)
    return torch.sigmoid(logits)


def attribute(segmenter: MobileNetSegmenter, source: Tensor, labels: Tensor) -> Tensor:
    """Contribution a_j of a source (1,1,H,W) to each class, (C,)."""
    found = torch.zeros(RELEASED.classes)
    for index in labels.unique().tolist():
        region = labels == index
        total = torch.zeros_like(source)
        for step in range(1, RELEASED.steps + 1):
            segmenter.zero_grad()
            point = (source * step / RELEASED.steps).detach().requires_grad_()
            scores(segmenter, point)[:, index : index + 1][region].mean().backward()
            total += point.grad
        found[index] = (total / RELEASED.steps * source)[region].mean().relu()
    return found


def unfold(model: LiteralModel, ir: Tensor, vi: Tensor, target: Tensor, mask: Tensor) -> tuple[list[Tensor], Tensor]:
    """Unfold all stages; the attentions att_n and the fused image."""
    network = model.model_f
    start = torch.cat([network.init_conv_ir.conv_unit(ir), network.init_conv_vi.conv_unit(vi)], 1)
    long, short, state = start, start, None
    f = (ir + vi) / 2
    attention, before, attentions = torch.zeros_like(f), f, []
    for n, stage in enumerate(network.blockflow):
        gradient = attention_gradient(model.model_s, f, mask)
        if n:
            attention = ((n - 1) * attention + gradient * (f.detach() - before)) / n
        attentions.append(attention)
        before = f.detach()
        if network.data_step:
            f = f - network.alpha[n] * (f - target)
        u = stage.conv1.conv_unit(f)
        features = stage.conv2.conv_unit(torch.cat([u, long, short], 1))
        short = features + stage.conv3.conv_unit(features) * torch.sigmoid(attention)
        f = torch.sigmoid(stage.conv4[0].conv_unit(short))
        state = advance(stage.lstm, stage.conv5.conv_unit(torch.cat([u, features, short], 1)), state)
        long = stage.conv6.conv_unit(state[0])
    return attentions, f


def attention_gradient(segmenter: MobileNetSegmenter, f: Tensor, mask: Tensor) -> Tensor:
    """Gradient of the mean of M * S(f) with respect to an iterate f (1,1,H,W)."""
    segmenter.zero_grad()
    iterate = f.detach().requires_grad_()
    (mask * scores(segmenter, iterate)).mean().backward()
    return iterate.grad


def advance(cell: ConvLSTM, x: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
    """Advance a ConvLSTM by eight convolutions, or the three of the first stage."""

    def gate(name: str) -> Tensor:
        total = convolution(cell, f"conv_x{name}")(x)
        return total if state is None else total + convolution(cell, f"conv_h{name}")(state[0])

    if state is None:
        memory = torch.sigmoid(gate("i")) * torch.tanh(gate("j"))
        return torch.sigmoid(gate("o")) * memory, memory
    memory = torch.sigmoid(gate("f")) * state[1] + torch.sigmoid(gate("i")) * torch.tanh(gate("j"))
    return torch.sigmoid(gate("o")) * torch.tanh(memory), memory


def convolution(cell: ConvLSTM, name: str) -> nn.Module:
    """One of the convolutions of a cell by its name."""
    return cell.get_submodule(name)
