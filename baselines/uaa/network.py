"""The unfolding network of UAAFusion: data steps and learned proximal operators with memory.

Module names give the state-dict keys of the authors' release, so that their checkpoint fits as it is. What never
reaches the fused image there, `init_conv_f0` and the memory update of the last stage, does not exist here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.config import UAAConfig
from uaabench.baselines.uaa.strips import Border, by_strips

Attend = Callable[[Tensor], Tensor]


def _conv3x3(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, padding_mode="reflect")


class ConvUnit(nn.Module):
    """Two 3x3 convolutions with a PReLU of one slope between them: (B,a,H,W) to (B,c,H,W)."""

    def __init__(self, a: int, b: int, c: int) -> None:
        super().__init__()
        self.conv_unit = nn.Sequential(_conv3x3(a, b), nn.PReLU(), _conv3x3(b, c))

    def forward(self, *parts: Tensor) -> Tensor:
        """Apply the unit to the parts of its input, (B,.,H,W) each."""
        if not torch.is_grad_enabled():
            return by_strips(self._strip, parts, halo=2)[0]
        features: Tensor = self.conv_unit(torch.cat(parts, 1))
        return features

    def _strip(self, parts: Sequence[Tensor], border: Border) -> list[Tensor]:
        first, activation, second = self.conv_unit
        assert isinstance(first, nn.Conv2d)
        assert isinstance(activation, nn.PReLU)
        assert isinstance(second, nn.Conv2d)
        features = functional.conv2d(border.pad(torch.cat(list(parts), 1)), first.weight, first.bias)
        features = functional.leaky_relu_(features, activation.weight.item())
        return [functional.conv2d(border.pad(features), second.weight, second.bias)]


class ConvLSTM(nn.Module):
    """Convolutional LSTM cell whose eight 3x3 convolutions run as one on the stacked input and state."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for gate in "fioj":
            self.add_module(f"conv_x{gate}", _conv3x3(channels, channels))
            self.add_module(f"conv_h{gate}", _conv3x3(channels, channels))

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Advance by one stage.

        Args:
            x: Input features, (B,c,H,W).
            state: Hidden and cell state, each like `x`; None in the first stage, which has no forget gate, skips the
                state convolutions with their biases, and takes no tanh of the cell.

        Returns:
            The new hidden and cell state.
        """
        inputs = [x] if state is None else [x, *state]
        if torch.is_grad_enabled():
            hidden, cell = self._advance(inputs, Border())
        else:
            hidden, cell = by_strips(self._advance, inputs, halo=1)
        return hidden, cell

    def _advance(self, inputs: Sequence[Tensor], border: Border) -> tuple[Tensor, Tensor]:
        if len(inputs) == 1:
            gate_in, gate_out, candidate = self._gates("x", "ioj", border.pad(inputs[0]))
            cell = torch.sigmoid(gate_in) * torch.tanh(candidate)
            return torch.sigmoid(gate_out) * cell, cell
        x, hidden, cell = inputs
        forget, gate_in, gate_out, candidate = self._gates("xh", "fioj", border.pad(torch.cat([x, hidden], 1)))
        cell = torch.sigmoid(forget) * border.trim(cell) + torch.sigmoid(gate_in) * torch.tanh(candidate)
        return torch.sigmoid(gate_out) * torch.tanh(cell), cell

    def _gates(self, inputs: str, gates: str, padded: Tensor) -> Sequence[Tensor]:
        weight = torch.cat([torch.cat([self._conv(i, gate).weight for i in inputs], 1) for gate in gates])
        bias = torch.cat([torch.stack([self._bias(i, gate) for i in inputs]).sum(0) for gate in gates])
        return functional.conv2d(padded, weight, bias).chunk(len(gates), 1)

    def _conv(self, which: str, gate: str) -> nn.Conv2d:
        conv = self.get_submodule(f"conv_{which}{gate}")
        assert isinstance(conv, nn.Conv2d)
        return conv

    def _bias(self, which: str, gate: str) -> Tensor:
        bias = self._conv(which, gate).bias
        assert bias is not None
        return bias


class Memory(NamedTuple):
    """What one stage hands to the next: long and short memory (B,c,H,W), and the state of the ConvLSTM."""

    long: Tensor
    short: Tensor
    state: tuple[Tensor, Tensor] | None


class Proximal(nn.Module):
    """The learned proximal operator of one stage.

    Args:
        channels: Width c of its features.
        remembers: Whether it updates the memory; the last stage has nobody to hand it to.
    """

    def __init__(self, channels: int, *, remembers: bool) -> None:
        super().__init__()
        c = channels
        self.conv1 = ConvUnit(1, c, c)
        self.conv2 = ConvUnit(3 * c, c, c)
        self.conv3 = ConvUnit(c, c, c)
        self.conv4 = nn.Sequential(ConvUnit(c, c // 2, 1), nn.Sigmoid())
        self.remembers = remembers
        if remembers:
            self.lstm = ConvLSTM(c)
            self.conv5 = ConvUnit(3 * c, c, c)
            self.conv6 = ConvUnit(c, c, c)

    def forward(self, f: Tensor, memory: Memory, attention: Tensor) -> tuple[Tensor, Memory]:
        """Refine an iterate.

        Args:
            f: The iterate after its data step, (B,1,H,W).
            memory: What the stage before handed over.
            attention: Attribution attention att_n, (B,1,H,W); gates the features by its sigmoid.

        Returns:
            The next iterate, in (0,1), and the memory for the next stage.
        """
        u = self.conv1(f)
        features = self.conv2(u, memory.long, memory.short)
        short = torch.addcmul(features, self.conv3(features), torch.sigmoid(attention).to(features.dtype))
        refined = self.refine(f, short)
        if not self.remembers:
            return refined, memory
        state = self.lstm(self.conv5(u, features, short), memory.state)
        return refined, Memory(self.conv6(state[0]), short, state)

    def refine(self, f: Tensor, features: Tensor) -> Tensor:
        """The next iterate, in (0,1), from the one after its data step and the features of this stage."""
        # An iterate in bfloat16 would lose grey levels.
        return torch.sigmoid(self.conv4[0](features).to(f.dtype))


class Unfolding(nn.Module):
    """The whole fusion network: N stages, each with weights of its own.

    Args:
        config: Number of stages, width, and whether the data step is taken.
    """

    def __init__(self, config: UAAConfig) -> None:
        super().__init__()
        self.data_step = config.data_step
        self.alpha = nn.Parameter(torch.full((config.stages,), 1e-3))
        half = config.channels // 2
        self.init_conv_ir = ConvUnit(1, half, half)
        self.init_conv_vi = ConvUnit(1, half, half)
        last = config.stages - 1
        self.blockflow = nn.ModuleList(
            Proximal(config.channels, remembers=config.memory and n < last) for n in range(config.stages)
        )

    def forward(self, ir: Tensor, vi: Tensor, target: Tensor, attend: Attend) -> Tensor:
        """Unfold from the average of the sources to the fused image; all images (B,1,H,W) in [0,1].

        Args:
            ir: Infrared image.
            vi: Visible luminance.
            target: Minimiser w_i i + w_v v of the fidelity term.
            attend: Called with each iterate f^n before its data step; gives att_n, (B,1,H,W).
        """
        start = torch.cat([self.init_conv_ir(ir), self.init_conv_vi(vi)], 1)
        memory = Memory(start, start, None)
        f = (ir + vi) / 2
        for alpha, stage in zip(self.alpha, self.blockflow, strict=True):
            attention = attend(f)
            if self.data_step:
                f = f - alpha * (f - target)
            f, memory = stage(f, memory, attention)
        return f
