"""The unfolding network of UAAFusion+: stages that correct the iterate in place of drawing it anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.uaa.network import Attend, ConvUnit, Memory, Proximal
from uaabench.baselines.uaaplus.config import UAAPlusConfig

FIRST_STEP = 0.9
SMALL_WEIGHTS = 0.1
"""Factor of the initial weights of a stage's last convolution: a stage begins as nearly nothing but its data step."""


class CorrectingProximal(Proximal):
    """A proximal operator that adds at most half the range to the iterate: f + tanh(.) / 2.

    Args:
        channels: Width c of its features.
        remembers: Whether it updates the memory; the last stage has nobody to hand it to.
    """

    def __init__(self, channels: int, *, remembers: bool) -> None:
        super().__init__(channels, remembers=remembers)
        last = self.conv4[0].get_submodule("conv_unit.2")
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.weight.mul_(SMALL_WEIGHTS)
            last.bias.zero_()

    def refine(self, f: Tensor, features: Tensor) -> Tensor:
        """The next iterate from the one after its data step and the features of this stage."""
        return f + torch.tanh(self.conv4[0](features).to(f.dtype)) / 2


class CorrectingUnfolding(nn.Module):
    """The whole fusion network: N stages, each with weights of its own.

    Args:
        config: Number of stages and width.
    """

    data_step = True

    def __init__(self, config: UAAPlusConfig) -> None:
        super().__init__()
        # A step of sigmoid(.) stays within (0,1): it never leads away from the weighted sources, and never beyond.
        self.step = nn.Parameter(torch.full((config.stages,), FIRST_STEP).logit())
        self.gate = nn.Parameter(torch.ones(config.stages))
        half = config.channels // 2
        self.init_conv_ir = ConvUnit(1, half, half)
        self.init_conv_vi = ConvUnit(1, half, half)
        last = config.stages - 1
        self.blockflow = nn.ModuleList(
            CorrectingProximal(config.channels, remembers=n < last) for n in range(config.stages)
        )

    def forward(self, ir: Tensor, vi: Tensor, target: Tensor, attend: Attend) -> Tensor:
        """Unfold from the average of the sources to the fused image; all images (B,1,H,W) in [0,1].

        Args:
            ir: Infrared image.
            vi: Visible luminance.
            target: Minimiser w_i i + w_v v of the fidelity term.
            attend: Called with each iterate f^n before its data step; gives its attention, (B,1,H,W).

        Returns:
            The fused image, (B,1,H,W); a little beyond [0,1] in places.
        """
        start = torch.cat([self.init_conv_ir(ir), self.init_conv_vi(vi)], 1)
        memory = Memory(start, start, None)
        f = (ir + vi) / 2
        for step, gate, stage in zip(torch.sigmoid(self.step), self.gate, self.blockflow, strict=True):
            attention = gate * attend(f)
            f, memory = stage(f - step * (f - target), memory, attention)
        return f
