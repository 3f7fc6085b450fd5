"""What holds for the metrics as a whole."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.core.errors import UsageError
from uaabench.metrics import find
from uaabench.metrics.profiles import PROFILES, metrics
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.metrics.profiles.published import PUBLISHED


def scene(seed: int) -> FloatImage:
    """A smooth random image, as photographs are, in 0..255."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(192, 192)), (0, 0), 3)
    return np.round(np.clip(128 + 40 * noise / noise.std(), 0, 255))


def test_metrics_are_found_in_any_letter_case_and_with_either_dash() -> None:
    assert find("QABF", CDDFUSE.metrics) is find("qabf", CDDFUSE.metrics) is CDDFUSE.metrics["Qabf"]
    assert find("ms_ssim", PUBLISHED.metrics) is PUBLISHED.metrics["MS-SSIM"]


def test_an_unknown_metric_is_named_in_the_error() -> None:
    with pytest.raises(UsageError, match="no metric 'PSRN'; did you mean 'PSNR'"):
        find("PSRN", CDDFUSE.metrics)


def test_every_metric_of_every_profile_is_listed_once_and_as_published_where_it_is() -> None:
    names = {name for profile in PROFILES.values() for name in profile.metrics}
    assert set(metrics()) == names
    assert all(metrics()[name] is metric for name, metric in PUBLISHED.metrics.items())


VARIANTS = [
    pytest.param(metric, id=f"{profile.name}-{metric.name}")
    for profile in PROFILES.values()
    for metric in profile.metrics.values()
    if metric.name not in ("LPIPS", "DISTS")
]


@pytest.mark.parametrize("metric", VARIANTS)
def test_noise_improves_exactly_the_metrics_that_say_so(metric: Metric) -> None:
    ir, vi = scene(1), scene(2)
    fused = np.round((ir + vi) / 2)
    noise = np.random.default_rng(3).normal(scale=20, size=fused.shape)
    noisy = np.clip(np.round(fused + noise), 0, 255)
    before, after = metric(fused, ir, vi), metric(noisy, ir, vi)
    assert (after > before if metric.higher_is_better else after < before) == metric.gameable_by_noise


def test_importing_the_metrics_loads_neither_torch_nor_scipy_nor_pandas() -> None:
    code = "import sys, uaabench.metrics.profiles; print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
