"""Loss of TarDAL (Liu et al., CVPR 2022), as in the authors' first release.

Structure and intensity of both sources, weighted pixel by pixel by how salient each is, plus a tenth of two
adversarial terms. The target critic compares the hot targets of the fused image with those of the infrared one, the
detail critic the gradients elsewhere with those of the visible one; both are Wasserstein critics with a divergence
penalty (Wu et al., ECCV 2018).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from uaabench.baselines.tardal import Generator
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import edges, gaussian, saliency, ssim_map
from uaabench.training.objective import Objective, Terms

INTENSITY, ADVERSARIAL = 20.0, 0.1
CRITIC_RATE = 1e-4
# Places in each direction that a critic tells apart.
PLACES = 4


class TarDALObjective(Objective):
    """The generator, and both critics with their optimiser."""

    loss: ClassVar[str] = (
        "saliency-weighted (1 - SSIM) / 2 + 20 L1 to each source, + 0.1 of a target and a detail critic (WGAN-div)"
    )
    differs: ClassVar[str] = (
        "Target masks by infrared contrast instead of those of a saliency network; critics see 4x4 places, so that "
        "they do not depend on the size of the crops."
    )
    adversarial: ClassVar[frozenset[str]] = frozenset({"target", "detail"})

    def __init__(self) -> None:
        super().__init__(Generator())
        self.target, self.detail = Critic(), Critic()
        critics = [*self.target.parameters(), *self.detail.parameters()]
        self.optimiser = torch.optim.RMSprop(critics, lr=CRITIC_RATE)

    def prepare(self, batch: Batch) -> None:
        """Make a step of both critics."""
        ir, y, mask = batch.ir, luminance(batch.vi), target_mask(batch.ir)
        with torch.no_grad():
            fused = self.run(ir, y)
        loss = critic_divergence(self.target, ir * mask, fused * mask) + critic_divergence(
            self.detail, edges(y * (1 - mask)), edges(fused * (1 - mask))
        )
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        ir, y, mask = batch.ir, luminance(batch.vi), target_mask(batch.ir)
        fused, weight = self.run(ir, y), infrared_weight(ir, y)
        structure = (weight * (1 - ssim_map(fused, ir)) + (1 - weight) * (1 - ssim_map(fused, y))) / 2
        intensity = weight * (fused - ir).abs() + (1 - weight) * (fused - y).abs()
        return {
            "structure": structure.mean(),
            "intensity": INTENSITY * intensity.mean(),
            "target": -ADVERSARIAL * self.target(fused * mask).mean(),
            "detail": -ADVERSARIAL * self.detail(edges(fused * (1 - mask))).mean(),
        }

    def get_extra_state(self) -> dict[str, Any]:
        """State of the critics' optimiser."""
        return self.optimiser.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.optimiser.load_state_dict(state)


class Critic(nn.Module):
    """A Wasserstein critic: (B,1,S,S) to one score an image."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.score = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(PLACES), nn.Flatten(), nn.Linear(128 * PLACES**2, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Score a batch."""
        score: Tensor = self.score(image)
        return score


def critic_divergence(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of a critic: mean score of `fake` minus that of `real` plus the divergence penalty 2 E||grad||^6."""
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = 2 * gradient.flatten(1).norm(dim=1).pow(6).mean()
    loss: Tensor = critic(fake).mean() - critic(real).mean() + penalty
    return loss


def infrared_weight(ir: Tensor, y: Tensor) -> Tensor:
    """Weight of the infrared image in [0,1], (B,1,H,W); the visible one has the rest."""
    return 0.5 + 0.5 * (saliency(ir) - saliency(y))


def target_mask(ir: Tensor) -> Tensor:
    """Soft mask in [0,1] of what is clearly hotter than its surroundings: more than 1.5 deviations above the mean."""
    mean, deviation = ir.mean((2, 3), keepdim=True), ir.std((2, 3), keepdim=True)
    return gaussian(torch.sigmoid((ir - mean - 1.5 * deviation) / 0.02))
