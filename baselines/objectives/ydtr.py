"""Loss of YDTR (Tang et al., IEEE TMM 2023), as in the authors' training script."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from uaabench.baselines.ydtr import Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import ssim_map
from uaabench.training.objective import Objective, Terms

# Of the infrared and of the visible image.
STRUCTURE, FREQUENCY = (1.0, 0.05), (6e-4, 2.5e-4)
WINDOW = 11


class YDTRObjective(Objective):
    """Structure and local spatial frequency of both sources."""

    loss: ClassVar[str] = (
        "(1 - SSIM) to infrared + 0.05 of it to visible + 6e-4 of the norm of the difference of spatial frequency maps "
        "to infrared + 2.5e-4 of it to visible"
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        sources = batch.ir, luminance(batch.vi)
        found = self.run(*sources)
        terms = {}
        for name, source, structure, weight in zip(("infrared", "visible"), sources, STRUCTURE, FREQUENCY, strict=True):
            terms[f"structure of {name}"] = structure * (1 - ssim_map(found, source)).mean()
            terms[f"frequency of {name}"] = weight * (frequency(found) - frequency(source)).norm()
        return terms


def frequency(image: Tensor) -> Tensor:
    """Sum of the squared differences to the left and upper neighbours over 11x11 pixels; zeros lie outside."""
    left, upper = pad(image, (1, 0, 0, 0))[..., :-1], pad(image, (0, 0, 1, 0))[..., :-1, :]
    change = (image - left).square() + (image - upper).square()
    return avg_pool2d(change, WINDOW, stride=1, padding=WINDOW // 2) * WINDOW**2
