"""AUIF: base and detail by unrolled optimisation, the ancestor of UAAFusion (Zhao et al., IEEE TCSVT 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey
from uaabench.core.interface import MethodCard

STEPS = 10
BLUR, LAPLACIAN = 11, 19
# Rows and columns that decide the two at a border.
STRIP = 5


class AUIF(ScriptMethod):
    """Both extractors and the decoder, the parts of the sources added, as in the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 10

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        fused: Tensor = self._network(ir, pil_grey(vi))
        return fused

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The image of base and detail as they start and after each step; see `explanation.Unfolds`."""
        network = self._network
        assert isinstance(network, Network)
        return network.iterates(ir, pil_grey(vi))


class Step(nn.Module):
    """One step of the unrolled descent, with a kernel and its adjoint."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(64, 1, 3, 3))
        self.eta = nn.Parameter(torch.tensor([0.1]))
        self.theta = nn.Parameter(torch.tensor([1e-3]))
        self.rest = nn.Sequential(nn.BatchNorm2d(1), nn.PReLU())

    def forward(self, estimate: Tensor, image: Tensor) -> Tensor:
        """Bring the estimate (B,1,H,W) of a part of the image (B,1,H,W) one step further."""
        step: Tensor = self.eta * (self.rest(self._response(estimate)) - self.theta * (image - estimate))
        return estimate - step

    def _response(self, estimate: Tensor) -> Tensor:
        """The adjoint of the kernel on the kernel's response, as one convolution with its autocorrelation.

        Nothing lies between the two convolutions, so that away from the border, which both reflect, 64 channels are
        not needed.
        """
        if min(estimate.shape[2:]) < 2 * STRIP:
            return self._literally(estimate)
        correlation = conv2d(pad(self.kernel.transpose(0, 1), (2, 2, 2, 2)), self.kernel.transpose(0, 1))
        top, bottom = self._literally(estimate[..., :STRIP, :]), self._literally(estimate[..., -STRIP:, :])
        left, right = self._literally(estimate[..., :STRIP]), self._literally(estimate[..., -STRIP:])
        middle = [left[..., 2:-2, :2], conv2d(estimate, correlation), right[..., 2:-2, -2:]]
        return torch.cat([top[..., :2, :], torch.cat(middle, dim=3), bottom[..., -2:, :]], dim=2)

    def _literally(self, estimate: Tensor) -> Tensor:
        """Kernel and adjoint one after the other, reflecting twice."""
        adjoint = self.kernel.flip(2, 3).transpose(0, 1)
        return conv2d(_reflected(conv2d(_reflected(estimate), self.kernel)), adjoint)


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.ModuleList(Step() for _ in range(STEPS))
        self.conv2 = nn.ModuleList(Step() for _ in range(STEPS))
        self.decoder = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(1, 1, 3, bias=False), nn.BatchNorm2d(1), nn.Sigmoid()
        )

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch; the sums of both parts are not halved."""
        (base_ir, detail_ir), (base_vi, detail_vi) = self.decompose(ir), self.decompose(vi)
        return self.decode(base_ir + base_vi, detail_ir + detail_vi)

    def iterates(self, ir: Tensor, vi: Tensor) -> list[Tensor]:
        """The image of base and detail as they start and after each step, the last one that of `forward`."""
        (base_ir, detail_ir), (base_vi, detail_vi) = ((_box_blur(image), _laplacian(image)) for image in (ir, vi))
        found = [self.decode(base_ir + base_vi, detail_ir + detail_vi)]
        for of_base, of_detail in zip(self.conv1, self.conv2, strict=True):
            base_ir, base_vi = of_base(base_ir, ir), of_base(base_vi, vi)
            detail_ir, detail_vi = of_detail(detail_ir, ir), of_detail(detail_vi, vi)
            found.append(self.decode(base_ir + base_vi, detail_ir + detail_vi))
        return found

    def decompose(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Base and detail of one image, (B,1,H,W) each."""
        return _descend(self.conv1, _box_blur(image), image), _descend(self.conv2, _laplacian(image), image)

    def decode(self, base: Tensor, detail: Tensor) -> Tensor:
        """An image (B,1,H,W) in (0,1) from its base and detail."""
        image: Tensor = self.decoder(base + detail)
        return image


def _box_blur(image: Tensor) -> Tensor:
    """What the base starts from."""
    return conv2d(_reflected(image, BLUR // 2), image.new_full((1, 1, BLUR, BLUR), 1 / BLUR**2))


def _laplacian(image: Tensor) -> Tensor:
    """What the detail starts from: a Laplacian, its kernel divided by the sum of its magnitudes."""
    kernel = image.new_ones((1, 1, LAPLACIAN, LAPLACIAN))
    kernel[..., LAPLACIAN // 2, LAPLACIAN // 2] = 1 - LAPLACIAN**2
    return conv2d(_reflected(image, LAPLACIAN // 2), kernel / kernel.abs().sum())


def _descend(steps: nn.ModuleList, start: Tensor, image: Tensor) -> Tensor:
    for step in steps:
        start = step(start, image)
    return start


def _reflected(image: Tensor, width: int = 1) -> Tensor:
    return pad(image, (width,) * 4, mode="reflect")
