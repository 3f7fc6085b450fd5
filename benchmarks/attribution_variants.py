"""The steps from the literal algorithm to ours, one after the other, for `benchmarks/attribution.py`."""

from __future__ import annotations

import contextlib
import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from attribution_literal import Result, scores
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa import layers, strips
from uaabench.baselines.uaa.coarse import CoarseSegmenter
from uaabench.baselines.uaa.config import RELEASED
from uaabench.baselines.uaa.mobilenet import MobileNetSegmenter
from uaabench.baselines.uaa.model import Trace, UAAModel

GOLDEN = Path(__file__).parents[1] / "tests" / "baselines" / "uaa" / "golden.py"


def with_golden_parameters(model: UAAModel, *, data_step: bool) -> UAAModel:
    """Give a model the deterministic parameters of the golden run."""
    value = runpy.run_path(str(GOLDEN))["golden_value"]
    for part in (model.model_f, model.model_s):
        part.load_state_dict({key: value(key, tuple(entry.shape)) for key, entry in part.state_dict().items()})
    model.model_f.data_step = data_step
    return model.eval()


class Plain(nn.Module):
    """The released segmenter by its plain layers, through nothing but its scores."""

    def __init__(self, network: MobileNetSegmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Score images, (B,1,H,W) to (B,C,H,W)."""
        return scores(self.network, image)


class Folded(Plain):
    """With its batch norms folded away, but its decoder after the upsampling."""

    def forward(self, image: Tensor) -> Tensor:
        """Score images, (B,1,H,W) to (B,C,H,W)."""
        network = self.network
        low, high = network._features(image)
        high = functional.interpolate(high, low.shape[-2:], mode="bilinear", align_corners=True)
        joint = layers.run(torch.cat([high, layers.run(low, network.shortcut_conv)], 1), network.cat_conv)
        return network.upsample(network.cls_conv(joint), image.shape[-2:])


class LowResolution(CoarseSegmenter):
    """With products before the upsampling, but whole backward passes."""

    align_corners = True

    def __init__(self, network: MobileNetSegmenter) -> None:
        super().__init__()
        self.network = network

    def logits(self, image: Tensor) -> Tensor:
        """Coarse logits."""
        return self.network.logits(image)


@dataclass(frozen=True)
class Variant:
    """One step towards ours: the segmenter's form, and what else is on."""

    name: str
    wrap: Callable[[MobileNetSegmenter], nn.Module]
    channels_last: bool = True
    strips: bool = True
    bf16: bool = False

    @contextlib.contextmanager
    def fuser(self, *, data_step: bool) -> Iterator[Callable[[Tensor, Tensor, Tensor], Result]]:
        """A function that fuses a pair by a mask."""
        with contextlib.ExitStack() as stack:
            if not self.channels_last:
                stack.enter_context(mock.patch.object(layers, "channels_last", lambda x: x))
            if not self.strips:
                stack.enter_context(mock.patch.object(strips, "PIXELS", 10**9))
            model = with_golden_parameters(UAAModel(RELEASED), data_step=data_step).requires_grad_(False)
            model.model_s = self.wrap(model.model_s)
            yield lambda ir, vi, mask: fuse(model, ir, vi, mask, bf16=self.bf16)


def fuse(model: UAAModel, ir: Tensor, vi: Tensor, mask: Tensor, *, bf16: bool = False) -> Result:
    """Fuse one pair (1,1,H,W) by a mask (1,C,H,W)."""
    trace = Trace()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        fusion = model(ir, vi, mask, trace)
    return Result(fusion.weights.ir, fusion.weights.attribution[:, 0], trace.attentions, fusion.image)


OURS = Variant("+ backward passes on regions (ours)", lambda network: network)
BF16 = Variant("+ bfloat16", lambda network: network, bf16=True)
VARIANTS = (
    Variant("no weight gradients, nothing unused, one forward for all classes", Plain, False, False),
    Variant("+ batch norms folded", Folded, False, False),
    Variant("+ channels last", Folded, True, False),
    Variant("+ fusion network in strips", Folded),
    Variant("+ products before the upsampling", LowResolution),
    OURS,
    BF16,
)
