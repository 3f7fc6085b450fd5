"""Full-reference image quality measures towards each source, averaged over the two sources; computed by piq.

    M = (m(A,F) + m(B,F)) / 2

They were made for distorted copies of one reference, which a fused image is not: a copy of one source scores best with
it. FSIM, GMSD, VSI and HaarPSI work on grey levels 0..1 in float64. LPIPS and DISTS are networks: their weights are
not downloaded; they are read from where torch keeps downloaded weights.

References: Zhang et al., "FSIM", TIP 2011, doi:10.1109/TIP.2011.2109730. Xue et al., "Gradient magnitude similarity
deviation", TIP 2014, doi:10.1109/TIP.2013.2293423. Zhang et al., "VSI", TIP 2014, doi:10.1109/TIP.2014.2346028.
Reisenhofer et al., "A Haar wavelet-based perceptual similarity index", Signal Processing: Image Communication 2018,
doi:10.1016/j.image.2017.11.001. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual
metric", CVPR 2018. Ding et al., "Image quality assessment: unifying structure and texture similarity", TPAMI 2022,
doi:10.1109/TPAMI.2020.3045810.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

VGG16 = "vgg16-397923af.pth"


def unit_tensor(image: FloatImage) -> Tensor:
    """An (H,W) image with values 0..255 as a float64 tensor (1,1,H,W) in [0,1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image)[None, None] / 255)


def towards_both(measure: Callable[[Tensor, Tensor], Tensor], fused: Tensor, ir: Tensor, vi: Tensor) -> float:
    """Mean over the sources of a measure between fused image and source, each from `unit_tensor`."""
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        # piq says of each grey image that it becomes RGB.
        warnings.simplefilter("ignore")
        return float(measure(fused, ir) + measure(fused, vi)) / 2


def by_piq(function: str, fused: Tensor, ir: Tensor, vi: Tensor, **options: Any) -> float:
    """Mean over the sources of a function of piq."""
    import piq

    return towards_both(partial(getattr(piq, function), data_range=1.0, **options), fused, ir, vi)


def by_network(name: str, fused: Tensor, ir: Tensor, vi: Tensor) -> float:
    """Mean over the sources of a network of piq, in float32.

    Raises:
        WeightsError: Its weights are not there.
    """
    network = _network(name)
    return towards_both(lambda x, y: network(x.float(), y.float()), fused, ir, vi)


def require_weights(name: str) -> None:
    """Make sure that piq finds the weights of a network where torch keeps what it downloads.

    Raises:
        WeightsError: They are not there.
    """
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for file in (VGG16, f"{name.lower()}_weights.pt"):
        if not (folder / file).is_file():
            raise WeightsError(
                f"{name} needs the file {file} in {folder}; bring it there from where piq's documentation names it, "
                f"or leave {name} out."
            )


@cache
def _network(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    import piq

    require_weights(name)
    network: Callable[[Tensor, Tensor], Tensor] = getattr(piq, name)()
    return network


def _formula(name: str) -> str:
    return f"({name}(A,F) + {name}(B,F)) / 2 by piq, of grey levels 0..1"


FSIM = Metric(
    name="FSIM",
    title="feature similarity",
    compute=partial(by_piq, "fsim", chromatic=False),
    features=unit_tensor,
    higher_is_better=True,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Zhang et al., TIP 2011",
    formula=_formula("FSIM"),
    min_size=16,
)
GMSD = replace(
    FSIM,
    name="GMSD",
    title="gradient magnitude similarity deviation",
    compute=partial(by_piq, "gmsd"),
    higher_is_better=False,
    reference="Xue et al., TIP 2014",
    formula=_formula("GMSD"),
)
VSI = replace(
    FSIM,
    name="VSI",
    title="visual saliency-induced index",
    compute=partial(by_piq, "vsi"),
    reference="Zhang et al., TIP 2014",
    formula=_formula("VSI"),
    note="Made for colour; the grey levels stand for all three channels.",
)
HAARPSI = replace(
    FSIM,
    name="HaarPSI",
    title="Haar perceptual similarity",
    compute=partial(by_piq, "haarpsi"),
    gameable_by_noise=True,
    reference="Reisenhofer et al., SPIC 2018",
    formula=_formula("HaarPSI"),
)
LPIPS = replace(
    FSIM,
    name="LPIPS",
    title="learned perceptual image patch similarity",
    compute=partial(by_network, "LPIPS"),
    require=partial(require_weights, "LPIPS"),
    higher_is_better=False,
    range=(0.0, math.inf),
    reference="Zhang et al., CVPR 2018",
    formula=_formula("LPIPS"),
    note="Needs weights that are not shipped; computed in float32.",
    min_size=32,
)
DISTS = replace(
    LPIPS,
    name="DISTS",
    title="deep image structure and texture similarity",
    compute=partial(by_network, "DISTS"),
    require=partial(require_weights, "DISTS"),
    range=(0.0, 1.0),
    reference="Ding et al., TPAMI 2022",
    formula=_formula("DISTS"),
)
