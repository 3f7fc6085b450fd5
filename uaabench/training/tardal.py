"""Training TarDAL's generator against a target and a detail critic, after the recipe of the authors' first release.

Loss of the generator: structure and intensity of both sources, weighted pixel by pixel by how salient each is, plus a
tenth of two adversarial terms. The target critic compares the hot targets of the fused image with those of the infrared
one, the detail critic the gradients elsewhere with those of the visible one; both are Wasserstein critics with a
divergence penalty (Wu et al., ECCV 2018).

What differs from that recipe, so that minutes on a CPU are enough: crops instead of resized images, Adam with a cosine
schedule instead of RMSprop, sharper source weights and a gradient term (without them the loss is nearly flat between
the sources, and the result close to their average), and a last phase with fixed batch statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.tardal import Generator
from uaabench.interface import FusionDataset, Pair, luminance
from uaabench.training.crops import CropSampler
from uaabench.training.losses import edges, sobel
from uaabench.training.schedule import warm_cosine


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of a training run.

    Attributes:
        steps: Steps of the generator; each is preceded by one step of the critics.
        batch: Crops in a step.
        crop: Height and width of a crop; a multiple of 8.
        learning_rate: Peak learning rate of the generator.
        critic_learning_rate: Learning rate of both critics.
        warmup: Share of the steps in which the learning rate rises.
        frozen: Share of the steps, at the end, in which the batch statistics are fixed at what they will be in use.
        intensity: Weight of the L1 distance to the sources beside one minus their SSIM.
        gradient: Weight of the L1 distance to the stronger gradient.
        adversarial: Weight of the adversarial terms.
        sharpness: Slope of the source weights over the difference in saliency; 1 in the published recipe.
        seed: Seed of the initial weights and of the crops.
    """

    steps: int = 640
    batch: int = 4
    crop: int = 64
    learning_rate: float = 1.5e-3
    critic_learning_rate: float = 1e-4
    warmup: float = 0.05
    frozen: float = 0.4
    intensity: float = 20.0
    gradient: float = 10.0
    adversarial: float = 0.1
    sharpness: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step reports: its number, the generator's loss and the parts of it."""

    step: int
    loss: float
    source: float
    gradient: float
    adversarial: float


def train(
    items: Sequence[tuple[FusionDataset, Pair]],
    recipe: Recipe,
    device: torch.device,
    report: Callable[[Progress, Generator], None] = lambda _progress, _generator: None,
) -> Generator:
    """Train a generator.

    Args:
        items: Training pairs with the data sets that read them.
        recipe: The numbers of the run.
        device: Where to train.
        report: Called after every step.

    Returns:
        The generator in evaluation mode, its running statistics those of the last phase.

    Raises:
        DataError: A pair cannot be read.
    """
    torch.manual_seed(recipe.seed)
    sampler = CropSampler(items, recipe.crop, recipe.seed)
    generator = Generator().to(device)
    target, detail = Critic(recipe.crop).to(device), Critic(recipe.crop).to(device)
    optimiser = torch.optim.Adam(generator.parameters(), lr=recipe.learning_rate)
    critics = torch.optim.RMSprop([*target.parameters(), *detail.parameters()], lr=recipe.critic_learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step, recipe.steps, recipe.warmup))
    freeze_at = round(recipe.steps * (1 - recipe.frozen))
    generator.train()
    for step in range(recipe.steps):
        if step == freeze_at:
            fix_statistics(generator, sampler, recipe.batch, device)
        ir, y = _draw(sampler, recipe.batch, device)
        fused = generator(ir, y)
        mask = target_mask(ir)

        critic_loss = critic_divergence(target, ir * mask, fused.detach() * mask) + critic_divergence(
            detail, edges(y * (1 - mask)), edges(fused.detach() * (1 - mask))
        )
        critics.zero_grad()
        critic_loss.backward()  # type: ignore[no-untyped-call]
        critics.step()

        source = source_loss(fused, ir, y, recipe)
        gradient = gradient_loss(fused, ir, y)
        adversarial = -target(fused * mask).mean() - detail(edges(fused * (1 - mask))).mean()
        loss = source + recipe.gradient * gradient + recipe.adversarial * adversarial
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        report(Progress(step + 1, loss.item(), source.item(), gradient.item(), adversarial.item()), generator)
    return generator.eval()


def fix_statistics(generator: Generator, sampler: CropSampler, batch: int, device: torch.device) -> None:
    """Estimate the running statistics anew over 40 batches and normalise by them from now on.

    Training on batch statistics to the end would leave the images of evaluation mode a little off in brightness.
    """
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
    with torch.no_grad():
        for _ in range(40):
            generator(*_draw(sampler, batch, device))
    for norm in norms:
        norm.eval()


class Critic(nn.Module):
    """A Wasserstein critic: (B,1,S,S) to one score an image."""

    def __init__(self, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.score = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * math.ceil(size / 8) ** 2, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Score a batch."""
        score: Tensor = self.score(image)
        return score


def critic_divergence(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of a critic: mean score of `fake` minus that of `real` plus the divergence penalty 2 E||grad||^6."""
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = 2 * gradient.flatten(1).norm(dim=1).pow(6).mean()
    loss: Tensor = critic(fake).mean() - critic(real).mean() + penalty
    return loss


def source_loss(fused: Tensor, ir: Tensor, y: Tensor, recipe: Recipe) -> Tensor:
    """Mean over the pixels of the saliency-weighted distances, 1 - SSIM plus L1, to both sources."""
    weight = infrared_weight(ir, y, recipe.sharpness)
    to_ir, to_y = (1 - ssim_map(fused, source) + recipe.intensity * (fused - source).abs() for source in (ir, y))
    return (weight * to_ir + (1 - weight) * to_y).mean()


def gradient_loss(fused: Tensor, ir: Tensor, y: Tensor) -> Tensor:
    """Mean L1 distance of the Sobel responses to those of the source that has the stronger one, sign included."""
    of_ir, of_y = sobel(ir), sobel(y)
    return (sobel(fused) - torch.where(of_ir.abs() > of_y.abs(), of_ir, of_y)).abs().mean()


def infrared_weight(ir: Tensor, y: Tensor, sharpness: float) -> Tensor:
    """Weight of the infrared image in [0,1], (B,1,H,W); the visible one has the rest."""
    difference = gaussian(saliency(ir)) - gaussian(saliency(y))
    return 0.5 + 0.5 * torch.tanh(sharpness * difference)


def saliency(image: Tensor) -> Tensor:
    """Mean distance of each grey level to those of all other pixels of its image (Zhai and Shah 2006), (B,1,H,W)."""
    levels = (image.flatten(1) * 255).round().long()
    histogram = image.new_zeros(len(image), 256).scatter_add_(1, levels, torch.ones_like(levels, dtype=image.dtype))
    grey = torch.arange(256, device=image.device, dtype=image.dtype) / 255
    contrast = histogram / levels.shape[1] @ (grey[:, None] - grey[None]).abs()
    return contrast.gather(1, levels).reshape(image.shape)


def target_mask(ir: Tensor) -> Tensor:
    """Soft mask in [0,1] of what is clearly hotter than its surroundings: more than 1.5 deviations above the mean."""
    mean, deviation = ir.mean((2, 3), keepdim=True), ir.std((2, 3), keepdim=True)
    return gaussian(torch.sigmoid((ir - mean - 1.5 * deviation) / 0.02))


def ssim_map(first: Tensor, second: Tensor) -> Tensor:
    """SSIM of each pixel of two (B,1,H,W) images in [0,1] (Wang et al. 2004; Gaussian window 11, deviation 1.5)."""
    mean1, mean2 = gaussian(first), gaussian(second)
    variance1 = gaussian(first * first) - mean1 * mean1
    variance2 = gaussian(second * second) - mean2 * mean2
    covariance = gaussian(first * second) - mean1 * mean2
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean1 * mean2 + c1) * (2 * covariance + c2)) / (
        (mean1 * mean1 + mean2 * mean2 + c1) * (variance1 + variance2 + c2)
    )


def gaussian(image: Tensor) -> Tensor:
    """Gaussian mean of (B,1,H,W) over a window of 11 with deviation 1.5, edges replicated."""
    offsets = torch.arange(-5, 6, device=image.device, dtype=image.dtype)
    kernel = functional.softmax(-offsets.square() / (2 * 1.5**2), dim=0)
    padded = functional.pad(image, (5, 5, 5, 5), mode="replicate")
    return functional.conv2d(functional.conv2d(padded, kernel.view(1, 1, 1, 11)), kernel.view(1, 1, 11, 1))


def _draw(sampler: CropSampler, batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Infrared and luminance crops on the device."""
    crops = sampler.batch(batch)
    return crops.ir.to(device), luminance(crops.vi).to(device)
